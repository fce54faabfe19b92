"""A kind of job that does nothing but tell what it does, as often as is asked for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from handlers.jobs.executor import JobExecutor, JobRequest, Made

if TYPE_CHECKING:
    from handlers.jobs.executor import Resource, RunningJob

KIND: Final = "benchmark_events"
_ROUND_S: Final = 0.01  # timers are no finer than that


class EventsRequest(JobRequest):
    per_s: Annotated[float, Field(gt=0, le=100_000)]
    seconds: Annotated[float, Field(gt=0, le=3600)]


class EventsExecutor(JobExecutor):
    """Each event is a stage, and so a row of the database."""

    kind = KIND
    resource: Resource = "network"
    limit_s = 7200.0
    request_model = EventsRequest

    async def run(self, request: EventsRequest, running: RunningJob) -> Made:
        began, told = time.monotonic(), 0
        while (passed := time.monotonic() - began) < request.seconds:
            due = int(passed * request.per_s)
            for number in range(told, due):
                running.tell(f"event {number}")
            told = due
            await running.told()  # as many as the database takes, and no more
            await asyncio.sleep(_ROUND_S)
        return Made({"events": told})
