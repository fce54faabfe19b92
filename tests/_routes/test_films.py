"""Films of saved worlds over REST: by the fake maker, and once by the replay itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from services.film_maker.film_maker import FilmError
from tests.fakes.fake_film_maker import FakeFilmMaker
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_world_store import FakeWorldStore
from tests.job_client import ended, job_of, submit
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def film_server(folder: Path, maker: FakeFilmMaker) -> Generator[tuple[PlayServer, str]]:
    """A server with one saved world, and its id."""
    services = fake_services(film_maker=maker, world_store=FakeWorldStore(folder=folder))
    with play_server(services, data_dir=folder) as server, server.client(extended=True) as client:
        client.start(picture(3))
        yield server, client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]


def test_a_film_of_a_world(tmp_path: Path) -> None:
    with film_server(tmp_path, FakeFilmMaker()) as (server, world):
        job = ended(server.http, submit(server.http, "replay_film", world_id=world)["id"])
        assert (job["state"], job["stage"], job["fault"]) == ("done", "filming", None)
        assert (job["result"]["title"], job["result"]["is_exact"]) == ("A walk", True)
        assert str(tmp_path) not in str(job), "where files lie on the machine is nobody's business"
        film = server.http.get(f"/api/jobs/{job['id']}/file")
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        assert len(film.content) == job["result"]["bytes"]
        part = server.http.get(f"/api/jobs/{job['id']}/file", headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.content) == (206, b"PK")
        assert server.http.delete(f"/api/jobs/{job['id']}").status_code == 204
        assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_film_that_is_not_finished_leaves_no_file(tmp_path: Path, end: str) -> None:
    maker = FakeFilmMaker()
    maker.hold()
    with film_server(tmp_path, maker) as (server, world):
        job = submit(server.http, "replay_film", world_id=world)["id"]
        wait_until(lambda: job_of(server.http, job)["fraction"] == 0.5, "it is half done")
        if end == "cancelled":
            server.http.post(f"/api/jobs/{job}/cancel")
        else:
            maker.fail = FilmError("The disk is full.")
            server.events.call_soon_threadsafe(maker.release)
        assert ended(server.http, job)["state"] == end
        assert list((tmp_path / "jobs").iterdir()) == []
        assert server.http.get(f"/api/jobs/{job}/file").json()["code"] == "jobHasNoFile"


def test_films_that_no_job_knows_are_removed_at_the_start(tmp_path: Path) -> None:
    lost = tmp_path / "jobs" / ("7" * 26)
    lost.mkdir(parents=True)
    (lost / "film.mp4").write_bytes(b"lost")
    (tmp_path / "jobs" / "not of a job").mkdir()
    jobs, worlds = FakeJobStore(), FakeWorldStore(folder=tmp_path)
    services = fake_services(film_maker=FakeFilmMaker(), world_store=worlds, job_stores=jobs)
    with play_server(services, data_dir=tmp_path) as server, server.client(extended=True) as client:
        client.start(picture(3))
        world = client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]
        kept = ended(server.http, submit(server.http, "replay_film", world_id=world)["id"])["id"]
    assert lost.exists(), "nothing had run before, so nothing was looked for"
    with play_server(fake_services(job_stores=jobs), data_dir=tmp_path):
        wait_until(lambda: not lost.exists(), "it was removed")
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {kept, "not of a job"}
