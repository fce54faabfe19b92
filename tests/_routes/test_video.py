"""/api/video over REST, with films that a fake pipeline writes into real files."""

from __future__ import annotations

import io
from itertools import product
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from handlers.jobs.video_executor import VideoExecutor
from runtime_config.films_config import FilmsConfig
from services.video_pipeline.video_pipeline import FilmStage, VideoFault, VideoPipelineError
from tests._routes.film_rig import (
    SMALL,
    ask,
    change_settings,
    clip,
    film_client,
    film_of,
    made,
    over,
    pictures_of,
    send,
)
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.play.harness import picture
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

    from tests.play.harness import Json


def refused(client: TestClient, way: str = "words", **body: object) -> Json:
    answer = client.post(f"/api/video/{way}", json={"prompt": "a lake", **SMALL, **body})
    assert answer.status_code >= 400, answer.text
    return {**answer.json(), "status": answer.status_code}


def test_specs_say_what_is_possible(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        specs = client.get("/api/video/specs").json()
    assert (specs["model"], specs["is_ready"], specs["why_not"], specs["why_waiting"]) == (
        "fake/films",
        True,
        None,
        None,
    )
    assert specs["sizes"][0] == {"name": "tiny", "width": 128, "height": 64, "seconds": specs["sizes"][0]["seconds"]}
    assert [way["why_not"] for way in specs["ways"]] == [None] * 8
    in_two_passes = {way["way"] for way in specs["ways"] if way["why_no_upscale"] is None}
    assert in_two_passes == {"words", "pictures", "sound", "control"}
    controls = {each["control"]: (each["why_not"], each["takes_lora"]) for each in specs["controls"]}
    assert controls["edges"] == (None, True)
    assert controls["depth"] == ("Following depth needs an in-context LoRA, and none for it is on this machine.", True)
    assert controls["pose"] == ("Nothing here finds poses.", False)


def test_a_film_from_words(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        asked = ask(client, seed=7)
        assert (asked["state"], asked["seed"], asked["content_url"]) == ("queued", 7, None)
        film = over(client, asked["id"])
        assert (film["state"], film["way"], film["seed"], film["model"]) == ("done", "words", 7, "fake/films")
        assert (film["width"], film["height"], film["frames"], film["has_sound"]) == (128, 64, 9, True)
        assert set(film["timings_s"]) >= {"denoising", "decoding"}
        whole = client.get(film["content_url"])
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert len(whole.content) == film["size_bytes"]
        part = client.get(film["content_url"], headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert client.get("/api/video/films").json()["films"] == [film]
        assert list((tmp_path / "jobs").iterdir()) == []


def test_the_pictures_of_a_film(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        film = made(client)
        for _ in range(2):  # made, and kept
            with Image.open(io.BytesIO(client.get(film["sprite_url"]).content)) as sprite:
                assert sprite.size == (1600, 80)
            assert client.get(film["thumbnail_url"]).status_code == 200


def test_the_unfinished_film_can_be_seen(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline) as client:
        pipeline.hold()
        film, next_one = ask(client), ask(client)
        preview = f"/api/video/films/{film['id']}/preview"
        pipeline.wait_until_held()
        told = {"step": 2, "steps": 4, "previews": 2}
        wait_until(lambda: client.get(f"/api/jobs/{film['id']}").json()["amounts"] == told, "the second step is told")
        assert client.get(f"/api/video/films/{next_one['id']}/preview").json()["code"] == "filmNotMade"
        seen = client.get(preview)
        assert (seen.status_code, seen.headers["cache-control"]) == (200, "no-store")
        with Image.open(io.BytesIO(seen.content)) as jpeg:
            assert jpeg.format == "JPEG"
        pipeline.release()
        over(client, film["id"])
        assert client.delete(f"/api/video/films/{film['id']}").status_code == 204
        assert client.get(preview).status_code == 404


def test_an_unfinished_film_is_judged_before_it_is_shown(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline, classifier=FakeImageClassifier(lambda _: False)) as client:
        pipeline.hold()
        film = ask(client)
        pipeline.wait_until_held()
        refused = client.get(f"/api/video/films/{film['id']}/preview")
        assert (refused.status_code, refused.json()["code"]) == (422, "seedUnsafe")
        pipeline.release()


def test_a_seed_is_drawn_and_told_and_makes_the_same_film_again(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        first = made(client)
        answer = client.post(f"/api/video/films/{first['id']}/again")
        assert answer.status_code == 202, answer.text
        again = over(client, answer.json()["id"])
        assert (again["seed"], again["digest"]) == (first["seed"], first["digest"])
        assert again["id"] != first["id"]
        assert made(client)["seed"] != first["seed"]


@pytest.mark.trial
def test_a_film_is_made_again_from_its_file_alone(tmp_path: Path) -> None:
    with film_client(tmp_path / "one") as client:
        first = made(client)
        file = client.get(first["content_url"]).content
    with film_client(tmp_path / "other") as client:
        answer = client.post("/api/video/again", content=file)
        assert answer.status_code == 202, answer.text
        again = over(client, answer.json()["id"])
    assert (again["digest"], again["request"]) == (first["digest"], first["request"])


def test_a_file_that_does_not_say_how_it_was_made(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for data in (clip(tmp_path / "clip.mp4").read_bytes(), b"no film"):
            answer = client.post("/api/video/again", content=data)
            assert (answer.status_code, answer.json()["code"]) == (422, "filmNotesMissing")


def test_the_same_key_is_the_same_film(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        body, key = {"prompt": "a lake", **SMALL}, {"Idempotency-Key": "one"}
        first = client.post("/api/video/words", json=body, headers=key)
        second = client.post("/api/video/words", json=body, headers=key)
        assert (first.status_code, second.status_code) == (202, 200)
        assert (first.json()["id"], first.json()["seed"]) == (second.json()["id"], second.json()["seed"])
        other = client.post("/api/video/words", json={**body, "prompt": "a hill"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "jobKeyReused")


# ------------------------------------------------------------------------------------------------ ways of making


def test_a_film_from_pictures(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline) as client:
        seed = client.post("/api/seeds", content=picture(200, width=256, height=256)).json()["hash"]
        placed = [{"seed": seed}, {"seed": seed, "at": 0.2, "strength": 0.5}, {"seed": seed, "at": "last"}]
        film = made(client, "pictures", pictures=placed)
        assert film["way"] == "pictures"
        assert [each.at for each in pictures_of(pipeline.orders[0])] == ["first", 0.2, "last"]


@pytest.mark.trial
def test_ways_that_begin_with_a_film(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline) as client:
        source = {"source": send(client, clip(tmp_path / "clip.mp4"))["hash"]}
        film = {"film": made(client)["id"]}
        wish = {"prompt": "a lake"}
        asked: list[tuple[str, Json]] = [
            ("retake", {"source": source, "start_s": 0.5, "end_s": 1.0, "what": "picture", **wish}),
            ("extension", {"source": film, "side": "start", "added_s": 0.3, **wish}),
            ("joining", {"before": source, "after": film, "between_s": 0.3, **wish}),
            ("control", {"source": source, "control": "edges", **SMALL, **wish}),
            ("sound", {"sound": source, **SMALL, **wish}),
            ("upscale", {"source": film}),
        ]
        for way, body in asked:
            answer = client.post(f"/api/video/{way}", json=body)
            assert answer.status_code == 202, answer.text
            assert over(client, answer.json()["id"])["way"] == way
        sizes = {way: order for (way, _), order in zip(asked, pipeline.orders[1:], strict=True)}
        assert (sizes["retake"].width, sizes["retake"].height, sizes["retake"].fps) == (128, 64, 24.0)
        assert (sizes["upscale"].width, sizes["upscale"].height) == (256, 128)


# ------------------------------------------------------------------------------------------------------ bad input


CANNOT: tuple[tuple[Json, str], ...] = (
    ({"prompt": ""}, "empty"),
    ({"prompt": "x" * 100_000}, "4000 at most"),
    ({"prompt": "a\x07lake"}, "control character"),
    ({"width": 129}, "multiple of 32"),
    ({"height": 16}, "from 64 to 3840"),
    ({"seconds": 0.0}, "9 to"),
    ({"seconds": 21.0}, "seconds at most"),
    ({"fps": 7.9}, "from 8 to 60"),
    ({"fps": 60.1}, "from 8 to 60"),
    ({"negative_prompt": "rain"}, "no negative prompt"),
)


def test_what_the_model_cannot_make_is_refused_with_what_it_can(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for body, says in CANNOT:
            answer = refused(client, **body)
            assert (answer["status"], answer["code"]) == (409, "filmRefused"), answer
            assert says in answer["message"]
        assert client.get("/api/video/films").json()["films"] == []


def test_times_that_are_none_are_refused(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for name, text in product(("start_s", "end_s"), ("NaN", "Infinity", "-1", "1e999")):
            times = {"start_s": "0", "end_s": "1", name: text}
            body = f'{{"source": {{"film": "{"0" * 26}"}}, "start_s": {times["start_s"]}, "end_s": {times["end_s"]}}}'
            answer = client.post("/api/video/retake", content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalidRequest")


def test_a_part_that_is_not_in_the_film(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        source = {"source": send(client, clip(tmp_path / "clip.mp4"))["hash"]}
        for start_s, end_s in ((0.5, 2.5), (5.0, 6.0), (1.0, 1.0), (1.5, 1.0)):
            body = {"source": source, "start_s": start_s, "end_s": end_s, "prompt": "a lake"}
            answer = client.post("/api/video/retake", json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "filmRefused"), answer.text


@pytest.mark.trial
def test_sources_that_are_not_there_or_not_what_is_needed(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        mute = {"source": send(client, clip(tmp_path / "mute.mp4", sound=False))["hash"]}
        assert refused(client, "sound", sound=mute)["code"] == "filmSourceUnusable"
        assert refused(client, "sound", sound={"source": "0" * 64})["code"] == "filmSourceUnknown"
        assert refused(client, "sound", sound={"film": "0" * 26})["code"] == "filmUnknown"
        assert refused(client, "sound", sound={"recording": "none"})["code"] == "recordingUnknown"
        assert refused(client, "sound", sound={})["code"] == "invalidRequest"
        assert refused(client, "pictures", pictures=[{"seed": "0" * 64}])["code"] == "seedUnknown"
        assert refused(client, loras=[{"name": "none"}])["code"] == "filmLoraRefused"


def test_a_picture_that_may_not_be_shown(tmp_path: Path) -> None:
    with film_client(tmp_path, classifier=FakeImageClassifier(lambda _: False)) as client:
        answer = client.post("/api/video/sources", content=clip(tmp_path / "clip.mp4").read_bytes())
        assert (answer.status_code, answer.json()["code"]) == (422, "seedUnsafe")
        assert client.get("/api/video/sources").json()["sources"] == []


def test_a_file_that_is_no_source(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        for data in (b"", b"#EXTM3U\nfile:///etc/passwd\n", picture(1)):
            answer = client.post("/api/video/sources", content=data)
            assert (answer.status_code, answer.json()["code"]) == (422, "filmSourceUnusable")
        assert [path.name for path in (tmp_path / "films" / "sources").iterdir()] == []


def test_without_a_model_films_are_refused_in_words(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.lacks = "fake/films is not on this machine. Pull it in the library."
    with film_client(tmp_path, pipeline) as client:
        assert client.get("/api/video/specs").json()["why_not"] == pipeline.lacks
        answer = refused(client)
        assert (answer["status"], answer["code"], answer["message"]) == (409, "modelNotPulled", pipeline.lacks)


# --------------------------------------------------------------------------------------------------- what happens


@pytest.mark.trial
def test_a_film_that_fails_says_why_and_can_be_tried_again(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.fail = VideoPipelineError(VideoFault.DISK_FULL, "The disk is full.")
    with film_client(tmp_path, pipeline) as client:
        film = over(client, ask(client)["id"])
        assert (film["state"], film["fault"]) == ("failed", {"code": "filmNotKept", "message": "The disk is full."})
        answer = client.get(f"/api/video/films/{film['id']}/content")
        assert (answer.status_code, answer.json()["message"]) == (409, "The disk is full.")
        assert [path for path in (tmp_path / "films").rglob("*") if path.is_file()] == []
        pipeline.fail = None
        assert client.post(f"/api/jobs/{film['id']}/retry").status_code == 202
        again = over(client, film["id"])
        assert (again["state"], again["seed"]) == ("done", film["seed"])


@pytest.mark.trial
def test_a_model_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        first, second = ask(client), ask(client)
        pipeline.wait_until_held()
        pipeline.lacks = "fake/films is not on this machine any more."
        pipeline.release()
        assert over(client, first["id"])["state"] == "done"
        assert over(client, second["id"])["fault"] == {"code": "modelNotPulled", "message": pipeline.lacks}


@pytest.mark.trial
@pytest.mark.parametrize("way", ["cancel", "cancel twice", "delete"])
def test_a_film_that_is_given_up(tmp_path: Path, way: str) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        film = ask(client)
        pipeline.wait_until_held()
        url = f"/api/video/films/{film['id']}"
        if way == "delete":
            assert client.delete(url).status_code == 204
        for _ in range(2 if way == "cancel twice" else 1 if way == "cancel" else 0):
            assert client.post(f"{url}/cancel").status_code == 200
        assert over(client, film["id"])["state"] == "cancelled"
        assert pipeline.cancelled == 1
        assert [path for path in (tmp_path / "films").rglob("*") if path.is_file()] == []
        assert client.delete(url).status_code == 204
        assert client.get(url).status_code == 404
        pipeline.release()
        assert made(client)["state"] == "done"


@pytest.mark.trial
def test_a_film_is_deleted_with_all_that_was_made_of_it(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        film = made(client)
        client.get(film["thumbnail_url"])
        assert client.delete(f"/api/video/films/{film['id']}").status_code == 204
        assert [path for path in (tmp_path / "films").rglob("*") if path.is_file()] == []
        for path in ("", "/content", "/thumbnail"):
            assert client.get(f"/api/video/films/{film['id']}{path}").status_code == 404
        assert client.get("/api/jobs").json()["jobs"] == []


@pytest.mark.trial
def test_a_film_stays_when_its_job_is_forgotten(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        film = made(client)
        assert client.delete(f"/api/jobs/{film['id']}").status_code == 204
        assert film_of(client, film["id"])["state"] == "done"
        assert client.get(film["content_url"]).status_code == 200


@pytest.mark.trial
def test_films_come_in_pages(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline) as client:
        ids = [made(client)["id"] for _ in range(2)]
        pipeline.hold()
        ids += [ask(client)["id"] for _ in range(2)]
        seen: list[str] = []
        before = ""
        while True:
            page = client.get(f"/api/video/films?limit=1{before}").json()
            seen += [film["id"] for film in page["films"]]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        assert seen == sorted(ids, reverse=True)
        pipeline.release()


@pytest.mark.trial
def test_films_that_take_up_all_the_room_they_may(tmp_path: Path) -> None:
    with film_client(tmp_path, films=FilmsConfig(quota_bytes=1)) as client:
        made(client)
        answer = refused(client)
        assert (answer["status"], answer["code"]) == (507, "filmQuotaUsed")


# ---------------------------------------------------------------------------------------------------------- sources


def test_films_go_when_they_are_too_old_but_not_while_others_are_made_from_them(tmp_path: Path) -> None:
    pipeline, clock = FakeVideoPipeline(), FakeClock()
    with film_client(tmp_path, pipeline, clock=clock) as client:
        old, source = made(client), made(client)
        pipeline.hold()
        begun = client.post("/api/video/upscale", json={"source": {"film": source["id"]}})
        pipeline.wait_until_held()
        clock.advance(31 * 24 * 3600)
        assert len(client.get("/api/video/films").json()["films"]) == 3, "kept until somebody says for how long"
        change_settings(client, films_kept_days=30)
        ids = {film["id"] for film in client.get("/api/video/films").json()["films"]}
        assert ids == {begun.json()["id"], source["id"]}
        assert client.get(old["content_url"]).status_code == 404
        pipeline.release()
        larger = over(client, begun.json()["id"])
        assert larger["state"] == "done", larger
        assert [film["id"] for film in client.get("/api/video/films").json()["films"]] == [larger["id"]]


def test_sources_are_kept_once_and_given_out(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        file = clip(tmp_path / "clip.mp4")
        first, second = send(client, file, "One"), send(client, file, "Two")
        assert (first["hash"], first["title"]) == (second["hash"], second["title"])
        assert (first["width"], first["height"], first["has_sound"]) == (128, 64, True)
        assert len(client.get("/api/video/sources").json()["sources"]) == 1
        assert client.get(first["content_url"]).content == file.read_bytes()
        assert client.delete(f"/api/video/sources/{first['hash']}").status_code == 204
        assert client.get(f"/api/video/sources/{first['hash']}").status_code == 404


@pytest.mark.trial
def test_a_source_stays_while_a_film_needs_it(tmp_path: Path) -> None:
    pipeline = FakeVideoPipeline()
    pipeline.hold()
    with film_client(tmp_path, pipeline) as client:
        source = send(client, clip(tmp_path / "clip.mp4"))["hash"]
        film = ask(client, "sound", sound={"source": source})
        answer = client.delete(f"/api/video/sources/{source}")
        assert (answer.status_code, answer.json()["code"]) == (409, "filmSourceInUse")
        pipeline.release()
        over(client, film["id"])
        assert client.delete(f"/api/video/sources/{source}").status_code == 204


def test_a_source_that_is_too_large_is_refused_while_it_comes(tmp_path: Path) -> None:
    with film_client(tmp_path, films=FilmsConfig(source_bytes=1000)) as client:
        answer = client.post("/api/video/sources", content=b"x" * 2000)
        assert (answer.status_code, answer.json()["code"]) == (413, "filmSourceTooLarge")


# ---------------------------------------------------------------------------------------------------------- restarts


@pytest.mark.trial
def test_ten_queued_films_survive_a_restart_and_each_is_made_once(tmp_path: Path) -> None:
    stores, held = FakeJobStore(), FakeVideoPipeline()
    held.hold()
    with film_client(tmp_path, held, stores=stores) as client:
        asked = [ask(client, seed=seed)["id"] for seed in range(10)]
        held.wait_until_held()
    pipeline = FakeVideoPipeline()
    with film_client(tmp_path, pipeline, stores=stores) as client:
        films = [over(client, film_id) for film_id in asked]
        assert [film["state"] for film in films] == ["done"] * 10
        assert sorted(order.seed for order in pipeline.orders) == list(range(10))
        assert len(client.get("/api/video/films").json()["films"]) == 10
        assert len(list((tmp_path / "films").glob("*.mp4"))) == 10
        wait_until(lambda: not any((tmp_path / "jobs").iterdir()), "the folders of the jobs are gone")


def test_the_stages_of_a_film_are_those_of_the_pipeline() -> None:
    around = {"writing_prompt", "waiting_for_play", "checking"}
    assert set(VideoExecutor.stages) == {*(stage.value for stage in FilmStage), *around}


def test_a_frame_of_a_film_becomes_a_picture_to_walk_into(tmp_path: Path) -> None:
    with film_client(tmp_path) as client:
        source = {"source": send(client, clip(tmp_path / "clip.mp4"))["hash"]}
        answer = client.post("/api/video/walk-into", json={"source": source, "at_s": 1.0, "title": "A lake"})
        assert answer.status_code == 201, answer.text
        seed = answer.json()
        assert (seed["title"], seed["width"], seed["height"]) == ("A lake", 128, 64)
        assert client.get(seed["image_url"]).status_code == 200
        beyond = client.post("/api/video/walk-into", json={"source": source, "at_s": 9.0})
        assert (beyond.status_code, beyond.json()["code"]) == (422, "filmSourceUnusable")
