"""/api/recordings, as a page sees it, on real files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.runtime_config import RecordingConfig
from services.video_writer._mp4_facts import read_facts
from services.video_writer.video_writer import VideoError, VideoFactsPayload
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.play.harness import fake_services
from tests.rest_client import rest_client
from tests.services.recording_store.videos import make_video, notes

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.testclient import TestClient


class Photographer(FakeVideoWriter):
    """Reads real files, takes thumbnails of whatever there is, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []

    def describe(self, video: Path) -> VideoFactsPayload:
        return read_facts(video)

    def thumbnail(self, video: Path, *, width: int) -> bytes:
        del width
        self.taken.append(video.name)
        if video.name == "damaged.mp4":
            raise VideoError("The recording cannot be read.")
        return b"\xff\xd8 a picture"


@contextmanager
def gallery(folder: Path, writer: FakeVideoWriter | None = None, **recording: Any) -> Generator[TestClient]:
    services = fake_services(video_writer=writer or Photographer(), recordings_dir=folder / "recordings")
    with rest_client(services, recording=RecordingConfig(**recording)) as client:
        yield client


def film(folder: Path, name: str, **facts: Any) -> bytes:
    return make_video(folder / "recordings" / f"{name}.mp4", comment=notes(**facts)).read_bytes()


def names(page: dict[str, Any]) -> list[str]:
    return [recording["name"] for recording in page["recordings"]]


def test_an_empty_gallery(tmp_path: Path) -> None:
    with gallery(tmp_path, quota_bytes=5000) as client:
        listed = client.get("/api/recordings").json()
    assert (listed["recordings"], listed["unfinished"], listed["next"]) == ([], [], None)
    assert (listed["usage"]["used_bytes"], listed["usage"]["quota_bytes"], listed["usage"]["recordings"]) == (
        0,
        5000,
        0,
    )


def test_recordings_come_in_pages_newest_first(tmp_path: Path) -> None:
    for number in range(5):
        film(tmp_path, f"film {number}", started_at=float(number), play_session="aa", segment=number + 1)
    film(tmp_path, "twin", started_at=2.0)
    with gallery(tmp_path) as client:
        first = client.get("/api/recordings?limit=3").json()
        assert names(first) == ["film 4", "film 3", "film 2"]
        client.delete("/api/recordings/film%202")  # the place where the next page begins is found all the same
        second = client.get("/api/recordings", params={"limit": 3, "after": first["next"]}).json()
        assert names(second) == ["twin", "film 1", "film 0"]
        assert second["next"] is None
        assert client.get("/api/recordings?after=nonsense").status_code == 422
        assert client.get("/api/recordings?limit=0").status_code == 422


def test_details_are_what_the_file_says(tmp_path: Path) -> None:
    film(tmp_path, "one", started_at=1.5, model="m/x", quant="fp8w8a8", seed="hill.jpg", rng_seed=3, model_hash="ab")
    make_video(tmp_path / "recordings" / "foreign.mp4", title="Holidays")
    with gallery(tmp_path) as client:
        details = client.get("/api/recordings/one").json()
        foreign = client.get("/api/recordings/foreign").json()
    assert (details["model"], details["quant"], details["seed"]) == ("m/x", "fp8w8a8", "hill.jpg")
    assert (details["rng_seed"], details["model_hash"], details["started_at"]) == (3, "ab", 1.5)
    assert (details["width"], details["height"], details["title"]) == (64, 48, "A title")
    assert (foreign["title"], foreign["model"], foreign["play_session"]) == ("Holidays", None, None)


def test_a_video_is_streamed_in_ranges(tmp_path: Path) -> None:
    data = film(tmp_path, "my film")
    with gallery(tmp_path) as client:
        url = client.get("/api/recordings").json()["recordings"][0]["video_url"]
        whole = client.get(url)
        assert (whole.status_code, whole.content) == (200, data)
        assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
        assert whole.headers["content-disposition"].startswith("inline")
        etag = whole.headers["etag"]
        part = client.get(url, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, data[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
        assert client.get(url, headers={"Range": "bytes=-10"}).content == data[-10:]
        same = client.get(url, headers={"Range": "bytes=0-9", "If-Range": etag})
        assert (same.status_code, same.content) == (206, data[:10])
        other = client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
        assert (other.status_code, other.content) == (200, data)
        beyond = client.get(url, headers={"Range": f"bytes={len(data)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
        head = client.head(url)
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


def test_a_download_has_the_name_of_the_file(tmp_path: Path) -> None:
    film(tmp_path, "丘の道")
    with gallery(tmp_path) as client:
        url = client.get("/api/recordings").json()["recordings"][0]["video_url"]
        disposition = client.get(f"{url}?download=true").headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''%E4%B8%98%E3%81%AE%E9%81%93.mp4"


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    film(tmp_path, "one")
    film(tmp_path, "damaged")
    photographer = Photographer()
    with gallery(tmp_path, photographer) as client:
        for _ in range(3):
            answer = client.get("/api/recordings/one/thumbnail")
            assert (answer.headers["content-type"], answer.content) == ("image/jpeg", b"\xff\xd8 a picture")
        refused = client.get("/api/recordings/damaged/thumbnail")
        assert (refused.status_code, refused.json()["code"]) == (422, "recordingDamaged")
    assert photographer.taken == ["one.mp4", "damaged.mp4"]


def test_a_recording_is_renamed(tmp_path: Path) -> None:
    data = film(tmp_path, "one", play_session="aa", segment=1)
    film(tmp_path, "two")
    with gallery(tmp_path) as client:
        renamed = client.patch("/api/recordings/one", json={"name": "Über den Hügel"}).json()
        assert (renamed["name"], renamed["play_session"]) == ("Über den Hügel", "aa")
        assert client.get(renamed["video_url"]).content == data
        assert client.get("/api/recordings/one").status_code == 404
        assert client.patch("/api/recordings/two", json={"name": " .. "}).json()["name"] == "Recording"
        film(tmp_path, "two")
        for name, status, code in [
            ("two", 409, "recordingNameTaken"),
            ("", 422, "recordingNameInvalid"),
            ("x" * 500, 422, "invalidRequest"),
        ]:
            refused = client.patch(f"/api/recordings/{renamed['name']}", json={"name": name})
            assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_a_recording_is_deleted(tmp_path: Path) -> None:
    film(tmp_path, "one")
    with gallery(tmp_path) as client:
        assert client.delete("/api/recordings/one").status_code == 204
        gone = client.delete("/api/recordings/one")
        assert (gone.status_code, gone.json()["code"]) == (404, "recordingUnknown")
        assert names(client.get("/api/recordings").json()) == []


@pytest.mark.parametrize("path", ["", "/video", "/thumbnail"])
def test_an_unknown_recording_is_not_found(tmp_path: Path, path: str) -> None:
    film(tmp_path, "one")
    (tmp_path / "secret.mp4").write_bytes(b"x")
    with gallery(tmp_path) as client:
        for name in ("two", "..%2fsecret", "%2e%2e%5csecret", "one.mp4"):
            assert client.get(f"/api/recordings/{name}{path}").status_code == 404


def test_recordings_are_for_this_machine_or_for_those_with_the_token(tmp_path: Path) -> None:
    film(tmp_path, "one")
    with gallery(tmp_path) as client:
        for path in ("/api/recordings", "/api/recordings/one", "/api/recordings/one/video"):
            through_proxy = client.get(path, headers={"X-Forwarded-For": "192.0.2.1"})
            assert (through_proxy.status_code, through_proxy.json()["code"]) == (403, "anonymousNotAllowed")
        foreign = client.delete("/api/recordings/one", headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert client.get("/api/recordings/one").status_code == 200
