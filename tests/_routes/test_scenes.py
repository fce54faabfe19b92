"""Scenes over REST: generated in the background, listed, cancelled, removed."""

from __future__ import annotations

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from services.prompt_writer.prompt_writer import EditRequest
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.job_client import ended, job_of, scene, submit
from tests.play.harness import fake_services, picture
from tests.rest_client import rest_client
from tests.waiting import wait_until


def test_a_scene_is_made_kept_listed_and_removed() -> None:
    seeds = FakeSeedStore()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor(), seed_store=seeds)
    with rest_client(services) as client:
        job = scene(client, "a flooded cathedral")
        assert (job["state"], job["fault"]) == ("done", None)
        assert job["request"] == {"prompt": "a flooded cathedral", "of": None}
        client.post("/api/seeds", content=picture(3))
        (made,) = client.get("/api/scenes").json()["scenes"]
        assert (made["hash"], made["prompt"]) == (job["result"]["seed_hash"], "a flooded cathedral")
        assert (made["width"], made["height"]) == (1280, 720)
        gallery = client.get("/api/seeds").json()["seeds"]
        assert {seed["prompt"] for seed in gallery} == {"a flooded cathedral", None}
        upload = next(seed["hash"] for seed in gallery if seed["prompt"] is None)
        assert client.delete(f"/api/scenes/{upload}").status_code == 404
        assert client.delete(f"/api/scenes/{made['hash']}").status_code == 204
        assert client.delete(f"/api/scenes/{made['hash']}").status_code == 404
        assert client.get("/api/scenes").json()["scenes"] == []


def test_a_picture_of_the_gallery_is_changed_in_words() -> None:
    writer, editor = FakePromptWriter(), FakeImageEditor()
    with rest_client(fake_services(prompt_writer=writer, image_editor=editor)) as client:
        of = client.post("/api/seeds", content=picture(3, 200, 30, width=1280, height=720)).json()["hash"]
        job = ended(client, submit(client, "scene", prompt="at night", of=of)["id"])
        assert job["state"] == "done", job
        assert isinstance(writer.requests[0], EditRequest), "the writer did not see the picture"
        (order,) = editor.orders
        assert order.reference is not None
        assert (order.width, order.height) == (1280, 720)
        (changed,) = client.get("/api/scenes").json()["scenes"]
        assert (changed["hash"], changed["prompt"]) == (job["result"]["seed_hash"], "at night")
        assert changed["hash"] != of
        answer = client.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "at night", "of": "0" * 64}})
        assert (answer.status_code, answer.json()["code"]) == (404, "seedUnknown")


def test_progress_shows_and_a_job_can_be_cancelled() -> None:
    editor = FakeImageEditor()
    editor.hold()
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)) as client:
        running = submit(client, "scene", prompt="one")["id"]
        editor.wait_until_held()
        waiting = submit(client, "scene", prompt="two")["id"]
        wait_until(lambda: job_of(client, running)["stage"] == "painting", "its stage is kept")
        shown = job_of(client, running)
        assert (shown["state"], shown["fraction"], shown["position"]) == ("running", 0.5, None)
        assert (job_of(client, waiting)["state"], job_of(client, waiting)["position"]) == ("queued", 0)
        for job_id in (waiting, running):
            assert client.post(f"/api/jobs/{job_id}/cancel").status_code in {200, 202}
            assert ended(client, job_id)["state"] == "cancelled"
        assert editor.cancelled == 1


def test_a_server_that_stops_gives_its_jobs_up() -> None:
    editor = FakeImageEditor()
    editor.hold()
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)) as client:
        submit(client, "scene", prompt="one")
        editor.wait_until_held()
    assert editor.cancelled == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"prompt": " "}, "authoringEmptyPrompt"),
        ({"prompt": "x" * 100_000}, "authoringPromptTooLong"),
        ({}, "invalidRequest"),
        ({"prompt": "x", "model": "y"}, "invalidRequest"),
    ],
)
def test_invalid_prompts_are_refused(body: dict[str, str], code: str) -> None:
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())) as client:
        response = client.post("/api/jobs", json={"kind": "scene", "request": body})
        assert (response.status_code, response.json()["code"]) == (422, code)


def test_a_server_without_authoring_says_what_is_missing() -> None:
    with rest_client() as client:
        response = client.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "x"}})
        assert (response.status_code, response.json()["code"]) == (503, "authoringUnavailable")
        health = client.get("/health").json()["authoring"]
        assert (health["available"], health["reason"]) == (False, "There is none in this test.")


def test_health_names_what_makes_scenes() -> None:
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())) as client:
        health = client.get("/health").json()["authoring"]
        assert (health["available"], health["writer"], health["image_model"]) == (True, "fake-writer", "fake-painter")


def test_failures_are_told_with_their_sentence() -> None:
    editor, seeds = FakeImageEditor(), FakeSeedStore()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor, seed_store=seeds)
    with rest_client(services) as client:
        editor.fail = ImageEditorError(ModelFault.OUT_OF_MEMORY, "Too little memory.")
        job = scene(client, "x")
        assert job["state"] == "failed"
        assert job["fault"] == {"code": "authoringLoadFailed", "message": "Too little memory."}
        editor.fail = None
        seeds.fail = "The disk is full."
        assert scene(client, "x")["fault"]["message"] == "The disk is full."


def test_a_job_that_takes_too_long_is_given_up() -> None:
    editor = FakeImageEditor()
    editor.hold()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)
    with rest_client(services, authoring=AuthoringConfig(job_limit_s=0.2)) as client:
        assert scene(client, "x")["fault"]["code"] == "requestTimeout"
