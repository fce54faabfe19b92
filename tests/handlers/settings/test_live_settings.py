"""Every live setting is changed in a running server, and what it is for changes with it."""

from __future__ import annotations

import inspect
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from websockets.sync.client import connect

from error_types import DomainError
from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from runtime_config.applies import Live
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.runtime_config import AccessConfig, RuntimeConfig
from runtime_config.setting import settings_of
from runtime_config.sharing_config import SharingConfig
from service_bundle import build_image_editor, build_prompt_writer
from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.switched_image_editor import SwitchedImageEditor
from services.prompt_writer.switched_prompt_writer import SwitchedPromptWriter
from services.video_encoder.video_encoder import VideoTuning
from services.world_engine.engine_pace import EnginePace
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_device import FakeDevice
from tests.fakes.fake_frame_encoder import FakeFrameEncoder, read_fake_jpeg
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_video_encoder import FakeVideoEncoder
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.handlers.session.coming_back import LONG_HOLD, broken_off, come_back
from tests.handlers.session.test_engine_gives_way import begin, lab
from tests.handlers.session.test_sharing import watching
from tests.job_client import scene, submit
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.services.openai_server import call, image, openai_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import httpx

STRANGER = {"X-Forwarded-For": "192.0.2.7"}
TOKEN = {"Authorization": "Bearer a-token-of-sixteen"}
MIB = 1024 * 1024
# Of the process or of its connections: changed in a server of its own process, or of its own connections.
ELSEWHERE = {
    "log_level": "tests/test_ltx2_server.py",
    "log_format": "tests/test_ltx2_server.py",
    "engine_idle_s": "tests/handlers/engines/test_keeping.py",
    "kept_job_bytes": "tests/handlers/jobs/test_files.py",
    "films_kept_days": "tests/_routes/test_video.py",
    "max_connections": "tests/network/test_crowds.py",
    "max_connections_per_address": "tests/network/test_crowds.py",
}
Test = TypeVar("Test", bound="Callable[..., None]")


def changes(*names: str) -> Callable[[Test], Test]:
    """Says which settings a test changes."""

    def mark(test: Test) -> Test:
        test.__dict__["changes"] = names
        return test

    return mark


def put(server: PlayServer, headers: dict[str, str] | None = None, **values: Any) -> httpx.Response:
    tag = server.http.get("/api/settings", headers=headers).headers["ETag"]
    answer = server.http.patch("/api/settings", json={"changes": values}, headers={**(headers or {}), "If-Match": tag})
    assert answer.status_code == 200, answer.text
    return answer


def test_every_live_setting_has_a_test() -> None:
    tests = inspect.getmembers(sys.modules[__name__], inspect.isfunction)
    changed = {name for _, test in tests for name in test.__dict__.get("changes", ())}
    live = {field.name for field in settings_of(RuntimeConfig) if isinstance(field.setting.applies, Live)}
    assert changed | set(ELSEWHERE) == live


# --------------------------------------------------------------------------------------------------- who may do what


@changes("allowed_origin")
def test_pages_of_another_origin_are_let_in_and_out_again() -> None:
    with play_server() as server:
        page = {"Origin": "https://example.org"}
        preflight = {**page, "Access-Control-Request-Method": "GET"}
        assert server.http.get("/api/models", headers=page).status_code == 403
        put(server, allowed_origin=["https://example.org"])
        answer = server.http.get("/api/models", headers=page)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://example.org")
        assert server.http.options("/api/models", headers=preflight).status_code == 200
        put(server, allowed_origin=None)
        assert server.http.get("/api/models", headers=page).status_code == 403
        assert server.http.options("/api/models", headers=preflight).status_code == 400


@changes("allow_anonymous")
def test_strangers_are_let_in_and_out_again() -> None:
    with play_server(access=AccessConfig(token="a-token-of-sixteen")) as server:
        assert server.http.get("/api/seeds", headers=STRANGER).status_code == 401
        put(server, TOKEN, allow_anonymous=True)
        assert server.http.get("/api/seeds", headers=STRANGER).status_code == 200
        put(server, TOKEN, allow_anonymous=False)
        assert server.http.get("/api/seeds", headers=STRANGER).status_code == 401


@changes("anonymous_may")
def test_strangers_are_allowed_more() -> None:
    with play_server() as server:
        assert server.http.get("/api/worlds", headers=STRANGER).status_code == 403
        put(server, anonymous_may=["worlds"])
        assert server.http.get("/api/worlds", headers=STRANGER).status_code == 200


def upload(server: PlayServer, red: int, padding: int = 0, headers: dict[str, str] = STRANGER) -> int:
    """A picture with bytes behind its end, which no decoder minds."""
    body = picture(red) + bytes(padding)
    return server.http.post("/api/seeds", params={"title": "one"}, content=body, headers=headers).status_code


@changes("anonymous_upload_mib", "anonymous_pictures")
def test_quotas_of_strangers_change() -> None:
    uploads = AccessConfig(anonymous=AnonymousConfig(may=(AnonymousAction.UPLOADS,)))
    with play_server(access=uploads, seed_safety="off") as server:
        assert upload(server, 10, MIB) == 201
        put(server, anonymous_pictures=1)
        assert upload(server, 20) == 429
        put(server, anonymous_pictures=5, anonymous_upload_mib=1)
        assert upload(server, 20) == 429
        put(server, anonymous_upload_mib=3)
        assert upload(server, 20, MIB) == 201


# ------------------------------------------------------------------------------------------------------------- play


@contextmanager
def stranger_at(server: PlayServer) -> Generator[str]:
    """What a stranger is told first."""
    url = f"ws://127.0.0.1:{server.server.port}/ws?protocol_version=5"
    with connect(url, additional_headers=STRANGER, compression=None) as socket:
        yield str(socket.recv(timeout=deadline_s()))


@changes("anonymous_sessions")
def test_sessions_of_one_address_change() -> None:
    with play_server() as server, stranger_at(server) as first:
        assert "tooManySessions" not in first
        put(server, anonymous_sessions=1)
        with stranger_at(server) as second:
            assert "tooManySessions" in second
        put(server, anonymous_sessions=2)
        with stranger_at(server) as second:
            assert "tooManySessions" not in second


@changes("max_sessions")
def test_the_session_limit_rises_at_once_and_falls_as_sessions_end() -> None:
    with play_server(max_sessions=2) as server, server.client() as one:
        one.start()
        with server.client() as two:
            two.start()
            put(server, max_sessions=1)
            two.hold("W")
            with server.client() as three:
                assert three.of_type("error")["code"] == "serverBusy"
            put(server, max_sessions=3)
            with server.client() as three:
                three.start()
            put(server, max_sessions=1)
        wait_until(lambda: len(server.sessions()) == 1, "the others have left")
        with server.client() as two:
            assert two.of_type("error")["code"] == "serverBusy"
        one.hold("W")


@changes("least_rate_percent")
def test_worlds_that_share_a_device_may_be_slower_and_those_who_wait_come_in() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as one, server.client(extended=True) as two:
        one.start()
        engine = model.engines[0]
        engine.pace = EnginePace({1: engine.spec.pass_interval_s}, is_batched=False)
        req_id = two.init(picture(2))
        assert two.of_type("progress", step="waiting_for_place")["in_line"] == 1
        put(server, least_rate_percent=50)
        assert two.reply(req_id)["success"]
        with server.client() as three:
            assert three.reply(three.init(picture(3)))["code"] == "modelBusy"


@changes("parked_engines_mib")
def test_engines_that_are_ready_in_memory_give_it_back(tmp_path: Path) -> None:
    device = FakeDevice(vram=20)
    lake, hill = (device.engine(f"fake/{name}", vram=12, can_park=True) for name in ("lake", "hill"))
    services = fake_services(FakeModel(), lake, hill, system_monitor=device)
    with play_server(services, data_dir=tmp_path) as server, server.client() as client:

        def count() -> int:
            return server.http.get("/health").json()["world_engine"]["parked"]

        client.start(model="fake/lake")
        client.start(model="fake/hill")
        assert count() == 1
        put(server, parked_engines_mib=0)
        wait_until(lambda: count() == 0, "the lake was unloaded")
        client.start(model="fake/lake")
        assert device.history[-2:] == ["-fake/hill", "+fake/lake"]


@changes("idle_place_s")
def test_an_idle_place_is_given_away_sooner() -> None:
    clock = FakeClock()
    with play_server(replace(fake_services(), clock=clock), max_sessions=1) as server, server.client() as idle:
        idle.start()
        clock.advance(60)
        with server.client() as newcomer:
            assert newcomer.of_type("error")["code"] == "serverBusy"
        put(server, idle_place_s=30)
        clock.advance(30)  # after which who had to give way may come again
        with server.client() as newcomer:
            newcomer.start()


@pytest.mark.parametrize(("height", "prefix"), [(720, ""), (128, "small_")])
@changes("jpeg_quality", "jpeg_subsampling", "small_jpeg_quality", "small_jpeg_subsampling")
def test_frames_of_a_session_in_play_change_their_encoding(height: int, prefix: str) -> None:
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, height=height, width=128))
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start()
        fine: dict[str, Any] = {f"{prefix}jpeg_quality": 52, f"{prefix}jpeg_subsampling": "4:4:4"}
        coarse: dict[str, Any] = {f"{prefix}jpeg_quality": 30, f"{prefix}jpeg_subsampling": "4:2:0"}
        put(server, **fine)
        frame = client.hold("W", until=lambda frame: frame.header.quality == 52)
        assert read_fake_jpeg(frame.jpegs[0]).tuning.subsampling == "4:4:4"
        put(server, **coarse)  # below the usual lowest
        frame = client.hold("W", until=lambda frame: frame.header.quality == 30)
        assert read_fake_jpeg(frame.jpegs[0]).tuning.subsampling == "4:2:0"


@changes("encoder_threads")
def test_frames_are_encoded_on_other_threads() -> None:
    encoder = FakeFrameEncoder()
    with play_server(fake_services(encoder=encoder)) as server:
        put(server, encoder_threads=3)
        assert encoder.threads == 3
        put(server, encoder_threads=None)
        assert encoder.threads is None


@changes("video_crf", "video_mbit_s")
def test_the_quality_of_h264_changes_with_its_next_stream() -> None:
    encoder = FakeVideoEncoder()
    with play_server(fake_services(video_encoder=encoder)) as server, server.client(extended=True) as client:
        client.start()
        put(server, video_crf=31, video_mbit_s=4.5)
        assert client.reply(client.request("video", codec="h264"))["success"]
        assert encoder.opened == [VideoTuning(crf=31, max_bit_s=4_500_000)]


@changes("max_watchers", "max_watchers_in_all")
def test_more_people_may_watch() -> None:
    with play_server(sharing=SharingConfig(max_watchers=0)) as server, server.client(extended=True) as player:
        player.start()
        assert player.reply(player.request("share"))["code"] == "sharingOff"
        put(server, max_watchers=2, max_watchers_in_all=1)
        link = player.reply(player.request("share"))["data"]["link"]
        with watching(server, link) as first:
            assert first.of_type("watching")["watchers"] == 1
            with watching(server, link) as second:
                assert second.of_type("error")["code"] == "tooManyWatchers"
            put(server, max_watchers_in_all=2)
            with watching(server, link) as second:
                assert second.of_type("watching")["watchers"] == 2


@changes("clip_mib")
def test_the_newest_seconds_are_kept_no_more(tmp_path: Path) -> None:
    services = fake_services(recordings_dir=tmp_path)
    with play_server(services) as server, server.client(extended=True) as client:
        client.start()
        client.hold("W")
        put(server, clip_mib=0)
        client.hold("W")
        answer = client.reply(client.request("keep_clip"))
        assert (answer["success"], answer["code"]) == (False, "nothingToKeep"), answer


@changes("resume_s")
def test_a_lost_world_waits_for_another_time() -> None:
    clock = FakeClock()
    with play_server(replace(fake_services(), clock=clock), limits=LONG_HOLD) as server:
        token, later = broken_off(server), broken_off(server)
        put(server, resume_s=20)
        clock.advance(20)
        with server.client(extended=True) as client:
            assert come_back(client, token)["code"] == "resumeTooLate"
            assert client.start()["resume_s"] == 20
        put(server, resume_s=0)
        with server.client(extended=True) as client:
            assert come_back(client, later)["code"] == "resumeTooLate"
            assert "resume_token" not in client.start()


@changes("resume_mib")
def test_lost_worlds_may_take_less_memory() -> None:
    large = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, height=720, width=1280))
    with play_server(fake_services(large), limits=LONG_HOLD) as server:
        put(server, resume_mib=1)
        broken_off(server)
        assert server.handler.left_worlds.count == 0
        put(server, resume_mib=256)
        broken_off(server)
        assert server.handler.left_worlds.count == 1


# --------------------------------------------------------------------------------------------------- what comes in


@changes("seed_safety")
def test_pictures_that_nobody_can_judge_are_refused_from_now_on() -> None:
    nobody = FakeImageClassifier(status=ClassifierMissing("There is none in this test."))
    with play_server(fake_services(classifier=nobody), seed_safety="off") as server:
        assert upload(server, 10, headers={}) == 201
        put(server, seed_safety="strict")
        assert upload(server, 20, headers={}) == 503
        assert server.http.get("/health").json()["safety"]["policy"] == "strict"
        put(server, seed_safety="off")
        assert upload(server, 20, headers={}) == 201


def test_the_check_stays_on_where_others_can_reach_the_server() -> None:
    with play_server(access=AccessConfig(host="0.0.0.0", token="a-token-of-sixteen")) as server:
        tag = server.http.get("/api/settings", headers=TOKEN).headers["ETag"]
        body = {"changes": {"seed_safety": "off"}}
        refused = server.http.patch("/api/settings", json=body, headers={**TOKEN, "If-Match": tag})
        assert refused.status_code == 422
        assert "only this machine can reach" in refused.json()["faults"]["seed_safety"]


@changes("max_upload_mib")
def test_larger_files_are_taken() -> None:
    with play_server(max_upload_bytes=MIB, seed_safety="off") as server:
        assert upload(server, 10, MIB, headers={}) == 413
        put(server, max_upload_mib=2)
        assert upload(server, 10, MIB, headers={}) == 201
        worlds = server.http.post("/api/worlds", content=bytes(MIB + 1))
        assert worlds.status_code == 422, "no world, and not too large"
        put(server, max_upload_mib=1)
        assert server.http.post("/api/worlds", content=bytes(MIB + 1)).status_code == 413


@changes("client_recordings_dir", "recordings_quota_mib")
def test_recordings_go_elsewhere_and_take_more_space(tmp_path: Path) -> None:
    with play_server() as server:
        room = server.handler.recorder.room
        with pytest.raises(DomainError, match="--client-recordings-dir"):
            room.resolve(str(tmp_path / "mine"))
        put(server, client_recordings_dir=[str(tmp_path)], recordings_quota_mib=7)
        assert room.resolve(str(tmp_path / "mine")) == tmp_path.resolve() / "mine"
        assert server.http.get("/api/recordings").json()["usage"]["quota_bytes"] == 7 * MIB


@changes("films_quota_mib", "max_film_source_mib")
def test_films_may_take_more_space_and_larger_sources(tmp_path: Path) -> None:
    with play_server(fake_services(films_dir=tmp_path)) as server:
        put(server, films_quota_mib=7, max_film_source_mib=1)
        assert server.http.get("/api/video/films").json()["usage"]["quota_bytes"] == 7 * MIB
        assert server.http.get("/api/video/specs").json()["largest_source_bytes"] == MIB
        assert server.http.post("/api/video/sources?title=one", content=bytes(MIB + 1)).status_code == 413
        put(server, max_film_source_mib=2)
        assert server.http.post("/api/video/sources?title=one", content=bytes(MIB + 1)).status_code == 422, "no video"


@changes("max_queued_jobs")
def test_fewer_jobs_may_wait(tmp_path: Path) -> None:
    editor = FakeImageEditor()
    with play_server(fake_services(prompt_writer=FakePromptWriter(), image_editor=editor), data_dir=tmp_path) as server:
        editor.hold()
        submit(server.http, "scene", prompt="fog")
        put(server, max_queued_jobs=1)
        refused = server.http.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "rain"}})
        assert refused.status_code == 429
        put(server, max_queued_jobs=2)
        submit(server.http, "scene", prompt="rain")
        editor.release()


# --------------------------------------------------------------------------------------------------- scenes in words


def configured() -> Any:
    """The real endpoints' clients, as the settings ask for them."""
    authoring = AuthoringConfig()
    return replace(
        fake_services(),
        prompt_writer=SwitchedPromptWriter(build_prompt_writer, authoring),
        image_editor=SwitchedImageEditor(build_image_editor, authoring),
    )


def authoring_of(server: PlayServer) -> Any:
    return server.http.get("/health").json()["authoring"]


@changes("writer_endpoint", "writer_model", "writer_key", "image_endpoint", "image_model", "image_key", "image_size")
def test_scenes_are_made_by_other_endpoints(tmp_path: Path) -> None:
    written = call("submit_edit_instruction", {"instruction": "Fog over a lake."})
    with (
        openai_server(written) as writer,
        openai_server(image(picture(90, width=64, height=36))) as painter,
        play_server(configured(), seed_safety="off", data_dir=tmp_path) as server,
    ):
        assert not authoring_of(server)["available"]
        put(
            server,
            writer_endpoint=f"{writer.base_url}/v1",
            writer_model="poet",
            writer_key="a-key",
            image_endpoint=f"{painter.base_url}/v1",
            image_model="brush",
            image_size="64x36",
        )
        wait_until(lambda: authoring_of(server)["available"], "the endpoints are known")
        assert scene(server.http, "fog")["state"] == "done"
        assert (writer.asked[-1].json["model"], writer.asked[-1].headers["authorization"]) == ("poet", "Bearer a-key")
        assert painter.asked[-1].json["model"] == "brush"
        assert painter.asked[-1].json["size"] == "64x36"
        assert "authorization" not in painter.asked[-1].headers
        put(server, writer_model="another poet", writer_key=None, image_key="its-key", image_size=None)
        wait_until(lambda: authoring_of(server)["writer"] == "another poet", "the model is known")
        assert scene(server.http, "rain")["state"] == "done"
        assert writer.asked[-1].json["model"] == "another poet"
        assert "authorization" not in writer.asked[-1].headers
        assert painter.asked[-1].headers["authorization"] == "Bearer its-key"
        assert painter.asked[-1].json["size"] != "64x36"


@changes("writer_sees")
def test_a_writer_is_shown_pictures_no_more() -> None:
    written = call("submit_edit_instruction", {"instruction": "Add fog."})
    with (
        openai_server(written) as writer,
        openai_server(image(picture(90, width=64, height=36))) as painter,
        play_server(configured(), seed_safety="off") as server,
        server.client() as client,
    ):
        put(
            server,
            writer_endpoint=f"{writer.base_url}/v1",
            writer_model="poet",
            image_endpoint=f"{painter.base_url}/v1",
            image_model="brush",
        )
        wait_until(lambda: authoring_of(server)["available"], "the endpoints are known")
        client.start(scene_authoring=True)
        client.hold("W")
        assert client.reply(client.request("scene_edit", prompt="fog"))["success"]
        assert b"image_url" in writer.asked[-1].body
        put(server, writer_sees=False)
        wait_until(lambda: _edit_is_blind(client, writer), "the writer is shown no pictures")


def _edit_is_blind(client: Any, writer: Any) -> bool:
    assert client.reply(client.request("scene_edit", prompt="rain"))["success"]
    return b"image_url" not in writer.asked[-1].body


@changes("unload_engine")
def test_an_engine_stays_while_scenes_are_made() -> None:
    with lab() as here, here.at.server.client() as client:
        begin(client)
        assert here.memory()["editor"]["choice"] == "unload-engine"
        put(here.at.server, unload_engine="never")
        wait_until(lambda: here.memory()["editor"]["choice"] == "refused", "the planner knows of it")
