"""Settings that are not live: what is read after the start, and what the next session, scene or engine has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from websockets.sync.client import connect

from access_rules import ROUTES
from app_factory import create_app
from app_handler import AppHandler
from runtime_config.applies import Restart
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import settings_of
from services.image_editor.switched_image_editor import SwitchedImageEditor
from services.world_engine.catalogue import WorldEngineCatalogue
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.handlers.settings.test_live_settings import put
from tests.handlers.settings.watched_config import Readings, watched
from tests.job_client import ended, submit
from tests.network.live_server import serving
from tests.play.harness import PlayClient, fake_services, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.image_editor.image_editor import ImageEditor
    from services.world_engine.catalogue import CatalogueEntry

RESTART = {field.path: field.name for field in settings_of(RuntimeConfig) if isinstance(field.setting.applies, Restart)}


def test_what_needs_a_restart_is_not_read_after_the_start(tmp_path: Path) -> None:
    """Every route is asked, a world is played and a scene is made meanwhile.

    The view of the settings may read them, and so may the doctor, who tells what the server runs with.
    """
    readings = Readings()
    config = watched(RuntimeConfig(data_dir=tmp_path), readings)
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    handler = AppHandler(Launch.of(config), services)
    with (
        serving(create_app(handler), lifespan="on") as server,
        server.http_client() as http,
    ):
        assert http.get("/health").json()["startup_complete"]
        readings.begin()
        for method, path in ROUTES:
            if not path.endswith(("/stream", "/events", "/ws", "/doctor")):
                http.request(method, path, json={} if method in ("POST", "PATCH") else None)
        with connect(f"ws://127.0.0.1:{server.port}/ws?protocol_version=5", max_size=None) as socket:
            client = PlayClient(socket, extended=False)
            client.start(scene_authoring=True)
            client.hold("W")
            assert client.reply(client.request("scene_edit", prompt="fog"))["success"]
    assert ("jpeg", "small_quality") in readings.paths, "what is live is read, and noted"
    read = {RESTART[path]: where for path, where in readings.paths.items() if path in RESTART}
    assert read == {}


def test_a_configuration_that_is_watched_tells_who_reads_it() -> None:
    readings = Readings()
    config = watched(RuntimeConfig(data_dir=Path("unused")), readings)
    readings.begin()
    Launch.of(config).asked_by(Launch.of(config).document)
    assert "launch_settings.py" in readings.paths["access", "host"]


# ------------------------------------------------------------------------------------------------- the next session


def test_memory_for_moments_is_that_of_the_sessions_beginning() -> None:
    """Sessions in play go on as they began."""
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, height=512, width=1024))
    with play_server(fake_services(model)) as server, server.client(extended=True) as before:
        before.start()
        put(server, moments_mib=1)
        with server.client(extended=True) as after:
            after.start()
            assert _kept(before, 4) == 4
            assert _kept(after, 4) < 4


def _kept(client: PlayClient, count: int) -> int:
    """How many of so many moments, of 1.5 MiB each, can be gone back to."""
    ids: list[str] = []
    for _ in range(count):
        client.hold("W")
        reply = client.reply(client.request("take_moment"))
        if reply["success"]:
            ids.append(reply["data"]["moment_id"])
    return sum(client.reply(client.request("restore_moment", moment_id=moment))["success"] for moment in ids)


class Renewable:
    """A model whose entry depends on the settings, as that of Moss does."""

    def __init__(self) -> None:
        self.made: list[FakeModel] = [FakeModel()]

    def entries(self, _: RuntimeConfig) -> Iterator[CatalogueEntry]:
        self.made.append(FakeModel())
        yield self.made[-1].entry


def test_an_engine_with_other_settings_is_loaded_once_nobody_plays_on_the_old_one() -> None:
    models = Renewable()
    catalogue = WorldEngineCatalogue([models.made[0].entry], models.entries)
    with play_server(replace(fake_services(), catalogue=catalogue)) as server:
        with server.client() as one, server.client() as two:
            one.start()
            put(server, moss_frames="large")
            wait_until(lambda: len(models.made) == 2, "the catalogue is renewed")
            two.start()
            one.hold("W")
            assert [len(model.engines) for model in models.made] == [1, 0], "whoever comes meanwhile joins the others"
        wait_until(lambda: server.handler.engines.loaded_models() == frozenset(), "the old one is unloaded")
        with server.client() as three:
            three.start()
        assert [len(model.engines) for model in models.made] == [1, 1]
        put(server, moss_frames="small")
        wait_until(lambda: server.handler.engines.loaded_models() == frozenset(), "nobody is there to be waited for")


# --------------------------------------------------------------------------------------------------- the next scene


def test_a_scene_ends_with_the_models_that_it_began_with(tmp_path: Path) -> None:
    held, others = FakeImageEditor(), FakeImageEditor()
    services = fake_services(prompt_writer=FakePromptWriter())

    def editors(config: AuthoringConfig) -> ImageEditor:
        return others if config.local_images == "auto" else held

    services = replace(services, image_editor=SwitchedImageEditor(editors, AuthoringConfig()))
    with play_server(services, data_dir=tmp_path) as server:
        held.hold()
        first = submit(server.http, "scene", prompt="fog")
        held.wait_until_held()
        put(server, local_images="auto")
        held.release()
        assert ended(server.http, first["id"])["state"] == "done"
        assert len(others.orders) == 0
        second = submit(server.http, "scene", prompt="rain")
        assert ended(server.http, second["id"])["state"] == "done"
        assert (len(held.orders), len(others.orders)) == (1, 1)
