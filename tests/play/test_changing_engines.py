"""Device engines that a player goes back and forth between: the other one waits in host memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from services.world_engine.world_engine import EngineOutOfMemoryError
from state.app_state_types import EngineKey, EngineParked, EngineUnloaded
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_device import FakeDevice, FakeEngineOnDevice
from tests.play.harness import Json, PlayClient, PlayServer, b64, fake_services, picture, play_server, session_config
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.fakes.fake_world_engine import FakeFrameContent

LAKE, HILL = "fake/lake", "fake/hill"
STEPPED = "protocol_version=5&mode=stepped"


class Place:
    def __init__(self, server: PlayServer, device: FakeDevice, lake: FakeModel, hill: FakeModel) -> None:
        self.server, self.http, self.device = server, server.http, device
        self.lake, self.hill = lake, hill

    def state(self, model: str) -> object:
        return self.server.handler.engines.of(EngineKey(model, "none"))

    def listed(self, model: str) -> Json:
        return next(each for each in self.http.get("/api/library").json()["models"] if each["id"] == model)

    def picked(self, model: str) -> Json:
        return next(each for each in self.http.get("/api/models").json() if each["id"] == model)

    @property
    def engine(self) -> FakeEngineOnDevice:
        engine = self.lake.engines[0]
        assert isinstance(engine, FakeEngineOnDevice)
        return engine


@contextmanager
def place(folder: Path, **config: Any) -> Generator[Place]:
    """A pond on the processor, and a lake and a hill of which the device holds one."""
    device = FakeDevice(vram=20)
    lake, hill = (device.engine(name, vram=12, can_park=True) for name in (LAKE, HILL))
    services = fake_services(FakeModel("fake/pond"), lake, hill, system_monitor=device)
    with play_server(services, data_dir=folder, **config) as server:
        yield Place(server, device, lake, hill)


def changed(client: PlayClient, model: str) -> None:
    client.start(picture(7), model=model)
    client.hold("W")


def played(client: PlayClient, model: str) -> list[FakeFrameContent]:
    """What the first passes of a world in that engine say."""
    image, config = b64(picture(7)), session_config()
    request = client.request("init", model=model, config=config, seed_image_data=image, rng_seed=5)
    reply = client.reply(request)
    assert reply["success"], reply
    return [_stepped(client) for _ in range(3)]


def _stepped(client: PlayClient) -> FakeFrameContent:
    req_id = client.request("step", buttons=["W"])
    return client.frame(lambda frame: frame.header.req_id == req_id).content


def test_a_player_who_changes_the_model_and_back_loads_each_once_and_sees_the_same(tmp_path: Path) -> None:
    with place(tmp_path) as here, here.server.client(query=STEPPED, extended=True) as client:
        before = played(client, LAKE)
        played(client, HILL)
        assert isinstance(here.state(LAKE), EngineParked)
        assert (here.listed(LAKE)["state"]["kind"], here.listed(HILL)["state"]["kind"]) == ("parked", "loaded")
        assert [here.picked(LAKE)[field] for field in ("loaded", "parked")] == [False, True]
        assert here.http.get("/health").json()["world_engine"]["parked"] == 1
        assert played(client, LAKE) == before
        assert here.device.history == [f"+{LAKE}", f"<{LAKE}", f"+{HILL}", f"<{HILL}", f">{LAKE}"]
        assert [model.loaded_quants for model in (here.lake, here.hill)] == [["none"], ["none"]]


def test_the_owner_unloads_one_that_waits(tmp_path: Path) -> None:
    with place(tmp_path) as here, here.server.client() as client:
        client.start(picture(7), model=LAKE)
        changed(client, HILL)
        wait_until(lambda: isinstance(here.state(LAKE), EngineParked), "it waits")
        assert here.http.delete(f"/api/loaded-models/{LAKE}").status_code == 202
        wait_until(lambda: here.state(LAKE) == EngineUnloaded(), "it was unloaded")
        assert here.listed(LAKE)["state"]["kind"] == "ready"
        client.hold("W")


def test_no_room_on_the_way_back_is_told_and_the_world_in_play_goes_on(tmp_path: Path) -> None:
    with place(tmp_path) as here, here.server.client() as client:
        client.start(picture(7), model=LAKE)
        changed(client, HILL)
        here.engine.fail_to_resume = EngineOutOfMemoryError("There is none.")
        reply = client.reply(client.init(picture(7), model=LAKE))
        assert not reply["success"]
        assert "has no room for it now" in reply["error"]
        client.hold("W")
        assert here.engine.is_closed
        changed(client, LAKE)
        assert len(here.lake.engines) == 2, "and then it is loaded"


def test_the_settings_can_have_none_wait(tmp_path: Path) -> None:
    with place(tmp_path, parked_engine_bytes=0) as here, here.server.client() as client:
        client.start(picture(7), model=LAKE)
        changed(client, HILL)
        assert here.state(LAKE) == EngineUnloaded()
        assert here.device.history == [f"+{LAKE}", f"-{LAKE}", f"+{HILL}"]
