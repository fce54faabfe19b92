"""Killed at each write of three jobs, and begun again: none is lost, doubled or stuck, and no event is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from access_rules import Owner
from services.database.shared_database import SharedDatabase
from services.job_store.job import ENDED
from services.job_store.job_store import JobQuery
from services.job_store.sql_job_stores import SqlJobStores
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_job_executor import FakeJobExecutor
from tests.handlers.jobs.jobs_rig import jobs_rig
from tests.waiting import deadline_s, wait_until_async

PROJECT = Path(__file__).resolve().parents[3]
REQUESTS = {"good": {"name": "good", "size": 7}, "bad": {"name": "bad"}, "stopped": {"name": "stopped"}}
ENDS = {"good": {"done"}, "bad": {"failed", "done"}, "stopped": {"cancelled", "done"}}


def killed_at(database: Path, step: int) -> bool:
    """Whether the process was killed; else it had ended by itself before that step."""
    command = [sys.executable, "-m", "tests.handlers.jobs.killed_server", str(database), str(step)]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=deadline_s(), check=False)
    assert ran.returncode in {0, -9}, ran.stderr
    assert (ran.stdout.splitlines()[-1:] == ["done"]) == (ran.returncode == 0)
    return ran.returncode != 0


async def finish(database: Path) -> None:
    """What the next run of the server makes of it. What was never accepted is asked for again, by the same key."""
    clock = FakeClock()
    stores, executor, folder = SqlJobStores(SharedDatabase(database)), FakeJobExecutor(), database.with_suffix(".jobs")
    async with jobs_rig(stores, executor=executor, clock=clock, folder=folder) as here:
        for name, request in REQUESTS.items():
            await here.jobs.submit(Owner(), "fake", request, key=name)

        def has_ended() -> bool:
            clock.advance(60.0)  # what is tried again need not wait
            here.board.changes.announce()
            return here.board.live() == ()

        await wait_until_async(has_ended, "every job has ended")


@pytest.mark.trial
def test_killed_at_every_write(tmp_path: Path) -> None:
    step, was_killed = 0, True
    while was_killed:
        database = tmp_path / f"{step}.sqlite"
        was_killed = killed_at(database, step)
        asyncio.run(finish(database))
        store = SqlJobStores(SharedDatabase(database)).open()
        jobs = store.query(JobQuery())
        assert sorted(str(job.request["name"]) for job in jobs) == sorted(ENDS), f"killed at step {step}"
        for job in jobs:
            assert job.state in ENDED
            assert job.state.value in ENDS[str(job.request["name"])], f"killed at step {step}"
            told = [notice.data["state"] for notice in store.notices(0, job=job.id) if notice.kind == "state"]
            assert told[0] == "queued"
            assert told[-1] == job.state.value
            assert told.count("done") <= 1
            made = sorted(path.name for path in (database.with_suffix(".jobs") / job.id).glob("made*"))
            assert [file.path for file in job.files] == made == (["made.bin"] if job.request["name"] == "good" else [])
        numbers = [notice.number for notice in store.notices(0)]
        assert numbers == sorted(set(numbers))
        step += 1
    assert step > 20, "there were as many writes as three jobs take"
