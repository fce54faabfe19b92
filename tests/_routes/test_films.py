"""Films of saved worlds over REST: played again in the engine that plays for people, who come first."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.world_engine.catalogue import WorldEngineCatalogue, entry_of
from services.world_engine.diorama.entry import Diorama
from services.world_files.directory_world_store import DirectoryWorldStore
from state.app_state_types import EngineKey, EngineReady
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.fakes.fake_world_store import FakeWorldStore
from tests.job_client import ended, job_of, submit
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.replay.saved import play_and_save
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

ENGINE: Final = EngineKey("fake/world", "none")


@contextmanager
def film_server(folder: Path, *models: FakeModel) -> Generator[tuple[PlayServer, str]]:
    """A server with one saved world, and its id. Nobody plays."""
    services = fake_services(*models, world_store=FakeWorldStore(folder=folder))
    with play_server(services, data_dir=folder) as server:
        with server.client(extended=True) as client:
            client.start(picture(3))
            client.hold("W", until=lambda frame: frame.content.pass_number >= 20)
            world = client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]
        wait_until(lambda: not server.sessions(), "nobody plays")
        yield server, world


def filmed(server: PlayServer, world: str) -> str:
    return submit(server.http, "replay_film", world_id=world)["id"]


def leases(server: PlayServer) -> int:
    state = server.handler.engines.of(ENGINE)
    return len(state.leases) if isinstance(state, EngineReady) else 0


def test_a_film_of_a_world(tmp_path: Path) -> None:
    with film_server(tmp_path) as (server, world):
        job = ended(server.http, filmed(server, world))
        assert (job["state"], job["stage"], job["fault"]) == ("done", "keeping", None)
        assert (job["result"]["title"], job["result"]["is_exact"]) == ("A walk", True)
        assert job["result"]["passes"] >= 20
        assert str(tmp_path) not in str(job), "where files lie on the machine is nobody's business"
        film = server.http.get(f"/api/jobs/{job['id']}/file")
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        assert len(film.content) == job["result"]["bytes"]
        part = server.http.get(f"/api/jobs/{job['id']}/file", headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.content) == (206, film.content[:2])
        assert server.http.delete(f"/api/jobs/{job['id']}").status_code == 204
        assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.trial
def test_a_film_of_a_real_engine_shows_each_frame_as_it_was(tmp_path: Path) -> None:
    saved = play_and_save(entry_of(Diorama), tmp_path / "played", passes=60).read_bytes()
    encoder, store = SimpleJpegEncoder(1), DirectoryWorldStore(tmp_path / "worlds", 10)
    services = replace(
        fake_services(video_writer=FfmpegVideoWriter(), world_store=store),
        catalogue=WorldEngineCatalogue([entry_of(Diorama)]),
        frame_encoder=encoder,
    )
    with play_server(services, data_dir=tmp_path) as server:
        world = server.http.post("/api/worlds", content=saved).json()["id"]
        job = ended(server.http, filmed(server, world))
        assert (job["state"], job["result"]["is_exact"]) == ("done", True)
        assert "compared: exact" in job["result"]["sentences"][-1]
        assert server.http.get(f"/api/jobs/{job['id']}/file").content[4:8] == b"ftyp"


def test_a_film_and_those_who_play_share_one_engine_and_play_comes_first(tmp_path: Path) -> None:
    model = FakeModel()
    with film_server(tmp_path, model) as (server, world):
        undisturbed = ended(server.http, filmed(server, world))["result"]["digest"]
        (engine,) = model.engines
        engine.hold()
        film = filmed(server, world)
        engine.wait_until_held()
        with server.client(extended=True) as client:
            asked = client.init(picture(9))
            wait_until(lambda: server.handler.engines.is_wanted(ENGINE), "somebody wants to play")
            engine.release()
            assert client.reply(asked)["success"]
            wait_until(lambda: job_of(server.http, film)["stage"] == "waiting_for_play", "the film gives way")
            for _ in range(3):
                assert client.hold("W").content.seed_mean == (9, 0, 0), "play goes on"
            assert job_of(server.http, film)["state"] == "running"
        done = ended(server.http, film)
        assert (done["state"], done["result"]["digest"], done["result"]["is_exact"]) == ("done", undisturbed, True)
        assert model.loaded_quants == ["none"], "one copy serves both"
        wait_until(lambda: engine.open_worlds == 0 and not leases(server), "everything was given back")


@pytest.mark.parametrize("point", ["in a step", "while others play", "while the engine is loaded"])
def test_a_film_that_is_cancelled_gives_the_engine_back_and_leaves_no_file(tmp_path: Path, point: str) -> None:
    model = FakeModel()
    with film_server(tmp_path, model) as (server, world), server.client(extended=True) as client:
        (engine,) = model.engines
        if point == "while others play":
            client.start(picture(9))
            film = filmed(server, world)
            wait_until(lambda: job_of(server.http, film)["stage"] == "waiting_for_play", "it waits")
        elif point == "in a step":
            engine.hold()
            film = filmed(server, world)
            engine.wait_until_held()
        else:
            server.http.delete(f"/api/loaded-models/{ENGINE.model_id}")
            wait_until(lambda: not server.handler.engines.loaded_models(), "it was unloaded")
            model.hold = threading.Event()
            film = filmed(server, world)
            wait_until(lambda: job_of(server.http, film)["stage"] == "loading", "it is loaded")
        assert server.http.post(f"/api/jobs/{film}/cancel").status_code < 300
        engine.release()
        if model.hold is not None:
            model.hold.set()
        assert ended(server.http, film)["state"] == "cancelled"
        assert list((tmp_path / "jobs").iterdir()) == []
        assert server.http.get(f"/api/jobs/{film}/file").json()["code"] == "jobHasNoFile"
        players = 1 if point == "while others play" else 0
        wait_until(lambda: leases(server) == players, "the engine was given back")
        assert sum(each.open_worlds for each in model.engines) == players


def test_a_film_whose_engine_dies_goes_on_in_the_next_one(tmp_path: Path) -> None:
    model = FakeModel()
    with film_server(tmp_path, model) as (server, world):
        undisturbed = ended(server.http, filmed(server, world))["result"]["digest"]
        model.engines[0].die_at(12)
        job = ended(server.http, filmed(server, world))
        assert (job["state"], job["result"]["digest"], job["result"]["is_exact"]) == ("done", undisturbed, True)
        frames = job["result"]["sentences"][0]
        assert frames.startswith(f"{job['result']['passes']} passes"), "none is in the film twice"
        wait_until(lambda: model.engines[0].open_worlds == 0 and not leases(server), "everything was given back")


def test_a_film_whose_engine_always_dies_at_the_same_pass_fails_with_a_sentence(tmp_path: Path) -> None:
    model = FakeModel()
    with film_server(tmp_path, model) as (server, world):
        model.engines[0].die_at(12, times=9)
        job = ended(server.http, filmed(server, world))
        assert (job["state"], job["fault"]["message"][-1]) == ("failed", ".")
        assert list((tmp_path / "jobs").iterdir()) == []
        wait_until(lambda: model.engines[0].open_worlds == 0 and not leases(server), "everything was given back")


def test_a_film_in_another_engine_than_the_worlds_is_refused_with_a_sentence(tmp_path: Path) -> None:
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, weights_hash="beef" * 16))
    store = FakeWorldStore(folder=tmp_path)
    with (
        play_server(fake_services(world_store=store), data_dir=tmp_path) as server,
        server.client(extended=True) as one,
    ):
        one.start(picture(3))
        world = one.reply(one.request("save_world", title="A walk"))["data"]["world_id"]
    with play_server(fake_services(model, world_store=store), data_dir=tmp_path) as server:
        job = ended(server.http, filmed(server, world))
        assert (job["state"], job["fault"]["code"]) == ("failed", "filmFailed")
        assert "other weights" in job["fault"]["message"]


def test_films_that_no_job_knows_are_removed_at_the_start(tmp_path: Path) -> None:
    lost = tmp_path / "jobs" / ("7" * 26)
    lost.mkdir(parents=True)
    (lost / "film.mp4").write_bytes(b"lost")
    (tmp_path / "jobs" / "not of a job").mkdir()
    jobs, worlds = FakeJobStore(), FakeWorldStore(folder=tmp_path)
    services = fake_services(world_store=worlds, job_stores=jobs)
    with play_server(services, data_dir=tmp_path) as server:
        with server.client(extended=True) as client:
            client.start(picture(3))
            client.hold("W")
            world = client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]
        kept = ended(server.http, filmed(server, world))["id"]
    assert lost.exists(), "nothing had run before, so nothing was looked for"
    with play_server(fake_services(job_stores=jobs), data_dir=tmp_path):
        wait_until(lambda: not lost.exists(), "it was removed")
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {kept, "not of a job"}
