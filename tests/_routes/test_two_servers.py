"""Two servers with one PostgreSQL and one folder: what is made, played or kept on one is known on the other."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from runtime_config.fleet_config import FleetConfig
from services.clock.system_clock import SystemClock
from services.database.shared_database import SharedDatabase
from services.job_store.sql_job_stores import SqlJobStores
from services.peer_store.sql_peer_stores import SqlPeerStores
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.seed_store.directory_seed_store import DirectorySeedStore
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.job_client import ended, submit
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.postgres import emptied_postgres_url
from tests.services.recording_store.videos import make_video
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def fleet_server(url: str, folder: Path, name: str) -> Generator[PlayServer]:
    database = SharedDatabase(folder / "unused.sqlite", url)
    shared = folder / "shared"
    with closing(database):
        services = fake_services(
            job_stores=SqlJobStores(database),
            peer_stores=SqlPeerStores(database),
            seed_store=DirectorySeedStore(
                folder / "none", shared, 10, decoder=PillowPictureDecoder(), clock=SystemClock(), is_shared=True
            ),
            video_writer=FfmpegVideoWriter(),
            recordings_dir=shared / "recordings",
            prompt_writer=FakePromptWriter(),
            image_editor=FakeImageEditor(),
        )
        fleet = FleetConfig(shared, name)
        with play_server(services, data_dir=folder / name, fleet=fleet, max_sessions=2) as server:
            yield server


@pytest.fixture
def two(tmp_path: Path) -> Generator[tuple[PlayServer, PlayServer]]:
    url = emptied_postgres_url()
    with fleet_server(url, tmp_path, "north") as north, fleet_server(url, tmp_path, "east") as east:
        yield north, east


def test_each_lists_the_sessions_of_both(two: tuple[PlayServer, PlayServer]) -> None:
    north, east = two
    with north.client() as first, east.client() as second:
        first.start()
        second.start()

        def listed(server: PlayServer) -> list[tuple[str, str]]:
            sessions = server.http.get("/api/sessions").json()["sessions"]
            return sorted((session["server"], session["state"]) for session in sessions)

        both = [("east", "playing"), ("north", "playing")]
        for server in two:
            wait_until(lambda server=server: listed(server) == both, "it knows of both")
            assert server.http.get("/api/sessions").json()["max_sessions"] == 4


def test_jobs_and_what_they_make_are_known_on_both(two: tuple[PlayServer, PlayServer]) -> None:
    north, east = two
    jobs = [submit(server.http, "scene", prompt=f"a bay of {server is north}")["id"] for server in two]
    for server in two:
        for job in jobs:
            made = ended(server.http, job)
            assert made["state"] == "done"
            assert server.http.get(f"/api/seeds/{made['result']['seed_hash']}/image").status_code == 200
        assert {job["id"] for job in server.http.get("/api/jobs").json()["jobs"]} == set(jobs)
    key = {"Idempotency-Key": "one"}
    body = {"kind": "scene", "request": {"prompt": "a hill"}}
    asked = [server.http.post("/api/jobs", json=body, headers=key).json()["id"] for server in (north, east)]
    assert asked[0] == asked[1]


def test_pictures_and_recordings_are_seen_on_both(two: tuple[PlayServer, PlayServer], tmp_path: Path) -> None:
    north, east = two
    for number, (server, other) in enumerate([(north, east), (east, north), (north, east)]):
        kept = server.http.post("/api/seeds", content=picture(number, 9)).json()["hash"]
        assert kept in {seed["hash"] for seed in other.http.get("/api/seeds").json()["seeds"]}
        assert other.http.get(f"/api/seeds/{kept}/image").status_code == 200
        assert other.http.delete(f"/api/seeds/{kept}").status_code == 204
        assert server.http.get(f"/api/seeds/{kept}/image").status_code == 404
    make_video(tmp_path / "shared" / "recordings" / "A walk.mp4")
    for server in two:
        assert [each["name"] for each in server.http.get("/api/recordings").json()["recordings"]] == ["A walk"]
