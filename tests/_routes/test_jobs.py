"""Jobs over REST: accepted once, followed by Server-Sent Events, cancelled, tried again, forgotten with their files."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.job_store.job_store import JobStoreError, JobStoreFault
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.job_client import ended, job_of, scene, submit
from tests.play.harness import PlayServer, fake_services, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.play.harness import Json


@contextmanager
def scene_server(store: FakeJobStore | None = None) -> Generator[tuple[PlayServer, FakeImageEditor]]:
    editor = FakeImageEditor()
    services = fake_services(prompt_writer=FakePromptWriter(), image_editor=editor, job_stores=store or FakeJobStore())
    with play_server(services) as server:
        yield server, editor


def events(lines: Iterator[str]) -> Generator[tuple[str, str | None, Json]]:
    """Kind, id and data of each event."""
    kind, number, data = "message", None, ""
    for line in lines:
        name, _, value = line.partition(": ")
        match name:
            case "event":
                kind = value
            case "id":
                number = value
            case "data":
                data = value
            case "" if data:
                yield kind, number, json.loads(data)
                kind, number, data = "message", None, ""
            case _:
                pass


def stream(server: PlayServer, path: str, **headers: str) -> list[tuple[str, str | None, Json]]:
    """Everything that a stream tells until it ends."""
    with server.http.stream("GET", path, headers=headers, timeout=deadline_s()) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(events(response.iter_lines()))


def test_a_job_is_accepted_with_its_place() -> None:
    with scene_server() as (server, _):
        body = {"kind": "scene", "request": {"prompt": "a bay"}}
        response = server.http.post("/api/jobs", json=body, headers={"Idempotency-Key": "one"})
        job = response.json()
        assert (response.status_code, response.headers["location"]) == (202, f"/api/jobs/{job['id']}")
        again = server.http.post("/api/jobs", json=body, headers={"Idempotency-Key": "one"})
        assert (again.status_code, again.json()["id"]) == (200, job["id"])
        other = server.http.post(
            "/api/jobs",
            json={"kind": "scene", "request": {"prompt": "a hill"}},
            headers={"Idempotency-Key": "one"},
        )
        assert (other.status_code, other.json()["code"]) == (409, "jobKeyReused")
        ended(server.http, job["id"])
        listed = server.http.get("/api/jobs", params={"state": "done", "kind": "scene"}).json()["jobs"]
        assert [known["id"] for known in listed] == [job["id"]]
        assert server.http.get("/api/jobs", params={"state": ["failed", "queued"]}).json()["jobs"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "nothing", "request": {}}, 422, "jobKindUnknown"),
        ({"kind": "scene", "request": {"words": "x"}}, 422, "invalidRequest"),
        ({"kind": "scene"}, 422, "invalidRequest"),
        ({"kind": "replay_film", "request": {"world_id": "../secret"}}, 404, "worldUnknown"),
    ],
)
def test_what_cannot_be_a_job(body: Json, status: int, code: str) -> None:
    with scene_server() as (server, _):
        response = server.http.post("/api/jobs", json=body)
        assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/jobs/unknown"),
        ("POST", "/api/jobs/unknown/cancel"),
        ("POST", "/api/jobs/unknown/retry"),
        ("DELETE", "/api/jobs/unknown"),
        ("GET", "/api/jobs/unknown/stream"),
        ("GET", "/api/jobs/unknown/file"),
    ],
)
def test_a_job_that_is_not_there(method: str, path: str) -> None:
    with scene_server() as (server, _):
        response = server.http.request(method, path)
        assert (response.status_code, response.json()["code"]) == (404, "jobUnknown")


def test_a_stream_tells_a_job_from_its_beginning_to_its_end() -> None:
    with scene_server() as (server, editor):
        editor.hold()
        job = submit(server.http, "scene", prompt="a bay")["id"]
        editor.wait_until_held()
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(stream, server, f"/api/jobs/{job}/stream")
            editor.release()
            told = reading.result(deadline_s())
        states = [data.get("state") or data["stage"] for kind, _, data in told if kind in {"state", "stage"}]
        assert states == ["queued", "running", "writing", "painting", "checking", "finishing", "done"]
        assert told[-1] == ("end", None, {"reason": "finished"})
        numbers = [int(number) for _, number, _ in told if number is not None]
        assert numbers == sorted(set(numbers))
        # Who comes back with the last number has seen it all; with a number before it, the rest.
        assert (
            server.http.get(f"/api/jobs/{job}/stream", headers={"Last-Event-ID": str(numbers[-1])}).status_code == 204
        )
        rest = stream(server, f"/api/jobs/{job}/stream", **{"Last-Event-ID": str(numbers[-2])})
        assert [kind for kind, _, _ in rest] == ["state", "end"]
        # What is no number begins at the beginning.
        for nonsense in ("x", "-1", "1.5", "٣", "9" * 30):
            again = stream(server, f"/api/jobs/{job}/stream?after={nonsense}")
            assert len([1 for _, number, _ in again if number is not None]) == len(numbers)


def test_all_jobs_are_followed_from_where_the_list_stood() -> None:
    with scene_server() as (server, _):
        scene(server.http, "a bay")
        newest = server.http.get("/api/jobs").json()["newest_event"]
        with ThreadPoolExecutor(1) as pool:

            def first_end() -> str:
                with server.http.stream("GET", f"/api/events?after={newest}", timeout=deadline_s()) as response:
                    for _, _, data in events(response.iter_lines()):
                        if data.get("state") == "done":
                            return data["job"]
                raise AssertionError

            reading = pool.submit(first_end)
            job = scene(server.http, "a hill")["id"]
            assert reading.result(deadline_s()) == job


def test_streams_and_a_running_job_end_when_the_server_stops() -> None:
    with ThreadPoolExecutor(10) as pool:
        with scene_server() as (server, editor):
            editor.hold()
            job = submit(server.http, "scene", prompt="a bay")["id"]
            editor.wait_until_held()
            paths = ["/api/events"] * 5 + [f"/api/jobs/{job}/stream"] * 5
            base = server.http.base_url

            def read(path: str) -> list[Any]:
                with httpx.stream("GET", f"{base}{path}", timeout=deadline_s()) as response:
                    begun.append(path)
                    return list(events(response.iter_lines()))

            begun: list[str] = []
            readers = [pool.submit(read, path) for path in paths]
            wait_until(lambda: len(begun) == len(paths), "all streams began")
            server.drain()
        for reader in readers:
            assert reader.result(deadline_s())[-1] == ("end", None, {"reason": "shutdown"})


def test_a_job_is_cancelled_and_tried_again_and_forgotten() -> None:
    with scene_server() as (server, editor):
        editor.hold()
        job = submit(server.http, "scene", prompt="a bay")["id"]
        editor.wait_until_held()
        assert server.http.delete(f"/api/jobs/{job}").json()["code"] == "jobNotOver"
        assert server.http.post(f"/api/jobs/{job}/retry").json()["code"] == "jobNotRetryable"
        assert server.http.post(f"/api/jobs/{job}/cancel").status_code == 202
        assert ended(server.http, job)["can_retry"]
        assert server.http.post(f"/api/jobs/{job}/cancel").status_code == 200
        editor.release()
        assert server.http.post(f"/api/jobs/{job}/retry").status_code == 202
        assert (ended(server.http, job)["state"], job_of(server.http, job)["attempt"]) == ("done", 2)
        assert server.http.get(f"/api/jobs/{job}/file").json()["code"] == "jobHasNoFile"
        assert server.http.delete(f"/api/jobs/{job}").status_code == 204
        assert server.http.get(f"/api/jobs/{job}").status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (JobStoreFault.UNAVAILABLE, 503, "jobsUnavailable"),
        (JobStoreFault.BUSY, 503, "jobsUnavailable"),
        (JobStoreFault.FULL, 507, "jobNotKept"),
    ],
)
def test_a_database_that_fails_is_told_and_play_goes_on(fault: JobStoreFault, status: int, code: str) -> None:
    store = FakeJobStore()
    store.fail = JobStoreError(fault, "The database is away.")
    with scene_server(store) as (server, _):
        response = server.http.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "x"}})
        assert (response.status_code, response.json()) == (status, {"code": code, "message": "The database is away."})
        assert server.http.get("/health").status_code == 200
        store.fail = None
        assert scene(server.http, "x")["state"] == "done"


def test_a_server_without_jobs_does_not_open_its_database() -> None:
    class Unopened(FakeJobStore):
        def open(self) -> Any:
            raise AssertionError

    with scene_server(Unopened()) as (server, _):
        assert server.http.get("/api/jobs").json() == {"jobs": [], "newest_event": 0}
        assert server.http.get("/api/jobs/unknown").status_code == 404
        with server.http.stream("GET", "/api/events") as response:
            assert response.status_code == 200
