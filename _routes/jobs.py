"""/api/jobs and /api/events: work that survives the server, and what happens to it as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterable
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from _routes._answers import also, answers, stored_file
from _routes._files import StoredFile
from _routes._streams import until_revoked
from access_rules import Visitor
from api_types import JobEventsResponse, JobsResponse, JobStateName, JobStreamEvent, JobSummary, SubmitJobBody
from app_handler import AppHandler
from error_types import ErrorCode
from sign_in import Caller
from state.deps import get_caller, get_state_service, get_visitor

router = APIRouter(prefix="/api")

# A job that is tried again makes another file.
_ASK_AGAIN = MappingProxyType({"Cache-Control": "private, no-cache"})

# What any of these can end with. Not even a database that was damaged must take them down.
_JOB = (ErrorCode.JOB_UNKNOWN, ErrorCode.JOBS_UNAVAILABLE)
_KEPT = (*_JOB, ErrorCode.JOB_NOT_KEPT)

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]
AskedBy = Annotated[Caller, Depends(get_caller)]


@router.get("/jobs", responses=answers(ErrorCode.JOBS_UNAVAILABLE))
async def route_list_jobs(
    handler: Handler,
    visitor: Asking,
    state: Annotated[list[JobStateName], Query()] = [],  # noqa: B006 - FastAPI copies it
    kind: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobsResponse:
    return await handler.jobs.list_jobs(visitor, state, kind, before, limit)


@router.post(
    "/jobs",
    status_code=202,
    responses=answers(
        ErrorCode.JOB_KIND_UNKNOWN,
        ErrorCode.JOB_KEY_REUSED,
        ErrorCode.JOBS_UNAVAILABLE,
        ErrorCode.JOB_NOT_KEPT,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.UPLOAD_QUOTA_USED,
        ErrorCode.ANONYMOUS_NOT_ALLOWED,
        ErrorCode.AUTHORING_EMPTY_PROMPT,
        ErrorCode.AUTHORING_PROMPT_TOO_LONG,
        ErrorCode.AUTHORING_UNAVAILABLE,
        ErrorCode.SEED_UNKNOWN,
        ErrorCode.WORLD_UNKNOWN,
        ErrorCode.WORLD_OTHER_MODEL,
        ErrorCode.MOMENT_UNKNOWN,
        ErrorCode.SEED_UNKNOWN,
        ErrorCode.SCRIPT_TOO_LONG,
        ErrorCode.PROMPT_NOT_HEARD,
        ErrorCode.MODEL_NOT_PULLED,
        ErrorCode.UNKNOWN_MODEL,
        ErrorCode.UNSUPPORTED_QUANT,
        ErrorCode.MODEL_LOAD_FAILED,
        ErrorCode.MODEL_BUILT_IN,
        ErrorCode.MODEL_IN_USE,
    )
    | also(200, "The job that this Idempotency-Key has begun already.", JobSummary),
)
async def route_submit_job(
    body: SubmitJobBody,
    response: Response,
    handler: Handler,
    visitor: Asking,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> JobSummary:
    job, is_new = await handler.jobs.submit(visitor, body.kind, body.request, key=idempotency_key)
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return job


@router.get("/jobs/{job_id}", responses=answers(*_JOB))
async def route_job(job_id: str, handler: Handler, visitor: Asking) -> JobSummary:
    return await handler.jobs.find(visitor, job_id)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    responses=answers(*_KEPT) | also(200, "The job has ended, or ends now.", JobSummary),
)
async def route_cancel_job(job_id: str, response: Response, handler: Handler, visitor: Asking) -> JobSummary:
    job = await handler.jobs.cancel(visitor, job_id)
    response.status_code = 202 if job.cancelling else 200
    return job


@router.post("/jobs/{job_id}/retry", status_code=202, responses=answers(*_KEPT, ErrorCode.JOB_NOT_RETRYABLE))
async def route_retry_job(job_id: str, handler: Handler, visitor: Asking) -> JobSummary:
    return await handler.jobs.retry(visitor, job_id)


@router.delete("/jobs/{job_id}", status_code=204, responses=answers(*_KEPT, ErrorCode.JOB_NOT_OVER))
async def route_forget_job(job_id: str, handler: Handler, visitor: Asking) -> None:
    await handler.jobs.forget(visitor, job_id)


@router.get(
    "/jobs/{job_id}/file",
    response_class=FileResponse,
    responses=answers(*_JOB, ErrorCode.JOB_HAS_NO_FILE, ErrorCode.NOT_FOUND)
    | stored_file("video/mp4", "application/zip", "application/x-ndjson"),
)
@router.head("/jobs/{job_id}/file", include_in_schema=False)  # without reading the file
async def route_job_file(
    job_id: str,
    handler: Handler,
    visitor: Asking,
    role: Annotated[str | None, Query(max_length=40)] = None,
    *,
    download: bool = False,
) -> StoredFile:
    path = await handler.jobs.file(visitor, job_id, role)
    disposition = "attachment" if download else "inline"
    return StoredFile(
        path,
        media_type=handler.jobs.media_type_of(path),
        headers=_ASK_AGAIN,
        filename=path.name,
        content_disposition_type=disposition,
    )


@router.get("/jobs/{job_id}/events", responses=answers(*_JOB))
async def route_job_events(
    job_id: str,
    handler: Handler,
    visitor: Asking,
    after: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobEventsResponse:
    return await handler.jobs.events(visitor, job_id, after, limit)


async def _unseen_job(
    job_id: str,
    handler: Handler,
    visitor: Asking,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str | None, Query()] = None,
) -> str | None:
    """Where a reader goes on. Decided before the stream begins, as its status cannot be changed later."""
    await handler.jobs.require_unseen(visitor, job_id, last_event_id or after)
    return last_event_id or after


@router.head("/jobs/{job_id}/stream", include_in_schema=False, dependencies=[Depends(_unseen_job)])
@router.head("/events", include_in_schema=False)
async def route_stream_head() -> Response:
    """A stream that goes on has no end after which its body could be left out."""
    return Response(media_type="text/event-stream")


@router.get(
    "/jobs/{job_id}/stream",
    response_class=EventSourceResponse,
    responses=answers(*_JOB)
    | also(204, "The job has ended, and the reader has seen everything: do not connect again."),
)
async def route_job_stream(
    job_id: str, handler: Handler, caller: AskedBy, seen: Annotated[str | None, Depends(_unseen_job)]
) -> AsyncIterable[ServerSentEvent]:
    async for event in until_revoked(caller, handler.jobs.follow(caller.visitor, seen, job_id)):
        yield _sent(event)


@router.get("/events", response_class=EventSourceResponse)
async def route_events(
    handler: Handler,
    caller: AskedBy,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str | None, Query()] = None,
) -> AsyncIterable[ServerSentEvent]:
    async for event in until_revoked(caller, handler.jobs.follow(caller.visitor, last_event_id or after)):
        yield _sent(event)


def _sent(event: JobStreamEvent) -> ServerSentEvent:
    return ServerSentEvent(event=event.event, id=event.id, data=event.data)
