"""The whole server with its jobs in a PostgreSQL: a film that is begun, cut by a kill, and made after the return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.browser.server_process import ServerProcess
from tests.play.harness import PlayClient, picture
from tests.postgres import emptied_postgres_url
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.trial, pytest.mark.timeout(300)]

_ENDED = frozenset({"done", "failed", "cancelled", "interrupted"})


def save_a_world(server: ServerProcess) -> str:
    address = server.url.replace("http", "ws", 1) + "/ws?protocol_version=5&client=terrarium"
    with connect(address, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        client = PlayClient(socket, extended=True)
        client.start(picture(20, width=320, height=180), model="terrarium/diorama")
        client.hold("W")
        return client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]


def test_a_film_is_made_over_a_kill_and_a_stop(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, {"TERRARIUM_DATABASE_URL": emptied_postgres_url()})
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=deadline_s()) as client:

            def job(job_id: str) -> dict[str, Any]:
                return client.get(f"/api/jobs/{job_id}").json()

            body = {"kind": "replay_film", "request": {"world_id": save_a_world(server)}}
            keyed = {"Idempotency-Key": "one"}
            film: str = client.post("/api/jobs", json=body, headers=keyed).json()["id"]
            wait_until(lambda: job(film)["state"] != "queued", "the film began")
            server.kill()
            server.start()
            wait_until(lambda: job(film)["state"] in _ENDED, "the film was made", seconds=200)
            found = job(film)
            assert (found["state"], found["fault"]) == ("done", None)
            assert len(client.get(f"/api/jobs/{film}/file").content) == found["files"][0]["bytes"] > 0
            assert client.post("/api/jobs", json=body, headers=keyed).json()["id"] == film
            told = client.get(f"/api/jobs/{film}/events").json()["events"]
            assert [event["data"]["state"] for event in told if event["event"] == "state"][-1] == "done"
            server.stop()
            server.start()
            assert [listed["id"] for listed in client.get("/api/jobs").json()["jobs"]] == [film]
            assert client.get("/api/jobs").json()["newest_event"] == int(told[-1]["id"])
            assert client.delete(f"/api/jobs/{film}").status_code == 204
        assert not (tmp_path / "terrarium.sqlite").exists(), "the jobs lie in the PostgreSQL"
        assert list((tmp_path / "jobs").iterdir()) == []
    finally:
        server.stop()
