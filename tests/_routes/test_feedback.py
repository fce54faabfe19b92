"""/api/feedback: given, changed, taken back and exported, about every kind of thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.anonymous_config import AnonymousAction, AnonymousConfig
from runtime_config.runtime_config import AccessConfig
from services.feedback_store.feedback_store import FeedbackFault, FeedbackKind, FeedbackStoreError, FeedbackTag
from tests._routes.test_films import film_server
from tests._routes.test_recordings import Photographer, film, gallery
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_input_logs import FakeInputLogs
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.job_client import ended, scene, submit
from tests.play.harness import fake_services, picture, play_server
from tests.rest_client import rest_client

if TYPE_CHECKING:
    from tests.job_client import Client
    from tests.play.harness import Json

LIKED = {"rating": 1}


def give(client: Client, url: str, **said: Any) -> Json:
    answer = client.put(f"/api/feedback/{url}", json={"rating": 1, **said})
    assert answer.status_code == 200, answer.text
    return answer.json()


def said_of(client: Client, url: str) -> list[Json]:
    return client.get(f"/api/feedback/{url}").json()["feedback"]


def exported(client: Client) -> list[Json]:
    answer = client.get("/api/feedback/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    assert 'filename="feedback.jsonl"' in answer.headers["content-disposition"]
    return [json.loads(line) for line in answer.text.splitlines()]


def test_what_one_says_of_a_recording_is_kept_changed_and_taken_back(tmp_path: Path) -> None:
    film(tmp_path, "my walk")
    with gallery(tmp_path) as client:
        assert said_of(client, "recording/my walk") == exported(client) == []
        given = give(client, "recording/my walk", tags=["blurry", "drift", "blurry"], comment="  é  ")
        assert (given["kind"], given["id"], given["pass"], given["rating"]) == ("recording", "my walk", None, 1)
        assert (given["tags"], given["comment"]) == (["blurry", "drift"], "é")
        give(client, "recording/my walk", **{"pass": 12, "rating": -1, "tags": ["wrong_motion"]})
        changed = give(client, "recording/my walk", rating=-1, comment="")
        assert (changed["rating"], changed["tags"], changed["comment"]) == (-1, [], None)
        assert [(said["pass"], said["rating"]) for said in said_of(client, "recording/my walk")] == [
            (None, -1),
            (12, -1),
        ]
        newest = client.get("/api/feedback?kind=recording&limit=1").json()["feedback"]
        assert [said["pass"] for said in newest] == [None]
        assert client.get("/api/feedback?kind=job").json()["feedback"] == []
        assert client.delete("/api/feedback/recording/my walk?pass=12").status_code == 204
        again = client.delete("/api/feedback/recording/my walk?pass=12")
        assert (again.status_code, again.json()["code"]) == (404, "feedbackUnknown")
        assert client.delete("/api/feedback/recording/my walk").status_code == 204
        assert exported(client) == []


def test_a_line_of_the_export_says_how_the_recording_was_made(tmp_path: Path) -> None:
    facts = {
        "model": "m/x",
        "quant": "none",
        "model_hash": "ab",
        "seed_hash": "cd",
        "rng_seed": 3,
        "input_log": "log-1",
    }
    film(tmp_path, "walk", **facts, seed="hill.jpg", segment=2, play_session="aa")
    with gallery(tmp_path) as client:
        give(client, "recording/walk", tags=["steady"], **{"pass": 7})
        (line,) = exported(client)
    assert (line["kind"], line["id"], line["pass"], line["rating"], line["tags"]) == (
        "recording",
        "walk",
        7,
        1,
        ["steady"],
    )
    assert (line["model"], line["quant"], line["weights_hash"]) == ("m/x", "none", "ab")
    assert (line["seed_hash"], line["rng_seed"], line["input_log"]) == ("cd", 3, "log-1")
    assert (line["more"]["seed"], line["more"]["segment"], line["person"]) == ("hill.jpg", 2, None)


def test_feedback_follows_a_new_name_and_goes_with_its_recording(tmp_path: Path) -> None:
    film(tmp_path, "walk")
    with gallery(tmp_path) as client:
        give(client, "recording/walk")
        client.patch("/api/recordings/walk", json={"name": "run"})
        assert (said_of(client, "recording/walk"), len(said_of(client, "recording/run"))) == ([], 1)
        client.delete("/api/recordings/run")
        assert exported(client) == []


def test_scenes_and_the_jobs_that_made_them() -> None:
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    with rest_client(services) as client:
        job = scene(client, "a flooded cathedral")
        made = job["result"]["seed_hash"]
        give(client, f"job/{job['id']}", tags=["as_asked"])
        give(client, f"scene/{made}", tags=["not_as_asked"])
        by_kind = {line["kind"]: line for line in exported(client)}
        assert {line["seed_hash"] for line in by_kind.values()} == {made}
        assert {line["more"]["prompt"] for line in by_kind.values()} == {"a flooded cathedral"}
        upload = client.post("/api/seeds", content=picture(3)).json()["hash"]
        assert client.put(f"/api/feedback/scene/{upload}", json=LIKED).json()["code"] == "seedUnknown"
        client.delete(f"/api/jobs/{job['id']}")
        assert [line["kind"] for line in exported(client)] == ["scene"]
        client.delete(f"/api/scenes/{made}")
        assert exported(client) == []


def test_a_film_of_a_world_says_what_the_world_was_made_with(tmp_path: Path) -> None:
    with film_server(tmp_path) as (server, world):
        job = ended(server.http, submit(server.http, "replay_film", world_id=world)["id"])
        give(server.http, f"job/{job['id']}", rating=-1, tags=["broken_memory"])
        server.http.delete(f"/api/worlds/{world}")
        give(server.http, f"job/{job['id']}", **{"pass": 1})
        before, after = exported(server.http)
        assert (before["model"], before["quant"], before["more"]["world_id"]) == ("fake/world", "none", world)
        assert before["weights_hash"]
        assert isinstance(before["rng_seed"], int)
        assert (after["model"], after["more"]["world_id"]) == (None, world), "the world is gone"


def test_a_moment_says_which_inputs_led_to_it() -> None:
    logs = FakeInputLogs()
    with play_server(fake_services(input_logs=logs)) as server:
        with server.client(extended=True) as client:
            client.start(picture(90), action_logging=True)
            client.hold("W")
            taken = client.reply(client.request("take_moment"))["data"]["moment_id"]
            session = server.sessions()[0]["id"]
            give(server.http, f"moment/{session}.{taken}", tags=["good_motion"])
            for name in (f"{session}.99", session, f"none.{taken}"):
                unknown = server.http.put(f"/api/feedback/moment/{name}", json=LIKED)
                assert (unknown.status_code, unknown.json()["code"]) in {
                    (404, "momentUnknown"),
                    (404, "sessionUnknown"),
                }
        (line,) = exported(server.http)
        assert (line["model"], line["input_log"]) == ("fake/world", logs.logs[0].id)
        assert line["more"]["play_session"] == session
        assert line["more"]["passes"] >= 1
        assert said_of(server.http, f"moment/{session}.{taken}"), "the session has ended, and what was said stays"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": 0},
        {"rating": 2},
        {"rating": True},
        {"rating": 1, "tags": ["made up"]},
        {"rating": 1, "tags": ["blurry"] * 25},
        {"rating": 1, "comment": "x" * 2001},
        {"rating": 1, "pass": -1},
        {"rating": 1, "pass": 2**53},
        {"rating": 1, "pass_number": 3},
        {"rating": 1, "more": 1},
    ],
)
def test_what_is_no_feedback_is_refused(tmp_path: Path, body: Json) -> None:
    film(tmp_path, "walk")
    with gallery(tmp_path) as client:
        assert client.put("/api/feedback/recording/walk", json=body).status_code == 422
        assert client.put("/api/feedback/nothing/walk", json=LIKED).status_code == 422
        assert exported(client) == []
        give(client, "recording/walk", comment="x" * 2000, **{"pass": 2**53 - 1})


@pytest.mark.parametrize(
    ("url", "code"),
    [("recording/none", "recordingUnknown"), ("scene/none", "seedUnknown"), ("job/none", "jobUnknown")],
)
def test_what_does_not_exist_cannot_be_rated(url: str, code: str) -> None:
    with rest_client() as client:
        answer = client.put(f"/api/feedback/{url}", json=LIKED)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(("fault", "status"), [(FeedbackFault.UNAVAILABLE, 503), (FeedbackFault.FULL, 507)])
def test_a_database_that_fails_costs_no_recording(tmp_path: Path, fault: FeedbackFault, status: int) -> None:
    film(tmp_path, "walk")
    store = FakeFeedbackStore()
    services = fake_services(video_writer=Photographer(), recordings_dir=tmp_path / "recordings", feedback_stores=store)
    with rest_client(services) as client:
        give(client, "recording/walk")
        store.fail = FeedbackStoreError(fault, "It is broken.")
        assert client.put("/api/feedback/recording/walk", json=LIKED).status_code == status
        assert client.delete("/api/recordings/walk").status_code == 204


def test_strangers_say_nothing_and_read_nothing() -> None:
    anonymous = AnonymousConfig(may=tuple(AnonymousAction))
    with rest_client(access=AccessConfig(token="t" * 20, allow_anonymous=True, anonymous=anonymous)) as client:
        for answer in (
            client.get("/api/feedback"),
            client.get("/api/feedback/export"),
            client.put("/api/feedback/job/one", json=LIKED),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "localOnly")


def test_the_guide_names_every_tag_and_kind() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "feedback.md").read_text(encoding="utf-8")
    assert [name for name in (*FeedbackTag, *FeedbackKind) if f"`{name}`" not in guide] == []
