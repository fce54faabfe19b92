"""A tiny Waypoint model played through the server: by two people at once, kept, brought back, and replayed."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

from replay.command import ReplayServices, run_replay
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_engine.catalogue import entry_of as catalogue_entry_of
from services.world_files.directory_world_store import DirectoryWorldStore
from tests.engines.waypoint.installed import WAYPOINT_1_5, WAYPOINT_1_5_360P, install_waypoint_1_5
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.play.harness import fake_services, picture, play_server, session_config
from tests.replay.saved import asked, walk
from tests.services.waypoint.rig import entry_of, loading_here, plugin_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from service_bundle import ServiceBundle
    from services.world_engine.catalogue import CatalogueEntry
    from tests.play.harness import PlayServer

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]


def services_of(entry: CatalogueEntry, folder: Path) -> ServiceBundle:
    return replace(
        fake_services(),
        catalogue=WorldEngineCatalogue([FakeModel().entry, entry]),
        frame_encoder=SimpleJpegEncoder(1),
        world_store=DirectoryWorldStore(folder / "worlds", 10),
        input_logs=NdjsonInputLogs(folder / "logs", 10**9),
    )


def replay(path: Path, entry: CatalogueEntry) -> tuple[int, str]:
    @contextmanager
    def services(_: Path | None) -> Generator[ReplayServices]:
        encoder = SimpleJpegEncoder(1)
        yield ReplayServices(WorldEngineCatalogue([entry]), encoder, FakeVideoWriter())
        encoder.close()

    out = io.StringIO()
    return run_replay([str(path), "--quiet"], services, out=out, err=out), out.getvalue()


def play(server: PlayServer, colour: int) -> str:
    """Walk, come back to a moment, rewind, branch, and save; the id of the world."""
    with server.client(extended=True) as client:
        start: dict[str, Any] = {"model": WAYPOINT_1_5, "action_logging": True, "cap_inference_fps": False}
        reply = client.start(picture(colour, 140, 60), **start)
        assert (reply["model"], reply["inference_fps"]) == (WAYPOINT_1_5, 60)
        walk(client, 6, "W", "SCROLL_UP")
        moment = asked(client, "take_moment")["moment_id"]
        walk(client, 2, "A", "SHIFT")
        asked(client, "restore_moment", moment_id=moment)
        walk(client, 12, "W", "MOUSE_LEFT")
        asked(client, "rewind", seconds=0.5)
        walk(client, 2, "S")
        branch = asked(client, "save_world", title="A branch", moment_id=moment)["world_id"]
        saved = asked(client, "save_world", title="A walk")["world_id"]
    with server.client(extended=True) as client:  # the branch is another world from here on
        config = session_config(cap_inference_fps=False)
        assert client.reply(client.request("init", config=config, world_id=branch))["success"]
        walk(client, 2, "D")
        assert asked(client, "save_world", title="Branched")["world_id"] != saved
    return saved


@pytest.mark.parametrize("hosted", [False, True])
def test_two_people_play_at_once_and_what_they_keep_replays_exactly(
    models_dir: Path, tmp_path: Path, *, hosted: bool
) -> None:
    """In the server's own process, and in that of an engine host, which is what an owner gets."""
    plugin = plugin_of(models_dir)
    here = loading_here(plugin)
    entry = catalogue_entry_of(plugin) if hosted else here
    services = services_of(entry, tmp_path)
    with play_server(services) as server, ThreadPoolExecutor(2) as people:
        saved = list(people.map(partial(play, server), (90, 200)))
    services.input_logs.close(10.0)
    worlds = sorted((tmp_path / "worlds").glob("*.world"))
    assert len(worlds) == 6
    for world_id in saved:
        status, report = replay(tmp_path / "worlds" / f"{world_id}.world", here)
        assert "compared: exact" in report, report
        assert status == 0
    for log in sorted((tmp_path / "logs").glob("*.ndjson")):
        status, report = replay(log, here)
        assert status in {0, 4}, report  # 4: too short for a check


def test_a_world_of_other_weights_is_not_replayed(models_dir: Path, tmp_path: Path) -> None:
    services = services_of(entry_of(models_dir), tmp_path)
    with play_server(services) as server, server.client(extended=True) as client:
        client.start(model=WAYPOINT_1_5)
        walk(client, 2, "W")
        saved = asked(client, "save_world")["world_id"]
    services.input_logs.close(10.0)
    config = (install_waypoint_1_5(tmp_path / "others") / "config.yaml").read_text()
    (tmp_path / "others" / WAYPOINT_1_5 / "config.yaml").write_text(config.replace("- 0.3", "- 0.25"))
    status, report = replay(tmp_path / "worlds" / f"{saved}.world", entry_of(tmp_path / "others"))
    assert status == 2
    assert "other weights of Overworld/Waypoint-1.5-1B" in report


def test_a_stock_clients_first_init_plays_when_the_model_is_on_the_disk(models_dir: Path, tmp_path: Path) -> None:
    """It asks for this model, in full precision, before the person has chosen anything."""
    with play_server(services_of(entry_of(models_dir), tmp_path)) as server, server.client() as client:
        client.start(model=WAYPOINT_1_5)
        frame = client.hold("W")
        assert len(frame.jpegs) == frame.header.temporal_compression == 4


@pytest.mark.parametrize("extended", [True, False])
def test_a_first_init_for_a_model_that_is_not_on_the_disk_says_how_to_get_it(tmp_path: Path, *, extended: bool) -> None:
    """It is answered at once, whoever has the device; and the same init plays once the files have come."""
    entry = entry_of(tmp_path / "models")
    with play_server(services_of(entry, tmp_path)) as server:
        with server.client(extended=extended) as client:
            reply = client.reply(client.init(picture(1), model=WAYPOINT_1_5))
            assert (reply["success"], reply["code"]) == (False, "modelNotPulled")
            for told in (reply["error"], client.of_type("error")["message"]):
                assert "Models view" in told
            assert client.closed() == (1000, "modelNotPulled")
        install_waypoint_1_5(tmp_path / "models")
        with server.client(extended=extended) as client:
            client.start(model=WAYPOINT_1_5)


def test_a_client_that_plays_keeps_its_world_when_it_asks_for_a_model_that_is_not_there(
    models_dir: Path, tmp_path: Path
) -> None:
    services = services_of(entry_of(models_dir), tmp_path)
    absent = entry_of(tmp_path / "models", WAYPOINT_1_5_360P)
    services = replace(services, catalogue=WorldEngineCatalogue([*services.catalogue.entries(), absent]))
    with play_server(services) as server, server.client() as client:
        client.start(model=WAYPOINT_1_5)
        reply = client.reply(client.init(model=WAYPOINT_1_5_360P))
        assert reply["code"] == "modelNotPulled"
        client.hold("W")
