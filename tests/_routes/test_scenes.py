"""Scenes over REST: generated in the background, listed, cancelled, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.authoring_config import AuthoringConfig
from services.image_editor.image_editor import ImageEditorError
from services.local_models.model_error import ModelFault
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.play.harness import fake_services, picture
from tests.rest_client import rest_client
from tests.waiting import wait_until

if TYPE_CHECKING:
    from starlette.testclient import TestClient


def job_of(client: TestClient, job_id: str) -> dict[str, Any]:
    return client.get(f"/api/scenes/jobs/{job_id}").json()


def ended(client: TestClient, job_id: str) -> dict[str, Any]:
    wait_until(lambda: job_of(client, job_id)["state"] not in {"waiting", "running"}, "the job ended")
    return job_of(client, job_id)


def jobs_of(client: TestClient) -> list[dict[str, Any]]:
    return client.get("/api/scenes").json()["jobs"]


def test_a_scene_is_made_kept_listed_and_removed() -> None:
    seeds = FakeSeedStore()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor(), seed_store=seeds)
    with rest_client(services) as client:
        response = client.post("/api/scenes", json={"prompt": "a flooded cathedral"})
        assert response.status_code == 202
        job = ended(client, response.json()["id"])
        assert (job["state"], job["prompt"], job["code"]) == ("done", "a flooded cathedral", None)
        client.post("/api/seeds", content=picture(3))
        listed = client.get("/api/scenes").json()
        (scene,) = listed["scenes"]
        assert (scene["hash"], scene["prompt"]) == (job["seed_hash"], "a flooded cathedral")
        assert (scene["width"], scene["height"]) == (1280, 720)
        assert [known["id"] for known in listed["jobs"]] == [job["id"]]
        gallery = client.get("/api/seeds").json()["seeds"]
        assert {seed["prompt"] for seed in gallery} == {"a flooded cathedral", None}
        upload = next(seed["hash"] for seed in gallery if seed["prompt"] is None)
        assert client.delete(f"/api/scenes/{upload}").status_code == 404
        assert client.delete(f"/api/scenes/{scene['hash']}").status_code == 204
        assert client.delete(f"/api/scenes/{scene['hash']}").status_code == 404
        assert client.get("/api/scenes").json()["scenes"] == []


def test_progress_shows_and_a_job_can_be_cancelled() -> None:
    editor = FakeImageEditor()
    editor.hold()
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)) as client:
        running = client.post("/api/scenes", json={"prompt": "one"}).json()["id"]
        editor.wait_until_held()
        waiting = client.post("/api/scenes", json={"prompt": "two"}).json()["id"]
        shown = job_of(client, running)
        assert (shown["state"], shown["step"], shown["fraction"]) == ("running", "painting", 0.5)
        assert job_of(client, waiting)["state"] == "waiting"
        for job_id in (waiting, running):
            assert client.delete(f"/api/scenes/jobs/{job_id}").status_code == 204
            assert (job_of(client, job_id)["state"], job_of(client, job_id)["code"]) == ("cancelled", "cancelled")
        assert editor.cancelled == 1
        assert client.delete(f"/api/scenes/jobs/{running}").status_code == 204, "it stays as it is"
        assert client.delete("/api/scenes/jobs/unknown").status_code == 404
        assert client.get("/api/scenes/jobs/unknown").json()["code"] == "sceneJobUnknown"


def test_a_server_that_stops_gives_its_jobs_up() -> None:
    editor = FakeImageEditor()
    editor.hold()
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)) as client:
        client.post("/api/scenes", json={"prompt": "one"})
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
        response = client.post("/api/scenes", json=body)
        assert (response.status_code, response.json()["code"]) == (422, code)


def test_a_server_without_authoring_says_what_is_missing() -> None:
    with rest_client() as client:
        response = client.post("/api/scenes", json={"prompt": "x"})
        assert (response.status_code, response.json()["code"]) == (503, "authoringUnavailable")
        health = client.get("/health").json()["authoring"]
        assert (health["available"], health["reason"]) == (False, "There is none in this test.")


def test_health_names_what_makes_scenes() -> None:
    with rest_client(fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())) as client:
        health = client.get("/health").json()["authoring"]
        assert (health["available"], health["writer"], health["image_model"]) == (True, "fake-writer", "fake-painter")


def test_waiting_and_finished_jobs_are_bounded() -> None:
    editor = FakeImageEditor()
    editor.hold()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)
    with rest_client(services, authoring=AuthoringConfig(kept_jobs=3)) as client:
        made = [client.post("/api/scenes", json={"prompt": f"{number}"}) for number in range(9)]
        assert [response.status_code for response in made] == [202] * 8 + [429]
        editor.release()
        wait_until(lambda: all(job["state"] == "done" for job in jobs_of(client)), "every scene was made")
        assert [job["prompt"] for job in jobs_of(client)] == ["7", "6", "5"]


def test_no_finished_job_is_kept_when_none_may_be() -> None:
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    with rest_client(services, authoring=AuthoringConfig(kept_jobs=0)) as client:
        job = client.post("/api/scenes", json={"prompt": "a quiet bay"}).json()
        wait_until(lambda: client.get("/api/scenes").json()["scenes"], "the scene was made")
        wait_until(lambda: not client.get("/api/scenes").json()["jobs"], "the job was forgotten")
        assert client.get(f"/api/scenes/jobs/{job['id']}").json()["code"] == "sceneJobUnknown"


def test_failures_are_told_with_their_sentence() -> None:
    editor, seeds = FakeImageEditor(), FakeSeedStore()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor, seed_store=seeds)
    with rest_client(services) as client:
        editor.fail = ImageEditorError(ModelFault.OUT_OF_MEMORY, "Too little memory.")
        job = ended(client, client.post("/api/scenes", json={"prompt": "x"}).json()["id"])
        assert (job["state"], job["code"], job["message"]) == ("failed", "authoringLoadFailed", "Too little memory.")
        editor.fail = None
        seeds.fail = "The disk is full."
        job = ended(client, client.post("/api/scenes", json={"prompt": "x"}).json()["id"])
        assert job["message"] == "The disk is full."


def test_a_job_that_takes_too_long_is_given_up() -> None:
    editor = FakeImageEditor()
    editor.hold()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor)
    with rest_client(services, authoring=AuthoringConfig(job_limit_s=0.2)) as client:
        job = ended(client, client.post("/api/scenes", json={"prompt": "x"}).json()["id"])
        assert job["code"] == "requestTimeout"
