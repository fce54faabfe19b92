"""Scenes in words with a real image model in a real process of its own, that is killed, starved or damaged."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_editor.flux_files import FluxFiles
from services.image_editor.flux_image_editor import FluxImageEditor
from services.image_editor.image_editor import EditorReady
from services.torch_worker.process_torch_worker import ProcessTorchWorker
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.handlers.session.authoring_studio import SEED, begin, codes, is_seed
from tests.play.harness import Frame, Json, PlayClient, PlayServer, fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec

PROJECT = Path(__file__).resolve().parents[3]
SIDE = 1024  # a picture of so many pixels takes the tiny model long enough to be met in the middle


pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
    pytest.mark.xdist_group("torch"),
]
patient = AuthoringConfig(local_images="cpu", edit_limit_s=250.0, scene_limit_s=250.0)


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flux")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.image_editor.tiny_flux", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=offline)
    return folder


@contextmanager
def painting_server(folder: Path, factory: str | None = None) -> Generator[PlayServer]:
    """Its image model is a tiny one, or what `factory` makes of it, in a real worker's process."""

    def start(spec: WorkerSpec) -> TorchWorker:
        return ProcessTorchWorker(replace(spec, niceness=0, factory=factory or spec.factory))

    large = FakeModel("fake/large", make_engine=lambda name: FakeWorldEngine(name, width=SIDE, height=SIDE))
    editor = FluxImageEditor(FluxFiles(Path("none"), folder), start)
    services = fake_services(FakeModel(), large, prompt_writer=FakePromptWriter(), image_editor=editor)
    with play_server(services, authoring=patient) as server:
        yield server


def begin_when_loaded(server: PlayServer, client: PlayClient, model: str) -> None:
    client.start(picture(SEED), model=model, scene_authoring=True)

    def is_loaded() -> bool:
        status = server.handler.services.image_editor.status()
        return isinstance(status, EditorReady) and status.is_loaded

    wait_until(is_loaded, "the image model is loaded")


def answer(client: PlayClient, req_id: str) -> Json:
    """The reply, however long loading and painting take."""
    while True:
        received = client.receive(timeout_s=deadline_s(250))
        if not isinstance(received, Frame) and received.get("req_id") == req_id and received["type"] == "response":
            return received


def workers() -> set[int]:
    """Processes of models; the helper of multiprocessing's is none."""
    found = psutil.Process().children()
    return {child.pid for child in found if "spawn_main" in " ".join(child.cmdline())}


def test_a_process_killed_during_an_edit_fails_that_edit_alone(folder: Path) -> None:
    others = workers()
    with (
        painting_server(folder) as server,
        server.client(extended=True) as client,
        server.client() as other,
    ):
        begin_when_loaded(server, client, "fake/large")
        other.start(picture(7))
        req_id = client.request("scene_edit", prompt="fog")
        client.of_type("progress", req_id=req_id, step="painting", fraction=0.25)
        (painter,) = workers() - others
        psutil.Process(painter).kill()
        reply = client.reply(req_id)
        assert codes(reply) == (None, "authoringFailed")
        assert reply["error"].startswith("The process of the model was ended")
        for _ in range(3):
            assert is_seed(client.hold("W"))
            assert other.hold("W").content.seed_mean == (7, 0, 0)
        assert answer(client, client.request("scene_edit", prompt="fog"))["success"], "the model starts again"
        client.hold("W", until=lambda frame: not is_seed(frame))
    wait_until(lambda: workers() <= others, "the server took its worker with it")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded by the kernel")
def test_a_lack_of_memory_says_what_to_do_and_the_session_stays(folder: Path) -> None:
    starved = "tests.handlers.session.starved_painter:build_starved_painter"
    with painting_server(folder, starved) as server, server.client(extended=True) as client:
        begin_when_loaded(server, client, "fake/large")
        reply = answer(client, client.request("scene_edit", prompt="fog"))
        assert codes(reply) == ("sceneAuthoringModelLoadFailed", "authoringLoadFailed")
        assert "not enough memory" in reply["error"]
        assert "Close what else uses it, or choose a smaller model" in reply["error"]
        assert is_seed(client.hold("W"))
        assert answer(client, client.request("scene_edit", prompt="fog"))["success"], "and when there is some again"


def test_files_that_are_damaged_are_told_and_the_session_stays(folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(folder, tmp_path / "model")
    weights = next((tmp_path / "model" / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with painting_server(tmp_path / "model") as server, server.client(extended=True) as client:
        begin(client)
        reply = answer(client, client.request("scene_edit", prompt="fog"))
        assert codes(reply) == ("sceneAuthoringModelLoadFailed", "authoringLoadFailed")
        assert "damaged or incomplete" in reply["error"]
        assert str(tmp_path) not in str(reply)
        assert is_seed(client.hold("W"))
