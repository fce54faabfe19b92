"""/v1/videos, asked by OpenAI's own client: against a real socket, and for what it says of faults."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from openai import OpenAI
from PIL import Image

from error_types import HTTP_STATUS, ErrorCode
from runtime_config.runtime_config import AccessConfig
from services.video_pipeline.video_pipeline import VideoFault, VideoPipelineError
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests._routes.film_rig import ask, film_client, over, pictures_of
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.people import people_server
from tests.play.harness import fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from openai.types import Video
    from starlette.testclient import TestClient

# OpenAI's own videos ended; the methods of its client, and others that ask in the same words, are still there.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

# Their types know the sizes and lengths of their own models alone.
SMALL: Any = {"size": "128x64", "seconds": "0.3"}
NOBODY = "0" * 26


def videos_of(client: httpx2.Client, key: str = "none") -> Any:
    """Their client over ours."""
    base = str(client.base_url).rstrip("/")
    return OpenAI(api_key=key, base_url=f"{base}/v1", http_client=client).videos


def finished(client: TestClient, video: Video) -> Video:
    over(client, video.id)
    return videos_of(client).retrieve(video.id)


def png(side: int = 256) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (40, 90, 160)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.trial
def test_their_client_makes_downloads_lists_and_deletes_videos(tmp_path: Path) -> None:
    services = fake_services(
        video_pipeline=FakeVideoPipeline(),
        video_writer=FfmpegVideoWriter(),
        job_stores=FakeJobStore(),
        films_dir=tmp_path / "films",
    )
    with play_server(services, data_dir=tmp_path, access=AccessConfig(token="a-long-token-of-the-server")) as server:
        url = f"http://127.0.0.1:{server.server.port}/v1"
        with httpx2.Client(timeout=deadline_s()) as http:
            _make_and_delete(OpenAI(api_key="wrong", base_url=url, http_client=http), "a-long-token-of-the-server")


def _make_and_delete(client: OpenAI, token: str) -> None:
    stranger: Any = client.videos
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.list()
    assert (refused.value.type, refused.value.code) == ("authentication_error", "tokenRequired")
    videos: Any = client.with_options(api_key=token).videos
    video = videos.create_and_poll(prompt="a lake at dawn", **SMALL, poll_interval_ms=20)
    assert (video.status, video.progress, video.model, video.size) == ("completed", 100, "fake/films", "128x64")
    film = videos.download_content(video.id).read()
    assert film[4:8] == b"ftyp"
    with_picture = videos.create_and_poll(prompt="a hill", input_reference=("hill.png", png()), **SMALL)
    assert [each.id for each in videos.list(limit=1)] == [with_picture.id, video.id]
    assert videos.delete(video.id).deleted
    assert [each.id for each in videos.list()] == [with_picture.id]


def test_a_video_is_a_film_and_a_film_is_a_video(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        asked = videos.create(prompt="a lake", model="fake/films", **SMALL)
        assert (asked.object, asked.status, asked.progress, asked.completed_at) == ("video", "queued", 0, None)
        assert (asked.size, asked.seconds, asked.prompt, asked.model) == ("128x64", "0.3", "a lake", "fake/films")
        video = finished(client, asked)
        assert (video.status, video.progress, video.error, video.seconds) == ("completed", 100, None, "0.375")
        assert video.completed_at is not None
        assert video.completed_at >= video.created_at
        assert client.get(f"/api/video/films/{video.id}").json()["state"] == "done"
        film = over(client, ask(client)["id"])
        assert [each.id for each in videos.list()] == [film["id"], video.id]


def test_the_files_of_a_video(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        video = finished(client, videos.create(prompt="a lake", **SMALL))
        assert videos.download_content(video.id).read()[4:8] == b"ftyp"
        for variant, width in (("thumbnail", 480), ("spritesheet", 1600)):
            with Image.open(io.BytesIO(videos.download_content(video.id, variant=variant).read())) as shown:
                assert shown.width == width
        part = client.get(f"/v1/videos/{video.id}/content", headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")


def test_pages_in_both_orders(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        videos = videos_of(client)
        ids = [videos.create(prompt=f"lake {number}", **SMALL).id for number in range(5)]
        assert [each.id for each in videos.list(limit=2, order="asc")] == ids
        assert [each.id for each in videos.list(limit=2)] == ids[::-1]
        page = videos.list(limit=2, after=ids[1], order="asc")
        assert ([each.id for each in page.data], page.has_more, page.last_id) == (ids[2:4], True, ids[3])
        last = client.get(f"/v1/videos?order=asc&after={ids[4]}").json()
        assert last == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
        for film_id in ids:
            assert videos.delete(film_id).object == "video.deleted"
        pipeline.release()


def test_a_video_in_the_making_says_how_far_it_is(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        videos = videos_of(client)
        video_id = videos.create(prompt="a lake", **SMALL).id
        pipeline.wait_until_held()
        wait_until(lambda: videos.retrieve(video_id).progress == 45, "half of the steps are told")
        assert videos.retrieve(video_id).status == "in_progress"
        with pytest.raises(openai.ConflictError) as early:
            videos.download_content(video_id)
        assert (early.value.code, early.value.message.count("not made yet")) == ("filmNotMade", 1)
        client.post(f"/api/video/films/{video_id}/cancel")
        over(client, video_id)
        given_up = videos.retrieve(video_id)
        assert (given_up.status, given_up.error.code) == ("failed", "cancelled")


def test_a_video_that_fails_says_why(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.fail = VideoPipelineError(VideoFault.DISK_FULL, "The disk is full.")
    with film_client(tmp_path, pipeline) as client:
        video = finished(client, videos_of(client).create(prompt="a lake", **SMALL))
        assert (video.status, video.completed_at) == ("failed", None)
        assert video.error is not None
        assert (video.error.code, video.error.message) == ("filmNotKept", "The disk is full.")


# ------------------------------------------------------------------------------------------------------- asking


def test_a_picture_as_a_file_or_in_a_text(tmp_path: Path) -> None:
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        finished(client, videos.create(prompt="a hill", input_reference=("hill.png", png()), **SMALL))
        body = {"prompt": "a hill", **SMALL}
        form = {name: (None, text) for name, text in {**body, "input_reference[image_url]": url}.items()}
        for made in (
            client.post("/v1/videos", json={**body, "input_reference": {"image_url": url}}),
            client.post("/v1/videos", files=form),
        ):
            assert made.status_code == 200, made.text
            over(client, made.json()["id"])
        pictures = [client.get(f"/api/video/films/{each.id}").json()["request"]["way"] for each in videos.list()]
        assert [way["kind"] for way in pictures] == ["pictures"] * 3
        assert len({way["pictures"][0]["seed"] for way in pictures}) == 1


def test_their_usual_sizes_and_what_is_left_out(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        videos = videos_of(client)
        assert videos.create(prompt="a lake", size="1280x720", seconds="8").size == "1280x704"
        assert videos.create(prompt="a lake", size="1024x1792").size == "1024x1792"
        usual = videos.create(prompt="a lake")
        assert (usual.size, usual.seconds) == ("960x544", "4")
        for each in videos.list():
            videos.delete(each.id)
        pipeline.release()


def test_the_same_key_is_the_same_video(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        first, second = (
            videos.create(prompt="a lake", **SMALL, extra_headers={"Idempotency-Key": "one"}) for _ in range(2)
        )
        assert first.id == second.id


# ------------------------------------------------------------------------------------------------------- faults


FAULTS: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"prompt": ""}, "filmRefused", None),
    ({"size": "wide"}, "invalidRequest", "size"),
    ({"size": "99999x64"}, "invalidRequest", "size"),
    ({"size": "9999x64"}, "filmRefused", None),
    ({"size": "1x1"}, "filmRefused", None),
    ({"seconds": "NaN"}, "invalidRequest", "seconds"),
    ({"seconds": "-4"}, "invalidRequest", "seconds"),
    ({"seconds": "0"}, "filmRefused", None),
    ({"seconds": "9999"}, "filmRefused", None),
    ({"model": "sora-2"}, "unknownModel", "model"),
    ({"extra_body": {"n": "2"}}, "invalidRequest", "n"),
    ({"input_reference": b"no picture"}, "seedNotAPicture", "input_reference"),
)


def test_what_cannot_be_asked_for_is_refused_in_their_shape(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        for wish, code, param in FAULTS:
            with pytest.raises(openai.APIStatusError) as refused:
                videos.create(**{"prompt": "a lake", **SMALL, **wish})
            error = refused.value
            assert (error.code, error.param, error.type) == (code, param, "invalid_request_error"), wish
            assert error.status_code == HTTP_STATUS[ErrorCode(code)]
        assert videos.list().data == []


def test_pictures_that_are_no_part_of_the_request(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for reference, code in (
            ({"image_url": "http://127.0.0.1/a.png"}, "invalidRequest"),
            ({"file_id": "file-1"}, "invalidRequest"),
            ({"image_url": "data:image/png;base64,***"}, "seedNotBase64"),
            ({"image_url": "data:image/png;base64,"}, "seedEmpty"),
        ):
            answer = client.post("/v1/videos", json={"prompt": "a lake", **SMALL, "input_reference": reference})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (422, code, "input_reference")


def test_a_picture_that_may_not_be_shown(tmp_path: Path) -> None:
    with film_client(tmp_path, classifier=FakeImageClassifier(lambda _: False)) as client:
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            videos_of(client).create(prompt="a hill", input_reference=picture(9, width=256, height=256), **SMALL)
        assert (refused.value.code, refused.value.param) == ("seedUnsafe", "input_reference")


def test_bodies_that_are_no_request(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for kind, body in (
            ("application/json", b"{"),
            ("application/json", b"[]"),
            ("application/json", b'{"prompt": 1}'),
            ("text/plain", b"a lake"),
            ("multipart/form-data", b"a lake"),
            ("multipart/form-data; boundary=x", b"--y\r\n"),
        ):
            answer = client.post("/v1/videos", content=body, headers={"Content-Type": kind})
            error = answer.json()["error"]
            assert (answer.status_code in {400, 422}, error["code"]) == (True, "invalidRequest"), (kind, body)
            assert error.keys() == {"message", "type", "param", "code"}
        files = [("input_reference", ("a.png", png())), ("input_reference", ("b.png", png()))]
        two = client.post("/v1/videos", data={"prompt": "a lake"}, files=files)
        assert (two.status_code, two.json()["error"]["code"]) == (400, "invalidRequest")


def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    with film_client(tmp_path, max_upload_bytes=1024 * 1024) as client:
        answer = client.post("/v1/videos", content=b" " * 4_000_000, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "seedTooLarge")


def test_a_remix_is_the_same_film_to_other_words(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline) as client:
        videos = videos_of(client)
        first = finished(client, videos.create(prompt="a lake", input_reference=png(), **SMALL))
        pipeline.hold()
        remix = videos.remix(first.id, prompt="a lake at night")
        assert (remix.prompt, remix.remixed_from_video_id, remix.size) == ("a lake at night", first.id, first.size)
        pipeline.wait_until_held()
        with pytest.raises(openai.ConflictError) as unfinished:
            videos.remix(remix.id, prompt="a lake at noon")
        assert unfinished.value.code == "filmNotMade"
        pipeline.release()
        remix = finished(client, remix)
        assert (remix.status, remix.remixed_from_video_id) == ("completed", first.id)
        one, other = pipeline.orders
        assert (one.seed, len(pictures_of(one))) == (other.seed, len(pictures_of(other)))
        with pytest.raises(openai.ConflictError) as empty:
            videos.remix(first.id, prompt=" ")
        assert empty.value.code == "filmRefused"


def test_what_is_not_there_is_told_in_their_shape(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        videos = videos_of(client)
        for asking in (
            lambda: videos.retrieve(NOBODY),
            lambda: videos.delete(NOBODY),
            lambda: videos.download_content(NOBODY),
            lambda: videos.remix(NOBODY, prompt="at night"),
        ):
            with pytest.raises(openai.NotFoundError) as missing:
                asking()
            assert (missing.value.code, missing.value.param) == ("filmUnknown", "video_id")
        with pytest.raises(openai.NotFoundError) as none_such:
            videos.get_character("somebody")
        assert (none_such.value.code, none_such.value.type) == ("notFound", "invalid_request_error")
        for path in ("/v1/videos?limit=0", f"/v1/videos/{NOBODY}/content?variant=gif", "/v1/videos?order=up"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalidRequest")
        wrong = client.put("/v1/videos")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "methodNotAllowed")


def test_without_a_model_videos_are_refused_in_words(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.lacks = "fake/films is not on this machine. Pull it in the library."
    asked: list[httpx2.Request] = []
    with film_client(tmp_path, pipeline) as client:
        client.event_hooks = {"request": [asked.append]}
        with pytest.raises(openai.ConflictError) as refused:
            videos_of(client).create(prompt="a lake", input_reference=png(), **SMALL)
        assert (refused.value.code, refused.value.param) == ("modelNotPulled", "model")
        assert pipeline.lacks in refused.value.message
        assert len(asked) == 1, "a 409 is no reason to try again"
        assert not [seed for seed in client.get("/api/seeds").json()["seeds"] if seed["origin"] != "shipped"]


def test_strangers_make_no_videos(tmp_path: Path) -> None:
    access = AccessConfig(token="a-long-token-of-the-server", allow_anonymous=True)
    with film_client(tmp_path, access=access) as client:
        for method, path in (("POST", "/v1/videos"), ("GET", "/v1/videos"), ("GET", "/v1/models")):
            answer = client.request(method, path)
            error = answer.json()["error"]
            assert (answer.status_code, error["type"]) == (403, "permission_error"), path
        assert videos_of(client, "a-long-token-of-the-server").list().data == []


def test_a_token_of_a_person_is_a_key_for_what_its_scopes_say(tmp_path: Path) -> None:
    services = {"films_dir": tmp_path / "films"}
    with people_server(services=services, config={"data_dir": tmp_path}) as here:
        token = here.owner().token("read")
        with httpx2.Client(base_url=f"http://127.0.0.1:{here.server.server.port}", timeout=deadline_s()) as http:
            videos = videos_of(http, token)
            assert videos.list().data == []
            with pytest.raises(openai.PermissionDeniedError) as refused:
                videos.create(prompt="a lake", **SMALL)
            assert (refused.value.code, refused.value.type) == ("scopeMissing", "permission_error")
            with pytest.raises(openai.AuthenticationError) as unknown:
                videos_of(http, "terr_nobody").list()
            assert unknown.value.type == "authentication_error"
