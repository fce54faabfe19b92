"""Jobs over REST, as a client asks for them and waits for their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.play.harness import Json

    Client = httpx.Client | Any  # starlette's TestClient is one of another package

_ENDED = frozenset({"done", "failed", "cancelled", "interrupted"})


def submit(client: Client, kind: str, **request: Any) -> Json:
    response = client.post("/api/jobs", json={"kind": kind, "request": request})
    assert response.status_code == 202, response.text
    return response.json()


def job_of(client: Client, job_id: str) -> Json:
    return client.get(f"/api/jobs/{job_id}").json()


def ended(client: Client, job_id: str) -> Json:
    """The job, once it has ended."""
    wait_until(lambda: job_of(client, job_id)["state"] in _ENDED, "the job ended")
    return job_of(client, job_id)


def scene(client: Client, prompt: str) -> Json:
    """A job that makes a scene, once it has ended."""
    return ended(client, submit(client, "scene", prompt=prompt)["id"])
