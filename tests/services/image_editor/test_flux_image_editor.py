"""The local image model: the real pipeline with random weights, in a real worker's process, on the CPU."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from PIL import Image

from services.image_editor.flux_files import FluxFiles
from services.image_editor.flux_image_editor import FluxImageEditor
from services.image_editor.image_editor import EditorMissing, EditorReady, ImageEditorError, PictureOrder
from services.local_models.model_error import ModelFault
from services.torch_worker.process_torch_worker import ProcessTorchWorker

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.memory_planner.model_memory import Placement
    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec

PROJECT = Path(__file__).resolve().parents[3]
COMMIT = "abc123" + "0" * 34

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
]


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flux")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.image_editor.tiny_flux", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=offline)
    return folder


def _start(spec: WorkerSpec) -> TorchWorker:
    """With the share of the processor that tests have: nobody plays beside them."""
    return ProcessTorchWorker(replace(spec, niceness=0))


@contextmanager
def editor_of(folder: Path | None, cache: Path = Path("none")) -> Generator[FluxImageEditor]:
    editor = FluxImageEditor(FluxFiles(cache, folder), _start)
    editor.place("cpu")
    try:
        yield editor
    finally:
        editor.close()


def order(*, width: int = 128, height: int = 64, seed: int = 1, reference: bytes | None = None) -> PictureOrder:
    return PictureOrder("A flooded cathedral.", width, height, seed, reference)


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        return image.size


def placement_of(editor: FluxImageEditor) -> Placement | None:
    status = editor.status()
    assert isinstance(status, EditorReady)
    assert status.memory is not None
    return status.memory.placement


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_it_paints_edits_reports_and_gives_the_memory_back(folder: Path) -> None:
    before = children()
    with editor_of(folder) as editor:
        status = editor.status()
        assert isinstance(status, EditorReady)
        assert (status.is_loaded, placement_of(editor)) == (False, None)
        seen: list[float] = []

        async def main() -> tuple[bytes, bytes, bytes]:
            first = await editor.make(order(), seen.append)
            again = await editor.make(order(), lambda _: None)
            edited = await editor.make(order(reference=first), lambda _: None)
            return first, again, edited

        first, again, edited = asyncio.run(main())
        assert size_of(first) == (128, 64)
        assert first == again, "the same seed paints the same"
        assert edited != first
        assert seen == [0.25, 0.5, 0.75, 1.0]
        status = editor.status()
        assert isinstance(status, EditorReady)
        assert (status.is_loaded, placement_of(editor)) == (True, "cpu")
        editor.place("resident")
        assert placement_of(editor) == "cpu", "what is loaded stays where it is"
        assert len(children() - before) >= 1
    # multiprocessing's resource tracker stays with the tests' own process.
    assert not [pid for pid in children() - before if "spawn_main" in _command(pid)]


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def test_it_is_cancelled_in_mid_run_and_paints_again(folder: Path) -> None:
    with editor_of(folder) as editor:

        async def main() -> bytes:
            await editor.prepare()
            begun = asyncio.Event()
            large = asyncio.create_task(editor.make(order(width=1024, height=1024), lambda _: begun.set()))
            await begun.wait()
            large.cancel()
            with pytest.raises(asyncio.CancelledError):
                await large
            return await editor.make(order(), lambda _: None)

        assert size_of(asyncio.run(main())) == (128, 64)


def test_a_process_killed_in_mid_run_is_a_typed_error_and_starts_again(folder: Path) -> None:
    with editor_of(folder) as editor:
        before = children()

        async def main() -> bytes:
            await editor.prepare()
            begun = asyncio.Event()
            large = asyncio.create_task(editor.make(order(width=1024, height=1024), lambda _: begun.set()))
            await begun.wait()
            for pid in children() - before:
                if "spawn_main" in _command(pid):
                    psutil.Process(pid).kill()
            with pytest.raises(ImageEditorError) as caught:
                await large
            assert caught.value.fault is ModelFault.FAILED
            return await editor.make(order(), lambda _: None)

        assert size_of(asyncio.run(main())) == (128, 64)


@pytest.mark.parametrize("damage", ["cut short", "no config"])
def test_damaged_files_are_told_without_their_path(folder: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    if damage == "cut short":
        weights = next((copy / "transformer").glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        (copy / "vae" / "config.json").unlink()
    with editor_of(copy) as editor:
        with pytest.raises(ImageEditorError, match="damaged or incomplete") as caught:
            asyncio.run(editor.prepare())
        assert caught.value.fault is ModelFault.NOT_LOADED
        assert str(copy) not in str(caught.value)


def test_missing_files_are_told_with_the_way_to_get_them(folder: Path, tmp_path: Path) -> None:
    with editor_of(None, cache=tmp_path) as editor:
        status = editor.status()
        assert isinstance(status, EditorMissing)
        assert "Pull it in the Models view" in status.reason
        with pytest.raises(ImageEditorError):
            asyncio.run(editor.prepare())
    copy = tmp_path / "partial"
    shutil.copytree(folder, copy)
    next((copy / "text_encoder").glob("*.safetensors")).unlink()
    assert "in part" in str(FluxFiles(tmp_path, copy).what_is_missing())
    (copy / "model_index.json").write_text('{"_class_name": "Flux2Pipeline"}')
    assert "another kind" in str(FluxFiles(tmp_path, copy).what_is_missing())
    without = FluxFiles(tmp_path, folder, has_package=lambda package: package != "diffusers")
    assert "extra models" in str(without.what_is_missing())


def test_the_cache_of_the_hub_is_found(folder: Path, tmp_path: Path) -> None:
    repository = tmp_path / "models--black-forest-labs--FLUX.2-klein-4B"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(f"{COMMIT}\n")
    shutil.copytree(folder, repository / "snapshots" / COMMIT)
    files = FluxFiles(tmp_path)
    assert files.what_is_missing() is None
    assert 0 < files.size().largest_part < files.size().total


def test_it_is_loaded_where_it_is_placed_and_unloaded_when_it_is_told(folder: Path) -> None:
    placements: list[object] = []

    def start_on_cpu(spec: WorkerSpec) -> TorchWorker:
        placements.append(spec.options["placement"])
        return _start(replace(spec, options={**spec.options, "placement": "cpu"}))

    editor, before = FluxImageEditor(FluxFiles(Path("none"), folder), start_on_cpu), children()
    try:
        with pytest.raises(ImageEditorError, match="Nothing says where") as caught:
            asyncio.run(editor.prepare())
        assert caught.value.fault is ModelFault.NOT_LOADED
        for placement in ("resident", "resident", "offloaded"):
            editor.place(placement)
            asyncio.run(editor.prepare())
            assert placement_of(editor) == placement
            editor.unload()
            assert placement_of(editor) is None
            assert not [pid for pid in children() - before if "spawn_main" in _command(pid)]
        assert placements == ["resident", "offloaded"], "the same place needs no other worker"
    finally:
        editor.close()


def test_its_status_has_the_memory_it_takes(folder: Path) -> None:
    with editor_of(folder) as editor:
        status = editor.status()
        assert isinstance(status, EditorReady)
        assert status.memory is not None
        assert status.memory.size == FluxFiles(Path("none"), folder).size()
        assert status.memory.placements == ("resident", "offloaded")
