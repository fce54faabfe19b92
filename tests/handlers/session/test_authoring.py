"""Scenes in words over a real socket: how the world changes, and what a client is told of it."""

from __future__ import annotations

import base64
import json
from typing import Any

from services.image_editor.image_editor import EditorReady
from services.prompt_writer.prompt_writer import EditRequest, SceneRequest
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.handlers.session.authoring_studio import BOTH, GREEN, SEED, ask, begin, is_green, is_seed, mean_of, studio
from tests.play.harness import picture
from tests.waiting import wait_until


def test_an_edit_changes_the_world_and_a_reset_leads_back() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        reply = ask(client, "scene_edit")
        data = reply["data"]
        assert data["edit_prompt"] == "a dragon, written out"
        assert abs(mean_of(data["original_jpeg_b64"])[0] - SEED) < 6
        assert abs(mean_of(data["preview_jpeg_b64"])[1] - 200) < 6
        client.hold("W", until=is_green)
        (request,), (order,) = at.writer.requests, at.editor.orders
        assert isinstance(request, EditRequest)
        assert request.view[:2] == b"\xff\xd8"
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
        assert isinstance(at.writer.requests[0], SceneRequest)
        assert at.editor.orders[0].reference is None
        client.hold("W", until=is_green)
        assert is_green(client.start_over())
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
    seed = at.seeds.find(data["seed_hash"])
    assert seed is not None
    assert (seed.prompt, seed.title) == ("a flooded cathedral", "a flooded cathedral")
    assert at.seeds.read(seed.hash) == file


@BOTH
def test_an_edit_is_applied_while_paused(kind: str) -> None:
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
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        assert ask(client, "scene_edit")["success"]
        client.hold("W", until=is_green)
        assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
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


def test_a_recording_shows_the_prompt(tmp_path: Any) -> None:
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


def test_a_client_is_told_when_something_must_be_loaded_first() -> None:
    editor = FakeImageEditor(GREEN, status=EditorReady("fake-painter", is_loaded=False))
    with studio(editor=editor) as at, at.server.client() as client:
        client.init(picture(SEED), scene_authoring=True)
        client.stage("session.scene_authoring.load")
        client.hold("W")
        assert ask(client, "scene_edit")["success"]


def test_models_of_other_sizes_get_scenes_of_their_shape() -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        assert ask(client, "generate_scene")["success"]
        order = at.editor.orders[0]
        assert order.width == 1280
        assert order.height == round(1280 * 32 / 48 / 16) * 16
