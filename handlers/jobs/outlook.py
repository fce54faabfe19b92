"""How long jobs will wait and take, from how far they are and from earlier ones of their kind. Never a guess."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.job_store.job import JobState
from services.job_store.job_store import JobQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handlers.jobs.executor import JobKinds
    from services.job_store.job import Job
    from services.job_store.job_store import JobStore
    from state.app_state_types import LiveJob

_REMEMBERED: Final = 20  # jobs of a kind, the newest
_LEAST_FRACTION: Final = 0.05  # below it, what has been done says little about the rest
_LEAST_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """`position`: so many jobs begin before this one. The seconds are None where nothing is known.

    `waiting_s`: until it begins, while it is queued. `remaining_s`: until its end, while it runs.
    """

    position: int | None = None
    waiting_s: float | None = None
    remaining_s: float | None = None


class JobTimes:
    """How long the jobs of each kind took that were done."""

    def __init__(self, kinds: JobKinds) -> None:
        self._kinds = kinds
        self._taken: dict[str, deque[float]] = {}

    def recall(self, store: JobStore) -> None:
        """Learn from the jobs that were done before. Blocks. Raises: JobStoreError."""
        for executor in self._kinds.executors:
            query = JobQuery(states={JobState.DONE}, kind=executor.kind, limit=_REMEMBERED)
            for job in reversed(store.query(query)):
                self.learn(job)

    def learn(self, job: Job) -> None:
        """What a job that has ended says about those that follow."""
        if job.state is not JobState.DONE or job.started_at is None or job.ended_at is None:
            return
        if (taken := job.ended_at - job.started_at) > 0:  # else the clock was set back meanwhile
            self._taken.setdefault(job.kind, deque(maxlen=_REMEMBERED)).append(taken)

    def usual_s(self, kind: str) -> float | None:
        """How long a job of a kind takes, which is the median of those before; None: there was none."""
        taken = self._taken.get(kind)
        return statistics.median(taken) if taken else None

    def remaining_s(self, live: LiveJob, now: float) -> float | None:
        """How long a job will still run. `now` is a reading of the monotonic clock.

        How far it is says most, as long as nothing follows the present stage.
        """
        if live.job.state is not JobState.RUNNING:
            return None
        executor = self._kinds.find(live.job.kind)
        is_last = executor is not None and live.job.stage is not None and executor.stages[-1:] == (live.job.stage,)
        taken = now - live.stage_since
        if is_last and live.fraction is not None and live.fraction >= _LEAST_FRACTION and taken >= _LEAST_S:
            return taken * (1 - live.fraction) / live.fraction
        usual_s = self.usual_s(live.job.kind)
        left_s = None if usual_s is None else usual_s - (now - live.state_since)
        return left_s if left_s is not None and left_s > 0 else None  # one that takes longer than usual says nothing

    def waits(self, running: Iterable[LiveJob], queued: Sequence[Job], now: float) -> list[Outlook]:
        """The outlook of each of the `queued` jobs for one resource, which are given in the order of their turns."""
        ahead_s: float | None = 0.0
        for live in running:
            left_s = self.remaining_s(live, now)
            if live.job.state is JobState.RUNNING:
                ahead_s = None if ahead_s is None or left_s is None else ahead_s + left_s
        found: list[Outlook] = []
        for position, job in enumerate(queued):
            found.append(Outlook(position, waiting_s=ahead_s))
            usual_s = self.usual_s(job.kind)
            ahead_s = None if ahead_s is None or usual_s is None else ahead_s + usual_s
        return found
