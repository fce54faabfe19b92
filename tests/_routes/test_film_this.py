"""Film this: films from what a world in play shows, by REST alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from runtime_config.runtime_config import AccessConfig
from services.film_store.film_record import read_notes
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests._routes.film_rig import SMALL, pictures_of
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx

    from tests.play.harness import Json, PlayClient

_TOKEN: Final = "a-long-token-of-the-server"


@contextmanager
def world_to_film(
    folder: Path, pipeline: FakeVideoPipeline | None = None, *, access: AccessConfig | None = None, **services: Any
) -> Generator[PlayServer]:
    bundle = fake_services(
        video_pipeline=pipeline or FakeVideoPipeline(),
        video_writer=FfmpegVideoWriter(),
        films_dir=folder / "films",
        **services,
    )
    with play_server(bundle, data_dir=folder, access=access or AccessConfig()) as server:
        yield server


def session_of(server: PlayServer) -> str:
    (session,) = server.http.get("/api/sessions").json()["sessions"]
    return session["id"]


def film(server: PlayServer, *pictures: Json, key: str | None = None) -> httpx.Response:
    body = {"prompt": "fog comes up", "pictures": pictures, **SMALL}
    return server.http.post("/api/video/pictures", json=body, headers={} if key is None else {"Idempotency-Key": key})


def done(server: PlayServer, film_id: str) -> Json:
    def now() -> Json:
        return server.http.get(f"/api/video/films/{film_id}").json()

    wait_until(lambda: now()["state"] in {"done", "failed"}, "the film is over")
    return now()


def moment(client: PlayClient) -> str:
    return client.reply(client.request("take_moment"))["data"]["moment_id"]


def test_the_place_where_a_world_stands_begins_a_film(tmp_path: Path) -> None:
    with world_to_film(tmp_path) as server, server.client(extended=True) as client:
        client.start(picture(200))
        session = session_of(server)
        asked = film(server, {"session": session})
        assert asked.status_code == 202, asked.text
        (placed,) = asked.json()["request"]["way"]["pictures"]
        assert (placed["at"], placed["of"]) == ("first", {"session": session, "moment": None})
        # What the player of the session keeps at the same place is the same picture.
        kept = client.reply(client.request("keep_picture", title="Where I stand"))["data"]
        assert kept["seed_hash"] == placed["seed"]
        by_rest = server.http.post(f"/api/sessions/{session}/picture", json={})
        assert (by_rest.status_code, by_rest.json()["seed_hash"]) == (201, placed["seed"])
        made = done(server, asked.json()["id"])
        assert made["state"] == "done", made
        content = tmp_path / "content.mp4"
        content.write_bytes(server.http.get(made["content_url"]).content)
        notes = read_notes(FfmpegVideoWriter().describe(content).metadata.comment)
        assert notes is not None
        assert notes.request["way"] == made["request"]["way"], "the file does not say what it was made from"


@pytest.mark.trial
def test_two_moments_are_the_ends_of_a_film_that_needs_the_session_no_more(tmp_path: Path) -> None:
    jobs, seeds, held = FakeJobStore(), FakeSeedStore(), FakeVideoPipeline()
    held.hold()
    with world_to_film(tmp_path, held, job_stores=jobs, seed_store=seeds) as server:
        with server.client(extended=True) as client:
            client.start(picture(200))
            client.hold("W")
            first = moment(client)
            client.hold("W", until=lambda frame: frame.header.frame_id > 8)
            last = moment(client)
            ends = [{"session": session_of(server), "moment": each} for each in (first, last)]
            asked = film(server, ends[0], {**ends[1], "at": "last"})
            assert asked.status_code == 202, asked.text
            held.wait_until_held()
        wait_until(lambda: not server.http.get("/api/sessions").json()["sessions"], "the session is over")
    pipeline = FakeVideoPipeline()
    with world_to_film(tmp_path, pipeline, job_stores=jobs, seed_store=seeds) as server:
        made = done(server, asked.json()["id"])
    assert made["state"] == "done", made
    one, other = made["request"]["way"]["pictures"]
    assert one["seed"] != other["seed"]
    assert [each.at for each in pictures_of(pipeline.orders[0])] == ["first", "last"]


def test_the_same_key_is_the_same_film_also_when_the_world_has_gone(tmp_path: Path) -> None:
    with world_to_film(tmp_path) as server:
        with server.client(extended=True) as client:
            client.start(picture(200))
            here: Json = {"session": session_of(server)}
            asked = film(server, here, key="one").json()
            client.hold("W", until=lambda frame: frame.header.frame_id > 8)
            again = film(server, here, key="one")
            assert (again.status_code, again.json()["id"]) == (200, asked["id"])
        wait_until(lambda: not server.http.get("/api/sessions").json()["sessions"], "the session is over")
        assert film(server, here, key="one").json()["id"] == asked["id"]
        assert film(server, here).json()["code"] == "sessionUnknown"
        assert len([seed for seed in server.http.get("/api/seeds").json()["seeds"] if seed["origin"] != "shipped"]) == 1


def test_what_cannot_be_filmed_is_refused_and_leaves_no_picture(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with world_to_film(tmp_path, pipeline) as server, server.client(extended=True) as client:
        client.start(picture(200))
        session = session_of(server)
        assert film(server, {"session": "nobody"}).json()["code"] == "sessionUnknown"
        assert film(server, {"session": session, "moment": "77"}).json()["code"] == "momentUnknown"
        assert film(server, {"session": session, "seed": "0" * 64}).json()["code"] == "invalidRequest"
        pipeline.lacks = "There is no model."
        refused = film(server, {"session": session})
        assert (refused.status_code, refused.json()["code"]) == (409, "modelNotPulled")
        assert [seed for seed in server.http.get("/api/seeds").json()["seeds"] if seed["origin"] != "shipped"] == []


def test_a_view_that_may_not_be_shown_begins_no_film(tmp_path: Path) -> None:
    verdicts = [True, False]  # of the seed, and of what is seen in its world
    classifier = FakeImageClassifier(lambda _: verdicts.pop(0))
    with world_to_film(tmp_path, classifier=classifier) as server, server.client(extended=True) as client:
        client.start(picture(200))
        client.hold("W", until=lambda frame: frame.header.frame_id > 8)
        refused = film(server, {"session": session_of(server)})
        assert (refused.status_code, refused.json()["code"]) == (422, "seedUnsafe")
        assert server.http.get("/api/video/films").json()["films"] == []


def test_strangers_film_no_session(tmp_path: Path) -> None:
    """Sessions are not told apart for them; and films from all else they may have."""
    anonymous = AnonymousConfig(may=(AnonymousAction.UPLOADS,))
    access = AccessConfig(token=_TOKEN, allow_anonymous=True, anonymous=anonymous)
    with world_to_film(tmp_path, access=access) as server, server.client(extended=True) as client:
        client.start(picture(200))
        mine = server.http.get("/api/sessions", headers={"Authorization": f"Bearer {_TOKEN}"}).json()["sessions"]
        refused = film(server, {"session": mine[0]["id"]})
        assert (refused.status_code, refused.json()["code"]) == (403, "localOnly")
        answer = server.http.post(f"/api/sessions/{mine[0]['id']}/picture", json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "localOnly")
        seed = client.reply(client.request("keep_picture"))["data"]["seed_hash"]
        assert film(server, {"seed": seed}).status_code == 202
