"""Scenes in words over a real socket: what changes, what does not, and what a client is told."""

from __future__ import annotations

import base64
import io
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from runtime_config.runtime_config import AuthoringConfig
from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.image_editor import EditorFault, EditorMissing, ImageEditorError
from services.prompt_writer.prompt_writer import EditWish, Refusal, SceneWish, WriterFault, WriterMissing
from services.scene_file.scene_file import read_note
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter, writer_failure
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.network.live_server import wait_until
from tests.play.harness import Frame, Json, PlayClient, PlayServer, fake_services, picture, play_server

if TYPE_CHECKING:
    from collections.abc import Generator

GREEN = (10, 200, 30)
SEED = 120


@dataclass
class Studio:
    server: PlayServer
    writer: FakePromptWriter
    editor: FakeImageEditor
    seeds: FakeSeedStore = field(default_factory=FakeSeedStore)


@contextmanager
def studio(
    *,
    writer: FakePromptWriter | None = None,
    editor: FakeImageEditor | None = None,
    authoring: AuthoringConfig | None = None,
    **services: Any,
) -> Generator[Studio]:
    writer, editor, seeds = writer or FakePromptWriter(), editor or FakeImageEditor(GREEN), FakeSeedStore()
    bundle = fake_services(prompt_writer=writer, image_editor=editor, seed_store=seeds, **services)
    with play_server(bundle, authoring=authoring or AuthoringConfig()) as server:
        yield Studio(server, writer, editor, seeds)


def begin(client: PlayClient) -> None:
    client.start(picture(SEED), scene_authoring=True)
    client.hold("W")


def is_green(frame: Frame) -> bool:
    red, green, blue = frame.content.seed_mean
    return abs(red - 10) < 6 and abs(green - 200) < 6 and abs(blue - 30) < 6


def is_seed(frame: Frame) -> bool:
    return frame.content.seed_mean == (SEED, 0, 0)


def mean_of(jpeg_b64: str) -> tuple[int, ...]:
    with Image.open(io.BytesIO(base64.b64decode(jpeg_b64))) as image:
        assert image.format == "JPEG"
        centre = image.convert("RGB").getpixel((image.width // 2, image.height - 4))
    assert isinstance(centre, tuple)
    return centre


def ask(client: PlayClient, kind: str, prompt: str = "a dragon", **fields: Any) -> Json:
    return client.reply(client.request(kind, prompt=prompt, **fields))


def codes(reply: Json) -> tuple[str | None, str | None]:
    assert not reply["success"], reply
    return reply.get("error_id", "").rpartition(".")[2] or None, reply.get("code")


# ------------------------------------------------------------------------------------------------ what it does


def test_an_edit_changes_the_world_and_a_reset_leads_back() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        reply = ask(client, "scene_edit")
        data = reply["data"]
        assert data["edit_prompt"] == "a dragon, written out"
        assert abs(mean_of(data["original_jpeg_b64"])[0] - SEED) < 6
        assert abs(mean_of(data["preview_jpeg_b64"])[1] - 200) < 6
        client.hold("W", until=is_green)
        (wish,), (order,) = at.writer.wishes, at.editor.orders
        assert isinstance(wish, EditWish)
        assert wish.view[:2] == b"\xff\xd8"
        assert order.reference is not None
        assert order.reference[:4] == b"\x89PNG"
        assert (order.width % 16, order.height % 16) == (0, 0)
        client.send("reset")
        client.hold("W", until=is_seed)


def test_a_scene_becomes_the_world_the_seed_and_where_a_reset_leads() -> None:
    with studio() as at, at.server.client() as client:
        client.reply(client.init(picture(SEED), scene_authoring=True))
        client.hold("W")
        data = ask(client, "generate_scene", "a flooded cathedral")["data"]
        assert (data["user_prompt"], data["image_model"]) == ("a flooded cathedral", "fake-painter")
        assert data["sanitized_prompt"] == "a flooded cathedral, written out"
        assert isinstance(data["elapsed_ms"], int)
        assert isinstance(at.writer.wishes[0], SceneWish)
        assert at.editor.orders[0].reference is None
        client.hold("W", until=is_green)
        client.send("reset")
        frame = client.hold("W", until=lambda frame: frame.content.pass_number < 3)
        assert is_green(frame)
        # The old seed is another one now: choosing it again shows it again.
        assert client.reply(client.init(picture(SEED), scene_authoring=True))["success"]
        client.hold("W", until=is_seed)


def test_the_file_of_a_scene_says_what_it_was_made_from() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        data = ask(client, "generate_scene", "a flooded\ncathedral")["data"]
    file = base64.b64decode(data["image_jpeg_base64"])
    at_comment = file.index(b"\xff\xfe")
    length = int.from_bytes(file[at_comment + 2 : at_comment + 4], "big")
    comment = file[at_comment + 4 : at_comment + 2 + length]
    assert b": " not in comment.replace(b"Terrarium 0", b""), "compact JSON"
    said = json.loads(comment)
    assert set(said) == {"biome_version", "image_model", "user_prompt", "sanitized_prompt", "generated_at"}
    assert said["user_prompt"] == "a flooded cathedral"
    assert read_note(file) is not None
    seed = at.seeds.find(data["seed_hash"])
    assert seed is not None
    assert (seed.prompt, seed.title) == ("a flooded cathedral", "a flooded cathedral")
    assert at.seeds.read(seed.hash) == file


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_it_is_applied_while_paused(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        client.send("pause")
        assert ask(client, kind)["success"]
        client.send("resume")
        client.hold("W", until=is_green)


def test_an_edit_before_the_first_pass_is_of_the_seed() -> None:
    with studio() as at, at.server.client() as client:
        client.start(picture(SEED), scene_authoring=True)
        data = ask(client, "scene_edit")["data"]
        assert abs(mean_of(data["original_jpeg_b64"])[0] - SEED) < 6
        client.hold("W", until=is_green)


def test_an_edit_of_an_edit_is_of_what_is_seen() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        assert ask(client, "scene_edit")["success"]
        at.editor.colour = (0, 0, 250)
        data = ask(client, "scene_edit")["data"]
        assert abs(mean_of(data["original_jpeg_b64"])[1] - 200) < 6
        assert mean_of(data["preview_jpeg_b64"])[2] > 240


def test_an_edit_can_be_undone_by_a_moment() -> None:
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        moment = client.reply(client.request("take_snapshot"))["data"]["snapshot_id"]
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        assert client.reply(client.request("restore_snapshot", snapshot_id=moment))["success"]
        client.hold("W", until=is_seed)


def test_progress_reaches_a_client_that_understands_it() -> None:
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        req_id = client.request("scene_edit", prompt="fog")
        seen: list[tuple[str, float | None]] = []
        for message in client.messages():
            if message.get("req_id") != req_id:
                continue
            if message["type"] == "response":
                assert message["success"]
                break
            seen.append((message["step"], message.get("fraction")))
        steps = list(dict.fromkeys(step for step, _ in seen))
        assert steps == ["waiting_for_turn", "writing_prompt", "painting", "checking_picture", "changing_world"]
        assert [fraction for step, fraction in seen if step == "painting"] == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert at.editor.cancelled == 0


def test_a_recording_shows_the_wish(tmp_path: Any) -> None:
    videos = FakeVideoWriter()
    with (
        studio(video_writer=videos, recordings_dir=tmp_path) as at,
        at.server.client() as client,
    ):
        client.start(picture(SEED), scene_authoring=True, video_recording=True)
        client.hold("W")
        assert ask(client, "scene_edit", "make it night")["success"]
        wait_until(lambda: bool(videos.recordings and videos.recordings[0].captions), "the caption arrived")
        assert "make it night" in str(videos.recordings[0].captions)


# --------------------------------------------------------------------------------- while a scene is being made


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_the_session_stays_live_meanwhile(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request(kind, prompt="fog")
        at.editor.wait_until_held()
        assert is_seed(client.hold("W"))
        client.send("pause")
        assert client.reply(client.init(None, scene_authoring=True))["success"], "the pause menu is served"
        client.send("resume")
        client.hold("W")
        at.editor.release()
        assert client.reply(req_id)["success"]


def test_other_sessions_keep_their_frames() -> None:
    with studio() as at, at.server.client() as client, at.server.client() as other:
        begin(client)
        other.start(picture(7))
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        for _ in range(5):
            assert other.hold("W").content.seed_mean == (7, 0, 0)
        at.editor.release()
        assert client.reply(req_id)["success"]


def test_a_second_edit_of_one_session_is_refused_and_one_of_another_waits() -> None:
    with (
        studio() as at,
        at.server.client() as client,
        at.server.client(extended=True) as other,
    ):
        begin(client)
        begin(other)
        at.editor.hold()
        first = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        for kind in ("scene_edit", "generate_scene"):
            assert codes(ask(client, kind)) == ("sceneAuthoringAlreadyInProgress", "authoringInProgress")
        waiting = other.request("scene_edit", prompt="rain")
        other.of_type("progress", req_id=waiting, step="waiting_for_turn")
        assert len(at.editor.orders) == 1
        at.editor.release()
        assert client.reply(first)["success"]
        assert other.reply(waiting)["success"]
        assert ask(client, "scene_edit")["success"], "and then the first may ask again"


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_a_reset_meanwhile_drops_it(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request(kind, prompt="fog")
        at.editor.wait_until_held()
        client.send("reset")
        client.hold("W", until=lambda frame: frame.content.pass_number < 3)
        at.editor.release()
        assert codes(client.reply(req_id)) == (None, "authoringOutdated")
        assert is_seed(client.hold("W"))
        assert len(at.seeds.list()) == 0


def test_another_world_meanwhile_drops_it() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("generate_scene", prompt="fog")
        at.editor.wait_until_held()
        assert client.reply(client.init(picture(77), scene_authoring=True))["success"]
        at.editor.release()
        assert codes(client.reply(req_id))[1] == "authoringOutdated"
        assert client.hold("W").content.seed_mean == (77, 0, 0)


def test_it_can_be_cancelled_in_mid_run() -> None:
    with studio() as at, at.server.client(extended=True) as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        client.send("cancel", target_req_id=req_id)
        assert codes(client.reply(req_id))[1] == "cancelled"
        assert at.editor.cancelled == 1
        at.editor.release()
        assert is_seed(client.hold("W"))
        assert ask(client, "scene_edit")["success"]


@pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])
def test_a_stock_client_is_answered_before_it_stops_waiting(kind: str) -> None:
    assert (AuthoringConfig().edit_limit_s, AuthoringConfig().scene_limit_s) == (28.0, 58.0)
    short = AuthoringConfig(edit_limit_s=0.2, scene_limit_s=0.2)
    with studio(authoring=short) as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        assert codes(ask(client, kind))[1] == "requestTimeout"
        assert at.editor.cancelled == 1
        at.editor.release()
        assert is_seed(client.hold("W"))


def test_a_client_with_a_limit_of_its_own_waits_as_long() -> None:
    short = AuthoringConfig(edit_limit_s=0.01)
    with studio(authoring=short) as at, at.server.client(extended=True) as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog", timeout_s=20.0)
        at.editor.wait_until_held()
        client.hold("W")
        at.editor.release()
        assert client.reply(req_id)["success"]
        at.editor.hold()
        assert codes(ask(client, "scene_edit", timeout_s=0.1))[1] == "requestTimeout"
        at.editor.release()


def test_a_client_that_leaves_leaves_nothing_running() -> None:
    with studio() as at:
        with at.server.client() as client:
            begin(client)
            at.editor.hold()
            client.request("scene_edit", prompt="fog")
            at.editor.wait_until_held()
        wait_until(lambda: at.editor.cancelled == 1, "the picture was given up")
        wait_until(lambda: not at.server.sessions(), "the session ended")
        at.editor.release()
        with at.server.client() as client:
            begin(client)
            assert ask(client, "scene_edit")["success"]


def test_a_server_that_stops_answers_first() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.hold()
        req_id = client.request("scene_edit", prompt="fog")
        at.editor.wait_until_held()
        stopping = threading.Thread(target=at.server.drain)
        stopping.start()
        assert codes(client.reply(req_id))[1] == "cancelled"
        stopping.join()


# ----------------------------------------------------------------------------------------------- what goes wrong


def refused(client: PlayClient, kind: str, prompt: str = "a dragon") -> tuple[str | None, str | None]:
    """The ids of the refusal, and that the world plays on unchanged."""
    found = codes(ask(client, kind, prompt))
    assert is_seed(client.hold("W"))
    return found


BOTH = pytest.mark.parametrize("kind", ["scene_edit", "generate_scene"])


@BOTH
def test_wishes_that_will_not_do(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        for empty in ("", "   ", "\n\t", "\x00\x07\x1b", "\u200b\u202e"):
            assert refused(client, kind, empty) == ("sceneAuthoringEmptyPrompt", "authoringEmptyPrompt")
        for long in ("x" * 1001, "x" * 100_000, "é" * 50_000):
            assert refused(client, kind, long) == (None, "authoringPromptTooLong")
        assert at.writer.wishes == []
        assert ask(client, kind, "a\x00 dragon\x1b[0m \ud83d\udc09")["success"]
        assert at.writer.wishes[0].wish == "a dragon[0m \U0001f409"


@BOTH
def test_authoring_that_the_session_did_not_ask_for(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        client.start(picture(SEED))
        assert refused(client, kind) == ("sceneAuthoringModelNotLoaded", "authoringUnavailable")
        assert at.writer.wishes == []
        assert client.reply(client.init(None, scene_authoring=True))["success"]
        assert ask(client, kind)["success"]


@BOTH
@pytest.mark.parametrize("what", ["writer", "editor"])
def test_authoring_that_the_server_does_not_have(kind: str, what: str) -> None:
    missing: dict[str, Any] = (
        {"writer": FakePromptWriter(status=WriterMissing("No endpoint."))}
        if what == "writer"
        else {"editor": FakeImageEditor(status=EditorMissing("No endpoint."))}
    )
    with studio(**missing) as at, at.server.client() as client:
        begin(client)
        reply = ask(client, kind)
        assert codes(reply) == ("sceneAuthoringModelNotLoaded", "authoringUnavailable")
        assert reply["error"] == "No endpoint."
        health = at.server.http.get("/health").json()["authoring"]
        assert not health.pop("available")
        assert health.pop("reason") == "No endpoint."
        assert set(health.values()) == {None}


@BOTH
def test_a_wish_that_the_writer_refuses(kind: str) -> None:
    with studio(writer=FakePromptWriter(answer=Refusal("No brands, please."))) as at, at.server.client() as client:
        begin(client)
        reply = ask(client, kind)
        expected = {
            "scene_edit": ("sceneEditSafetyRejected", "authoringEditRefused"),
            "generate_scene": ("generateSceneSafetyRejected", "authoringSceneRefused"),
        }
        assert codes(reply) == expected[kind]
        assert reply["error"] == "No brands, please."
        assert at.editor.orders == []


@BOTH
def test_a_picture_that_is_judged_unsafe(kind: str) -> None:
    classifier = FakeImageClassifier(lambda picture: int(picture[..., 1].mean()) < 100)
    with studio(classifier=classifier) as at, at.server.client() as client:
        begin(client)
        code = refused(client, kind)
        assert code[0] == ("sceneEditSafetyRejected" if kind == "scene_edit" else "generateSceneSafetyRejected")
        assert len(at.seeds.list()) == 0


@BOTH
def test_a_picture_that_cannot_be_judged(kind: str) -> None:
    classifier = FakeImageClassifier()
    with studio(classifier=classifier) as at, at.server.client() as client:
        begin(client)
        classifier.fail = "It broke."
        assert refused(client, kind) == ("seedSafetyCheckFailed", "seedCheckFailed")
        assert len(at.seeds.list()) == 0


def test_without_a_classifier_a_strict_server_makes_no_scenes() -> None:
    shipped = FakeImageClassifier(status=ClassifierMissing("None."))
    writer, editor = FakePromptWriter(), FakeImageEditor(GREEN)
    bundle = fake_services(prompt_writer=writer, image_editor=editor, classifier=shipped)
    with play_server(bundle, seed_safety="strict") as server:
        job = server.http.post("/api/scenes", json={"prompt": "x"}).json()
        wait_until(lambda: server.http.get(f"/api/scenes/jobs/{job['id']}").json()["state"] == "failed", "it failed")
        assert server.http.get(f"/api/scenes/jobs/{job['id']}").json()["code"] == "seedCheckFailed"


FAILURES = {
    EditorFault.NOT_LOADED: ("sceneAuthoringModelLoadFailed", "authoringLoadFailed"),
    EditorFault.OUT_OF_MEMORY: ("sceneAuthoringModelLoadFailed", "authoringLoadFailed"),
    EditorFault.FAILED: (None, "authoringFailed"),
}


@BOTH
@pytest.mark.parametrize("fault", FAILURES)
def test_an_image_model_that_fails(kind: str, fault: EditorFault) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.fail = ImageEditorError(fault, "It is broken. Free some memory.")
        assert refused(client, kind) == FAILURES[fault]
        at.editor.fail = None
        assert ask(client, kind)["success"]


@pytest.mark.parametrize("fault", [WriterFault.NOT_LOADED, WriterFault.FAILED])
def test_a_writer_that_fails(fault: WriterFault) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.writer.fail = writer_failure("It is broken.", fault)
        loaded = fault is WriterFault.FAILED
        assert refused(client, "scene_edit")[1] == ("authoringFailed" if loaded else "authoringLoadFailed")


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n and no more", b"\xff\xd8" * 1000])
def test_a_picture_that_is_not_one(data: bytes) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.data = data
        assert refused(client, "generate_scene") == (None, "authoringFailed")


def test_a_picture_of_another_size_is_fitted() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.data = picture(*GREEN, width=31, height=77)
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)


def test_the_server_warms_up_when_a_session_wants_scenes() -> None:
    with studio() as at, at.server.client() as client:
        client.start(picture(SEED))
        assert at.writer.prepared == 0
        assert client.reply(client.init(None, scene_authoring=True))["success"]
        wait_until(lambda: at.writer.prepared == 1, "the writer was prepared")


def test_models_of_other_sizes_get_scenes_of_their_shape() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        assert ask(client, "generate_scene")["success"]
        order = at.editor.orders[0]
        assert order.width == 1280
        assert order.height == round(1280 * 32 / 48 / 16) * 16
