"""A device with too little room for the world and the image model at once: who is where, and that the world goes on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_device import FakeDevice, FakeModelOnDevice
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.handlers.session.authoring_studio import GREEN, SEED, Studio, ask, codes, is_green, is_seed, studio
from tests.play.harness import Json, PlayClient, picture
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

LAKE = "fake/lake"  # on the device
ENGINE_GIB = 12
TIGHT_GIB = 20  # too little beside the engine, and enough for all of the image model without it
WENT_AND_CAME_BACK = [f"+{LAKE}", f"-{LAKE}", "+painter", "-painter", f"+{LAKE}"]


@dataclass
class Lab:
    at: Studio
    device: FakeDevice
    lake: FakeModel
    painter: FakeModelOnDevice

    @property
    def editor(self) -> FakeImageEditor:
        return self.at.editor

    def memory(self) -> Json:
        return self.at.server.http.get("/health").json()["memory"]


@contextmanager
def lab(
    vram: float = TIGHT_GIB,
    *,
    engine_gib: float = ENGINE_GIB,
    can_be_unloaded_in_play: bool = True,
    local_writer: float | None = None,
    paints_here: bool = True,
    authoring: AuthoringConfig | None = None,
) -> Generator[Lab]:
    """In GiB; `engine_gib` is what the engine really takes, `local_writer` the size of a writer on the device. Pictures
    that are not painted here come from an endpoint."""
    device = FakeDevice(vram=vram)
    lake = device.engine(LAKE, vram=engine_gib, stated_vram=ENGINE_GIB, can_be_unloaded_in_play=can_be_unloaded_in_play)
    painter = FakeModelOnDevice(device, "painter", weights=16, largest=8, work=2)
    writer = (
        None
        if local_writer is None
        else FakeModelOnDevice(device, "writer", weights=local_writer, largest=local_writer, work=1)
    )
    with studio(
        FakeModel(),
        lake,
        writer=FakePromptWriter(model=writer),
        editor=FakeImageEditor(GREEN, model=painter if paints_here else None),
        authoring=authoring or AuthoringConfig(local_images="auto", local_writer="auto"),
        system_monitor=device,
    ) as at:
        yield Lab(at, device, lake, painter)


def begin(client: PlayClient, model: str = LAKE, red: int = SEED) -> None:
    client.start(picture(red), model=model, scene_authoring=True)
    client.hold("W")


# ----------------------------------------------------------------------------------------------------- the four choices


@pytest.mark.parametrize(
    ("vram", "choice", "placement", "loads"),
    [
        (40, "resident", "resident", 1),
        (24, "offloaded", "offloaded", 1),
        (TIGHT_GIB, "unload-engine", "resident", 2),
        (14, "unload-engine", "offloaded", 2),
    ],
)
def test_a_scene_is_made_where_there_is_room(vram: float, choice: str, placement: str, loads: int) -> None:
    with lab(vram) as here, here.at.server.client() as client:
        begin(client)
        if choice == "unload-engine":
            assert here.memory()["editor"]["choice"] == choice, "and not loaded ahead"
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        assert here.painter.placements == [placement]
        assert len(here.lake.engines) == loads
        assert here.memory()["editor"]["choice"] == choice
        assert here.painter.is_loaded is (loads == 1), "what took the engine's place is gone"


def test_without_room_it_is_refused_with_the_numbers_and_the_world_plays_on() -> None:
    with lab(ENGINE_GIB) as here, here.at.server.client() as client:
        begin(client)
        with here.at.server.client() as other:
            other.start(picture(7), model=LAKE)
            reply = ask(client, "scene_edit")
            assert codes(reply) == (None, "authoringUnavailable")
            assert reply["error"] == (
                "The image model needs a GPU with 10.0 GiB free, and 0.0 GiB are free. "
                f"Fake {LAKE} holds 12.0 GiB, and somebody else plays on it. "
                "Close what else uses the GPU, or name an endpoint in the settings."
            )
            assert here.memory()["editor"] == {"choice": "refused", "reason": reply["error"]}
            assert is_seed(client.hold("W"))
            other.hold("W")
        assert here.device.history == [f"+{LAKE}"]
        wait_until(lambda: here.memory()["editor"]["choice"] == "unload-engine", "the other one has left")
        assert ask(client, "scene_edit")["success"], "and then it may be unloaded"


def test_an_engine_that_cannot_be_unloaded_in_play_stays() -> None:
    with lab(can_be_unloaded_in_play=False) as here, here.at.server.client() as client:
        begin(client)
        reply = ask(client, "scene_edit")
        assert "holds 12.0 GiB, and it cannot be unloaded in play." in reply["error"]
        assert len(here.lake.engines) == 1


@pytest.mark.parametrize(("setting", "vram", "loads"), [("never", TIGHT_GIB, 1), ("always", 40, 2)])
def test_the_settings_decide(setting: Any, vram: float, loads: int) -> None:
    config = AuthoringConfig(local_images="auto", unload_engine=setting)
    with lab(vram, authoring=config) as here, here.at.server.client() as client:
        begin(client)
        assert here.memory()["editor"]["choice"] == ("refused" if setting == "never" else "unload-engine")
        assert ask(client, "scene_edit")["success"] is (setting == "always")
        assert len(here.lake.engines) == loads


# ---------------------------------------------------------------------------------------------------- the world goes on


def test_the_world_goes_on_where_it_was_with_the_edit() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        before = client.hold("W", until=lambda frame: frame.content.pass_number > 3).content
        assert ask(client, "scene_edit")["success"]
        after = client.hold("W", until=is_green).content
        assert here.device.history == WENT_AND_CAME_BACK
        assert after.rng_seed == before.rng_seed
        assert after.pass_number > before.pass_number
        assert is_seed(client.start_over())
        assert ask(client, "scene_edit")["success"], "and it gives way as often as it is wanted"
        assert here.device.history == WENT_AND_CAME_BACK + WENT_AND_CAME_BACK[1:]
        assert [engine.is_closed for engine in here.lake.engines] == [True, True, False]


def test_a_generated_scene_begins_a_world_there() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        assert ask(client, "generate_scene")["success"]
        client.hold("W", until=is_green)
        assert is_green(client.start_over())
        assert here.device.history == WENT_AND_CAME_BACK


def test_an_edited_world_comes_back_with_its_edit() -> None:
    with lab() as here, here.at.server.client(extended=True) as client:
        begin(client)
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        here.editor.fail = ImageEditorError(ModelFault.FAILED, "It is broken.")
        assert codes(ask(client, "scene_edit"))[1] == "authoringFailed"
        assert is_green(client.hold("W"))
        assert here.lake.engines[-1].open_worlds == 1


def test_writer_and_image_model_take_turns_in_the_engines_place() -> None:
    with lab(local_writer=9) as here, here.at.server.client() as client:
        begin(client)
        assert {role: plan and plan["choice"] for role, plan in here.memory().items()} == {
            "classifier": None,
            "writer": "unload-engine",
            "editor": "unload-engine",
        }
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        expected = [f"+{LAKE}", f"-{LAKE}", "+writer", "-writer", "+painter", "-painter", f"+{LAKE}"]
        assert here.device.history == expected


def test_the_engine_comes_back_before_a_picture_that_is_made_elsewhere() -> None:
    with lab(local_writer=9, paints_here=False) as here, here.at.server.client() as client:
        begin(client)
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        assert is_seed(client.hold("W"))
        assert here.device.history == [f"+{LAKE}", f"-{LAKE}", "+writer", "-writer", f"+{LAKE}"]
        here.editor.release()
        assert client.reply(req_id)["success"]
        client.hold("W", until=is_green)


def test_a_writer_that_fits_beside_the_engine_stays_when_the_image_model_goes() -> None:
    with lab(local_writer=3) as here, here.at.server.client() as client:
        begin(client)
        wait_until(lambda: here.device.has("writer"), "the writer was loaded ahead")
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        assert here.device.history == [f"+{LAKE}", "+writer", *WENT_AND_CAME_BACK[1:]]


# ------------------------------------------------------------------------------------------------------------ meanwhile


def test_sessions_on_other_engines_keep_their_frames_and_the_menu_is_served() -> None:
    with lab() as here, here.at.server.client() as client, here.at.server.client() as other:
        begin(client)
        other.start(picture(7), model="fake/world")
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        assert not here.device.has(LAKE)
        for _ in range(5):
            assert other.hold("W").content.seed_mean == (7, 0, 0)
        client.send("pause")
        assert client.reply(client.init(None, model=LAKE, scene_authoring=True))["success"], "the pause menu is served"
        client.send("resume")
        assert here.memory()["editor"]["choice"] == "unload-engine"
        here.editor.release()
        assert client.reply(req_id)["success"]
        client.hold("W", until=is_green)


def test_a_session_that_wants_the_engine_meanwhile_gets_it_afterwards() -> None:
    with lab() as here, here.at.server.client() as client, here.at.server.client() as other:
        begin(client)
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        waiting = other.init(picture(7), model=LAKE)
        other.stage("session.waiting_for_seed")
        here.editor.release()
        assert client.reply(req_id)["success"]
        assert other.reply(waiting)["success"]
        assert other.hold("W").content.seed_mean == (7, 0, 0)
        client.hold("W", until=is_green)
        assert here.lake.engines[-1].open_worlds == 2
        assert len(here.lake.engines) == 2


def test_requests_to_an_offloaded_world_wait_for_it() -> None:
    with lab() as here, here.at.server.client(extended=True) as client:
        begin(client)
        here.editor.hold()
        client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        moment, seed = client.request("take_moment"), client.init(picture(77), model=LAKE)
        here.editor.release()
        assert client.reply(moment)["success"]
        assert client.reply(seed)["success"]
        client.hold("W", until=lambda frame: frame.content.seed_mean == (77, 0, 0))
        wait_until(lambda: here.lake.engines[-1].open_worlds == 1, "the world before was closed")
        assert len(here.lake.engines) == 2


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_a_reset_meanwhile_drops_the_scene(kind: str) -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        before = client.hold("W").header.epoch
        here.editor.hold()
        req_id = client.request(kind, prompt="fog")
        here.editor.wait_until_held()
        client.send("reset")
        assert client.reply(client.init(None, model=LAKE, scene_authoring=True))["success"], "the reset has arrived"
        here.editor.release()
        assert codes(client.reply(req_id))[1] == "authoringOutdated"
        assert is_seed(client.hold("W", until=lambda frame: frame.header.epoch != before))


def test_a_model_that_rests_makes_room_for_an_engine() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client, "fake/world")
        wait_until(lambda: here.painter.is_loaded, "the image model was loaded ahead")
        begin(client)
        assert here.device.history == ["+painter", "-painter", f"+{LAKE}"]


def test_a_model_at_work_is_left_alone() -> None:
    with lab() as here, here.at.server.client() as client, here.at.server.client() as other:
        begin(client, "fake/world")
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        reply = other.reply(other.init(picture(7), model=LAKE))
        assert (reply["code"], here.device.history) == ("modelLoadFailed", ["+painter"])
        here.editor.release()
        assert client.reply(req_id)["success"]
        with here.at.server.client() as later:
            later.start(picture(7), model=LAKE)


# ------------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("fault", list(ModelFault))
def test_a_scene_that_fails_brings_the_world_back(fault: ModelFault) -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        before = client.hold("W").content
        here.editor.fail = ImageEditorError(fault, "It is broken.")
        assert not ask(client, "scene_edit")["success"]
        after = client.hold("W")
        assert is_seed(after)
        assert after.content.pass_number > before.pass_number
        assert here.device.history == WENT_AND_CAME_BACK


def test_a_scene_that_is_cancelled_brings_the_world_back() -> None:
    with lab() as here, here.at.server.client(extended=True) as client:
        begin(client)
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        client.send("cancel", target_req_id=req_id)
        assert codes(client.reply(req_id))[1] == "cancelled"
        assert is_seed(client.hold("W"))
        assert here.device.history == WENT_AND_CAME_BACK
        here.editor.release()


def test_an_engine_that_is_not_loaded_again_at_once_is_tried_again() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        before = client.hold("W").content
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        here.lake.fail = "The device is full."
        here.editor.release()
        wait_until(lambda: len(here.lake.loaded_quants) == 2, "the first try")
        here.lake.fail = None
        assert client.reply(req_id)["success"]
        after = client.hold("W", until=is_green).content
        assert after.pass_number > before.pass_number


def test_an_engine_that_does_not_come_back_ends_the_session_with_a_word() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        here.editor.hold()
        client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        here.lake.fail = "The device is full."
        here.editor.release()
        assert client.of_type("error")["message_id"] == "app.server.error.deviceRecoveryFailed"
        assert client.closed()[0] == 1000
        here.lake.fail = None
        with here.at.server.client() as next_one:
            begin(next_one)


def test_a_client_that_leaves_meanwhile_leaves_the_device_free() -> None:
    with lab() as here:
        with here.at.server.client() as client:
            begin(client)
            here.editor.hold()
            client.request("scene_edit", prompt="fog")
            here.editor.wait_until_held()
        wait_until(lambda: not here.at.server.sessions(), "the session ended")
        assert not here.device.has("painter")
        here.editor.release()
        with here.at.server.client() as client:
            begin(client)
            assert ask(client, "scene_edit")["success"]


def test_a_server_that_stops_meanwhile_does_not_wait_for_the_engine() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        here.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        here.editor.wait_until_held()
        here.lake.hold = threading.Event()  # it would never be loaded again
        try:
            stopping = threading.Thread(target=here.at.server.drain)
            stopping.start()
            assert codes(client.reply(req_id))[1] == "cancelled"
            stopping.join()
        finally:
            here.lake.hold.set()


def test_an_engine_that_gives_back_less_than_it_said_comes_back() -> None:
    with lab(14, engine_gib=6) as here, here.at.server.client() as client:
        here.device.take("another program", vram=5 << 30)
        begin(client)
        assert here.memory()["editor"]["choice"] == "unload-engine"
        reply = ask(client, "scene_edit")
        assert codes(reply) == ("sceneAuthoringModelLoadFailed", "authoringLoadFailed")
        assert reply["error"] == (
            "The image model needs a GPU with 10.0 GiB free, and 9.0 GiB are free. "
            "Close what else uses the GPU, or name an endpoint in the settings."
        )
        assert is_seed(client.hold("W"))
        assert here.device.history == ["+another program", f"+{LAKE}", f"-{LAKE}", f"+{LAKE}"]
