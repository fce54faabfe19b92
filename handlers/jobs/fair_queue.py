"""Whose turn it is: people take turns, and each one's jobs come by priority, then by age."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.job_store.job import Job


class Turns:
    """Who was served when. Owners who were not served yet come first, by the age of their oldest job."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._count = 0

    def serve(self, owner: str) -> None:
        self._count += 1
        self._served[owner] = self._count

    def forget_but(self, owners: Iterable[str]) -> None:
        """Drop who has nothing waiting and nothing running."""
        kept = set(owners)
        self._served = {owner: turn for owner, turn in self._served.items() if owner in kept}

    def order(self, jobs: Iterable[Job]) -> list[Job]:
        """Queued jobs in the order in which they will begin, if no other comes."""
        by_owner: dict[str, list[Job]] = {}
        for job in sorted(jobs, key=_own_order):
            by_owner.setdefault(job.owner, []).append(job)
        owners = sorted(by_owner, key=lambda owner: (self._served.get(owner, 0), by_owner[owner][0].created_at))
        return _by_turns([by_owner[owner] for owner in owners])

    def next(self, jobs: Iterable[Job]) -> Job | None:
        first = self.order(jobs)[:1]
        return first[0] if first else None


def _own_order(job: Job) -> tuple[int, float]:
    """Of the same moment, the one that is given first comes first: sorting keeps their order."""
    return -job.priority, job.created_at


def _by_turns(queues: list[list[Job]]) -> list[Job]:
    longest = max((len(queue) for queue in queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]
