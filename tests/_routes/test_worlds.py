"""/api/worlds and the moments of sessions, as a client sees them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from services.image_classifier.image_classifier import ClassifierMissing, ClassifierReady
from services.world_files.archive import read_world
from services.world_files.directory_world_store import DirectoryWorldStore
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_world_store import FakeWorldStore
from tests.play.harness import fake_services, play_server
from tests.rest_client import rest_client
from tests.services.world_files.samples import pack, sample_world, spoiled

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import Picture


def test_a_world_comes_in_is_listed_and_goes_out_again(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path, 5)
    with rest_client(fake_services(world_store=store)) as client:
        sent = client.post("/api/worlds", content=pack(sample_world()))
        assert sent.status_code == 201
        world = sent.json()
        assert (world["title"], world["model"], world["passes"], world["origin"]) == (
            "Sample",
            "fake/world",
            5,
            "uploaded",
        )
        assert client.get("/api/worlds").json() == {"worlds": [world]}
        file = client.get(world["file_url"])
        assert file.headers["content-type"] == "application/zip"
        assert "Sample.world" in file.headers["content-disposition"]
        assert read_world(io.BytesIO(file.content)).title == "Sample"
        assert client.get(world["thumbnail_url"]).headers["content-type"] == "image/jpeg"
        renamed = client.patch(f"/api/worlds/{world['id']}", json={"title": " My \x00 world "})
        assert renamed.json() == {**world, "title": "My  world"}
        assert client.delete(f"/api/worlds/{world['id']}").status_code == 204
        assert client.get("/api/worlds").json() == {"worlds": []}


@pytest.mark.parametrize("path", ["file", "thumbnail"])
def test_unknown_worlds_are_not_found(path: str) -> None:
    with rest_client() as client:
        for world_id in ("0" * 16, "x", "..%2f..%2fetc%2fpasswd"):
            assert client.get(f"/api/worlds/{world_id}/{path}").status_code == 404
        assert client.patch(f"/api/worlds/{'0' * 16}", json={"title": "x"}).json()["code"] == "worldUnknown"
        assert client.delete(f"/api/worlds/{'0' * 16}").json()["code"] == "worldUnknown"


def test_bad_uploads_are_refused_with_a_reason_and_leave_nothing(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path / "worlds", 5)
    evil = spoiled(lambda members: members.update({"../../evil": b"x"}))
    bodies = {
        "worldNotAWorld": b"not a world",
        "worldDamaged": evil,
        "worldTooLarge": b"x" * 2_000_000,
    }
    with rest_client(fake_services(world_store=store), max_upload_bytes=1_000_000) as client:
        for code, body in bodies.items():
            answer = client.post("/api/worlds", content=body)
            assert (answer.status_code, answer.json()["code"]) == (413 if code == "worldTooLarge" else 422, code)
        assert client.get("/api/worlds").json() == {"worlds": []}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_pictures_in_uploads_pass_the_safety_door() -> None:
    """All pictures that it was made of are judged, not only the seed."""
    store = FakeWorldStore()
    world = sample_world()
    assert len(world.scenes) == 2
    for name in world.scenes:
        spared = _objecting_to(world.pictures[name])
        with rest_client(fake_services(world_store=store, classifier=spared)) as client:
            answer = client.post("/api/worlds", content=pack(world))
            assert (answer.status_code, answer.json()["code"]) == (422, "seedUnsafe")
    with rest_client(fake_services(world_store=store, classifier=FakeImageClassifier())) as client:
        assert client.post("/api/worlds", content=pack(world)).status_code == 201
    missing = FakeImageClassifier(status=ClassifierMissing("There is none."))
    with rest_client(fake_services(world_store=store, classifier=missing)) as client:
        answer = client.post("/api/worlds", content=pack(world))
        assert (answer.status_code, answer.json()["code"]) == (503, "seedCheckFailed")
    assert len(store.list()) == 1


def test_a_frame_that_does_not_pass_is_left_out_of_an_upload(tmp_path: Path) -> None:
    """Worlds can be played without it, and soft frames raise false alarms."""
    store = DirectoryWorldStore(tmp_path, 5)
    world = sample_world()
    assert world.place_picture is not None
    frame, scene = world.pictures[world.place_picture], world.pictures[world.place.scene]
    with rest_client(fake_services(world_store=store, classifier=_objecting_to(frame))) as client:
        answer = client.post("/api/worlds", content=pack(world))
        assert answer.status_code == 201
        kept = store.read(answer.json()["id"])
        with Image.open(io.BytesIO(client.get(answer.json()["thumbnail_url"]).content)) as image:
            thumbnail = np.asarray(image, dtype=np.int16)
    assert kept is not None
    assert kept.place_picture is None
    assert set(kept.pictures) == kept.scenes == world.scenes
    assert np.abs(thumbnail - scene).mean() < np.abs(thumbnail - frame).mean()


def _objecting_to(picture: Picture) -> FakeImageClassifier:
    return FakeImageClassifier(lambda seen: not np.array_equal(seen, picture), status=ClassifierReady("x-1"))


def test_a_world_that_cannot_be_stored_is_an_error() -> None:
    store = FakeWorldStore()
    store.is_full = True
    with rest_client(fake_services(world_store=store)) as client:
        answer = client.post("/api/worlds", content=pack(sample_world()))
    assert (answer.status_code, answer.json()["code"]) == (507, "worldNotKept")


def test_the_moments_of_a_session_over_rest() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server, server.client() as client:
        http = server.http
        assert http.post("/api/sessions/none/moments").status_code == 404
        client.start()
        url = f"/api/sessions/{server.sessions()[0]['id']}"
        assert http.post(f"{url}/rewind", json={"seconds": 5}).json()["code"] == "nothingToRewind"
        client.hold("W", until=lambda frame: frame.content.pass_number > 5)
        moment = http.post(f"{url}/moments").json()
        assert moment == {"moment_id": "1", "kept": ["1"]}
        client.hold("W", until=lambda frame: frame.content.pass_number > 20)
        branch = http.post(f"{url}/world", json={"title": "Branch", "moment_id": "1"}).json()
        assert branch["title"] == "Branch"
        assert http.post(f"{url}/world", json={"moment_id": "7"}).status_code == 404
        present = http.post(f"{url}/world", json={}).json()
        saved = {world.id: world for world in store.list()}
        assert saved[branch["world_id"]].passes < 20 < saved[present["world_id"]].passes
        assert saved[branch["world_id"]].origin == "saved"
        assert http.post(f"{url}/moments/1/restore").json() == moment
        assert http.post(f"{url}/moments/2/restore").json()["code"] == "momentUnknown"
        assert http.post(f"{url}/rewind", json={"seconds": 0}).status_code == 422
    assert {world.title for world in store.list()} == {"Branch", "A world"}
