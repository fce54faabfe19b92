"""/api/jobs and /api/events: work that survives the server, and what happens to it as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Annotated, assert_never

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api_types import JobsResponse, JobSummary, SubmitJobBody
from app_handler import AppHandler
from handlers.jobs.feed import FeedItem, Progress, StreamEnded
from services.job_store.job import JobState
from services.job_store.job_store import JobNotice
from state.deps import get_state_service

router = APIRouter(prefix="/api")

Handler = Annotated[AppHandler, Depends(get_state_service)]
_LARGEST = 2**63 - 1  # the highest number that a database gives to an event


class NothingFollowsError(Exception):
    """A reader has seen everything there will ever be. 204 stops an EventSource, which any other answer does not."""


def cursor_of(text: str | None) -> int:
    """The number that a reader has come to. What is no number starts from the beginning."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 20
    return min(int(text), _LARGEST) if is_number and text is not None else 0


@router.get("/jobs")
async def route_list_jobs(
    handler: Handler,
    state: Annotated[list[JobState], Query()] = [],  # noqa: B006 - FastAPI copies it
    kind: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobsResponse:
    return await handler.jobs.list_jobs(state, kind, before, limit)


@router.post("/jobs", status_code=202)
async def route_submit_job(
    body: SubmitJobBody,
    response: Response,
    handler: Handler,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> JobSummary:
    job, is_new = await handler.jobs.submit(body.kind, body.request, key=idempotency_key)
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return job


@router.get("/jobs/{job_id}")
async def route_job(job_id: str, handler: Handler) -> JobSummary:
    return await handler.jobs.find(job_id)


@router.post("/jobs/{job_id}/cancel", status_code=202)
async def route_cancel_job(job_id: str, response: Response, handler: Handler) -> JobSummary:
    job = await handler.jobs.cancel(job_id)
    response.status_code = 202 if job.cancelling else 200
    return job


@router.post("/jobs/{job_id}/retry", status_code=202)
async def route_retry_job(job_id: str, handler: Handler) -> JobSummary:
    return await handler.jobs.retry(job_id)


@router.delete("/jobs/{job_id}", status_code=204)
async def route_forget_job(job_id: str, handler: Handler) -> None:
    await handler.jobs.forget(job_id)


@router.api_route("/jobs/{job_id}/file", methods=["GET", "HEAD"], response_class=FileResponse)
async def route_job_file(job_id: str, handler: Handler, *, download: bool = False) -> FileResponse:
    path = await handler.jobs.file(job_id)
    disposition = "attachment" if download else "inline"
    return FileResponse(path, filename=path.name, content_disposition_type=disposition)


async def _job_cursor(
    job_id: str,
    handler: Handler,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str | None, Query()] = None,
) -> int:
    """Decided before the stream begins, as its status cannot be changed later."""
    cursor = cursor_of(last_event_id or after)
    if cursor and await handler.jobs.is_exhausted(job_id, cursor):
        raise NothingFollowsError
    await handler.jobs.find(job_id)
    return cursor


@router.get("/jobs/{job_id}/stream", response_class=EventSourceResponse)
async def route_job_stream(
    job_id: str, handler: Handler, cursor: Annotated[int, Depends(_job_cursor)]
) -> AsyncIterable[ServerSentEvent]:
    async for item in handler.jobs.follow(cursor, job_id):
        yield _event_of(item)


@router.get("/events", response_class=EventSourceResponse)
async def route_events(
    handler: Handler,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str | None, Query()] = None,
) -> AsyncIterable[ServerSentEvent]:
    async for item in handler.jobs.follow(cursor_of(last_event_id or after)):
        yield _event_of(item)


def _event_of(item: FeedItem) -> ServerSentEvent:
    """What happened has an id, by which a reader goes on. Progress has none: the next one replaces it."""
    match item:
        case JobNotice(number, job, kind, data, at):
            return ServerSentEvent(event=kind, id=str(number), data={"job": job, "at": at, **data})
        case Progress(job, stage, fraction, position):
            data = {"job": job, "stage": stage, "fraction": fraction, "position": position}
            return ServerSentEvent(event="progress", data=data)
        case StreamEnded(reason):
            return ServerSentEvent(event="end", data={"reason": reason})
        case _:
            assert_never(item)
