"""What /health says of memory, and scenes that nobody plays in: with a device of known size, through a TestClient."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_classifier.image_classifier import ClassifierReady
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from services.memory_planner.model_memory import ModelMemory, ModelSize
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_device import GIB, FakeDevice, FakeModelOnDevice
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.job_client import ended, scene, submit
from tests.play.harness import Json, b64, fake_services, picture, session_config
from tests.rest_client import rest_client
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.testclient import TestClient, WebSocketTestSession

LAKE = "fake/lake"
HILL = "fake/hill"  # on the device as well


@dataclass
class Rig:
    client: TestClient
    device: FakeDevice
    lake: FakeModel
    painter: FakeModelOnDevice
    editor: FakeImageEditor
    classifier: FakeImageClassifier

    def health(self) -> Json:
        return self.client.get("/health").json()

    def choices(self) -> dict[str, str | None]:
        return {role: plan and plan["choice"] for role, plan in self.health()["memory"].items()}

    def generate(self) -> Json:
        return scene(self.client, "a lake")

    def play_once(self, model: str) -> None:
        with self.playing(model):
            pass

    @contextmanager
    def playing(self, model: str = LAKE, *, scenes: bool = False) -> Generator[WebSocketTestSession]:
        with self.client.websocket_connect("ws://127.0.0.1:7987/ws?protocol_version=5") as socket:
            config = session_config(scene_authoring=scenes)
            assert ask(socket, "init", model=model, config=config, seed_image_data=b64(picture(120)))["success"]
            yield socket


def ask(socket: WebSocketTestSession, kind: str, **fields: Any) -> Json:
    socket.send_text(json.dumps({"type": kind, "req_id": kind, **fields}))
    while True:
        text = socket.receive().get("text")
        message: Json = {} if text is None else json.loads(text)
        if message.get("req_id") == kind:
            return message


@contextmanager
def rig(
    vram: float, *, engine: float = 12, authoring: AuthoringConfig | None = None, is_default: bool = False
) -> Generator[Rig]:
    """Sizes in GiB: of the device and of an engine on it, which is the default, or else a CPU engine is."""
    device = FakeDevice(vram=vram)
    lake, hill = device.engine(LAKE, vram=engine), device.engine(HILL, vram=engine)
    painter = FakeModelOnDevice(device, "painter", weights=16, largest=8, work=2)
    editor = FakeImageEditor(model=painter)
    nsfw = ModelMemory(ModelSize(GIB // 2, GIB // 2), work=GIB // 2, placements=("resident", "cpu"))
    classifier = FakeImageClassifier(status=ClassifierReady("x-1", nsfw))
    services = fake_services(
        *((lake, hill, FakeModel()) if is_default else (FakeModel(), lake, hill)),
        prompt_writer=FakePromptWriter(),
        image_editor=editor,
        classifier=classifier,
        system_monitor=device,
    )
    with rest_client(services, authoring=authoring or AuthoringConfig(local_images="auto")) as client:
        yield Rig(client, device, lake, painter, editor, classifier)


@pytest.mark.parametrize(
    ("vram", "engine", "choice", "loads"),
    [(40, 12, "resident", 1), (24, 12, "offloaded", 1), (21, 12, "unload-engine", 2), (8, 5, "refused", 1)],
)
def test_each_choice_while_somebody_plays(vram: float, engine: float, choice: str, loads: int) -> None:
    with rig(vram, engine=engine) as here, here.playing(scenes=True) as socket:
        assert here.choices() == {"classifier": "resident", "writer": None, "editor": choice}
        assert here.health()["authoring"]["available"] is (choice != "refused")
        reply = ask(socket, "scene_edit", prompt="fog")
        assert reply["success"] is (choice != "refused")
        assert "GiB" in here.health()["memory"]["editor"]["reason"] or choice in {"resident", "offloaded"}
        assert len(here.lake.engines) == loads
        assert here.lake.engines[-1].open_worlds == 1


def test_each_choice_names_its_reason() -> None:
    with rig(24) as here:
        assert here.health()["memory"] == {
            "classifier": {
                "choice": "resident",
                "reason": "It needs 1.0 GiB of GPU memory, and 24.0 GiB are free, 16.0 GiB of them for other models "
                "and worlds.",
            },
            "writer": None,
            "editor": {
                "choice": "resident",
                "reason": "It needs 18.0 GiB of GPU memory, and 24.0 GiB are free, 1.0 GiB of them for other models "
                "and worlds.",
            },
        }
    with rig(0) as here:
        here.device.vram = 0
        found = here.health()
        assert found["memory"]["editor"]["choice"] == "refused"
        assert found["authoring"]["reason"] == found["memory"]["editor"]["reason"]
        assert "needs a GPU with 10.0 GiB free, and 0.0 GiB are free" in found["authoring"]["reason"]
        assert found["memory"]["classifier"]["choice"] == "cpu"


@pytest.mark.parametrize("asked", ["resident", "offloaded", "cpu"])
def test_the_settings_decide(asked: Any) -> None:
    with rig(0, authoring=AuthoringConfig(local_images=asked)) as here:
        assert here.health()["memory"]["editor"] == {"choice": asked, "reason": "The settings say so."}


def test_models_behind_endpoints_take_no_memory() -> None:
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    with rest_client(services) as client:
        assert client.get("/health").json()["memory"] == {"classifier": None, "writer": None, "editor": None}


def test_the_classifier_is_told_where_to_work_before_its_first_picture() -> None:
    for vram, placement in ((4, "resident"), (0.5, "cpu")):
        with rig(vram) as here:
            here.client.post("/api/seeds", content=picture(3))
            assert here.classifier.placements == [placement]


def test_health_reads_nothing_but_the_state() -> None:
    """It is answered on the event loop's thread, which frames wait for: no disk, no driver, no planner."""
    with rig(21) as here, here.playing():
        before = here.health()
        here.device.fail = AssertionError("The driver was asked.")
        here.classifier.fail_status = here.editor.fail_status = AssertionError("The disk was read.")
        assert here.health() == before


def test_a_deleted_model_is_gone_from_the_next_report() -> None:
    with rig(40) as here:
        assert here.choices()["editor"] == "resident"
        here.device.vram = 0
        assert here.client.delete("/api/cached-model/some/model").status_code == 204
        assert here.choices()["editor"] == "refused"


# ---------------------------------------------------------------------------------------------- scenes without a player


def test_an_engine_that_nobody_plays_on_makes_room_and_is_loaded_when_it_is_wanted() -> None:
    with rig(21) as here:
        with here.playing():
            assert here.choices()["editor"] == "unload-engine", "for whoever plays there alone"
            refused = here.client.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "a lake"}})
            assert refused.status_code == 503
            assert "somebody else plays on it" in refused.json()["message"]
        wait_until(lambda: not here.client.get("/api/sessions").json()["sessions"], "the session ended")
        assert here.generate()["state"] == "done"
        assert here.device.history == [f"+{LAKE}", f"-{LAKE}", "+painter", "-painter"]
        with here.playing():
            assert len(here.lake.engines) == 2


def test_a_player_on_another_engine_has_an_idle_one_make_room() -> None:
    with rig(21) as here:
        with here.playing():
            pass
        wait_until(lambda: not here.client.get("/api/sessions").json()["sessions"], "the session ended")
        with here.playing("fake/world", scenes=True) as socket:
            assert ask(socket, "scene_edit", prompt="fog")["success"]
            assert here.device.history == [f"+{LAKE}", f"-{LAKE}", "+painter", "-painter"]


@pytest.mark.parametrize("model", [LAKE, HILL])
def test_models_leave_the_device_to_the_default_engine_after_a_scene(model: str) -> None:
    with rig(21, is_default=True) as here:
        assert here.choices()["editor"] == "unload-engine"
        here.editor.hold()
        job_id = submit(here.client, "scene", prompt="a lake")["id"]
        here.editor.wait_until_held()
        with ThreadPoolExecutor(1) as pool:
            player = pool.submit(here.play_once, model)
            here.editor.release()
            player.result(deadline_s())
        assert ended(here.client, job_id)["state"] == "done"
        assert here.device.history == ["+painter", "-painter", f"+{model}"]


def test_a_failed_scene_without_a_player_leaves_the_device_free() -> None:
    with rig(21, is_default=True) as here:
        here.editor.fail = ImageEditorError(ModelFault.FAILED, "It is broken.")
        assert here.generate()["state"] == "failed"
        with here.playing():
            assert here.device.history == ["+painter", "-painter", f"+{LAKE}"]
