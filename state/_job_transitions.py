"""Jobs that have not ended, as AppState mirrors them. Their transitions happen in the database first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from state.app_state_types import LiveJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.job_store.job import Job
    from state.app_state_types import AppState, JobId


def job_changed(state: AppState, job: Job, now: float) -> None:
    """The database has `job` now. One that has ended leaves. `now` is a reading of the monotonic clock."""
    if job.has_ended:
        state.jobs.pop(job.id, None)
        return
    live = state.jobs.get(job.id)
    if live is None or live.job.state is not job.state:
        state.jobs[job.id] = LiveJob(job, state_since=now, stage_since=now)
    elif live.job.stage != job.stage:
        state.jobs[job.id] = replace(live, job=job, stage_since=now, fraction=None, amounts=None)
    else:
        state.jobs[job.id] = replace(live, job=job)


def job_forgotten(state: AppState, job_id: JobId) -> None:
    """The database does not have it any more."""
    state.jobs.pop(job_id, None)


def job_progressed(
    state: AppState, job_id: JobId, fraction: float | None, amounts: Mapping[str, int] | None = None
) -> None:
    """`fraction` (0 to 1) of a job's stage is done, which `amounts` count. One that has ended meanwhile stays away."""
    live = state.jobs.get(job_id)
    if live is not None:
        state.jobs[job_id] = replace(live, fraction=fraction, amounts=amounts)
