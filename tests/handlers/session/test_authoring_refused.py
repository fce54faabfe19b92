"""Scenes in words that come to nothing: a typed error, words for the player, and a world that plays on unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.image_editor import EditorMissing, ImageEditorError
from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import Refusal, WriterMissing
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter, writer_failure
from tests.handlers.session.authoring_studio import BOTH, GREEN, SEED, ask, begin, codes, is_seed, refused, studio
from tests.job_client import scene
from tests.play.harness import fake_services, picture, play_server


@BOTH
def test_prompts_that_are_refused(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        for empty in ("", "   ", "\n\t", "\x00\x07\x1b", "\u200b\u202e"):
            assert refused(client, kind, empty) == ("sceneAuthoringEmptyPrompt", "authoringEmptyPrompt")
        for long in ("x" * 1001, "x" * 100_000, "é" * 50_000):
            assert refused(client, kind, long) == (None, "authoringPromptTooLong")
        assert at.writer.requests == []
        assert ask(client, kind, "a\x00 dragon\x1b[0m \ud83d\udc09")["success"]
        assert at.writer.requests[0].prompt == "a dragon[0m \U0001f409"


@BOTH
def test_authoring_that_the_session_did_not_ask_for(kind: str) -> None:
    with studio() as at, at.server.client() as client:
        client.start(picture(SEED))
        assert refused(client, kind) == (None, "authoringUnavailable")
        assert at.writer.requests == []
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
        assert codes(reply) == (None, "authoringUnavailable")
        assert reply["error"] == "No endpoint."
        health = at.server.http.get("/health").json()["authoring"]
        assert not health.pop("available")
        assert health.pop("reason") == "No endpoint."
        assert set(health.values()) == {None}


@BOTH
def test_a_prompt_that_the_writer_refuses(kind: str) -> None:
    with studio(writer=FakePromptWriter(answer=Refusal("No brands, please."))) as at, at.server.client() as client:
        begin(client)
        reply = ask(client, kind)
        expected = {
            "scene_edit": (None, "authoringEditRefused"),
            "generate_scene": (None, "authoringSceneRefused"),
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
        assert code[0] is None
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
        assert scene(server.http, "x")["fault"]["code"] == "seedCheckFailed"


FAILURES = {
    ModelFault.NOT_LOADED: ("sceneAuthoringModelLoadFailed", "authoringLoadFailed"),
    ModelFault.OUT_OF_MEMORY: ("sceneAuthoringModelLoadFailed", "authoringLoadFailed"),
    ModelFault.FAILED: (None, "authoringFailed"),
}


@BOTH
@pytest.mark.parametrize("fault", FAILURES)
def test_an_image_model_that_fails(kind: str, fault: ModelFault) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.fail = ImageEditorError(fault, "It is broken. Free some memory.")
        assert refused(client, kind) == FAILURES[fault]
        at.editor.fail = None
        assert ask(client, kind)["success"]


@pytest.mark.parametrize("fault", [ModelFault.NOT_LOADED, ModelFault.FAILED])
def test_a_writer_that_fails(fault: ModelFault) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.writer.fail = writer_failure("It is broken.", fault)
        loaded = fault is ModelFault.FAILED
        assert refused(client, "scene_edit")[1] == ("authoringFailed" if loaded else "authoringLoadFailed")


def test_a_scene_that_no_world_can_be_opened_in() -> None:
    model = FakeModel()
    with studio(model) as at, at.server.client() as client:
        begin(client)
        model.engines[0].fail_to_open(1)
        assert refused(client, "generate_scene") == (None, "engineFailed")
        assert len(at.seeds.list()) == 0
        assert ask(client, "scene_edit")["success"], "the world in play is as good as before"


def test_a_scene_that_the_world_in_play_does_not_take() -> None:
    model = FakeModel()
    with studio(model) as at, at.server.client() as client:
        begin(client)
        (engine,) = model.engines
        engine.refuse_scenes()
        reply = ask(client, "scene_edit")
        assert codes(reply) == (None, "engineFailed")
        assert "This scene is not taken" in reply["error"]
        assert is_seed(client.hold("W"))
        assert len(engine.worlds) == 1, "the world is intact, and so is not opened anew"


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n and no more", b"\xff\xd8" * 1000])
def test_an_answer_that_is_not_a_picture(data: bytes) -> None:
    with studio() as at, at.server.client() as client:
        begin(client)
        at.editor.data = data
        assert refused(client, "generate_scene") == (None, "authoringFailed")
