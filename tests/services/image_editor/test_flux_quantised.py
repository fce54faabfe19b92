"""The local image model in eight bits: the real pipeline, the real library, in a real worker's process, on the CPU."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from services.image_editor.flux_files import FluxFiles
from services.image_editor.flux_image_editor import FluxImageEditor
from services.image_editor.image_editor import EditorMissing, EditorReady, PictureOrder
from services.torch_worker.process_torch_worker import ProcessTorchWorker

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.image_editor.flux_service import FluxService
    from services.torch_worker.torch_worker import Plain

PROJECT = Path(__file__).resolve().parents[3]

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(importlib.util.find_spec("torchao") is None, reason="the extra quantised is not installed"),
    pytest.mark.xdist_group("torch"),
]


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flux")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.image_editor.tiny_flux", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=offline)
    return folder


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        return image.size


def test_it_paints_and_edits(folder: Path) -> None:
    files = FluxFiles(Path("none"), folder, quant="int8")
    editor = FluxImageEditor(files, lambda spec: ProcessTorchWorker(replace(spec, niceness=0)))
    editor.place("cpu")
    order = PictureOrder("A flooded cathedral.", 128, 64, rng_seed=1)

    async def main() -> tuple[bytes, bytes, bytes]:
        first = await editor.make(order, lambda _: None)
        again = await editor.make(order, lambda _: None)
        return first, again, await editor.make(replace(order, reference=first), lambda _: None)

    try:
        first, again, edited = asyncio.run(main())
    finally:
        editor.close()
    assert size_of(first) == size_of(edited) == (128, 64)
    assert first == again, "the same seed paints the same"
    assert edited != first


@pytest.fixture(name="service")
def fixture_service(folder: Path) -> Generator[FluxService]:
    import torch  # takes seconds; most tests do without

    from services.image_editor.flux_service import build_flux_service

    threads = torch.get_num_threads()
    try:
        yield build_flux_service(str(folder), "cpu", 1, "int8")
    finally:
        torch.set_num_threads(threads)  # the service has its process for itself, and these tests have not


def part(service: FluxService, name: str) -> Any:
    return getattr(service._pipeline, name)  # pyright: ignore[reportPrivateUsage] - nothing else shows the weights


def test_large_layers_are_quantised(service: FluxService) -> None:
    def quantised(name: str) -> int:
        return sum(hasattr(parameter, "qdata") for parameter in part(service, name).parameters())

    assert quantised("transformer") > 20
    assert quantised("text_encoder") > 150
    assert quantised("vae") == 0


def test_a_part_can_leave_the_device_in_mid_run(service: FluxService) -> None:
    """Offloading moves parts between devices; without a device here, it moves the part to the CPU again."""

    class MovingJob:
        def report(self, progress: Plain) -> None:
            assert isinstance(progress, float)
            part(service, "text_encoder").to("meta")  # the words have been read by then

        def check(self) -> None: ...

    order = {"instruction": "A cathedral.", "width": 64, "height": 64, "rng_seed": 1, "reference": None}
    picture = service.handle("make", order, MovingJob())
    assert isinstance(picture, bytes)
    assert size_of(picture) == (64, 64)
    assert {parameter.device.type for parameter in part(service, "text_encoder").parameters()} == {"meta"}


def test_the_plan_is_for_the_smaller_weights(folder: Path) -> None:
    whole = FluxFiles(Path("none"), folder).size()
    small = FluxFiles(Path("none"), folder, quant="int8").size()
    assert small.total < whole.total
    assert small.largest_part < whole.largest_part
    editor = FluxImageEditor(FluxFiles(Path("none"), folder, quant="int8"), ProcessTorchWorker)
    status = editor.status()
    assert isinstance(status, EditorReady)
    assert status.memory is not None
    assert status.memory.size == small


def test_without_the_library_it_says_what_to_do(folder: Path) -> None:
    files = FluxFiles(Path("none"), folder, quant="int8", has_package=lambda package: package != "torchao")
    status = FluxImageEditor(files, ProcessTorchWorker).status()
    assert isinstance(status, EditorMissing)
    assert "install the extra quantised, or set TERRARIUM_LOCAL_IMAGES_QUANT=none" in status.reason
