"""/api/feedback: thumbs, tags and words about what was made here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from _routes._answers import answers, text
from access_rules import Visitor
from api_types import FeedbackBody, FeedbackKind, FeedbackResponse, GiveFeedbackBody, PassNumber
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/feedback")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]
Id = Annotated[str, Path(min_length=1, max_length=400)]

# What is rated may be no more, or somebody else's, and is looked up in the words of its own kind.
_UNKNOWN = (
    ErrorCode.RECORDING_UNKNOWN,
    ErrorCode.SEED_UNKNOWN,
    ErrorCode.JOB_UNKNOWN,
    ErrorCode.SESSION_UNKNOWN,
    ErrorCode.MOMENT_UNKNOWN,
)


class JsonLines(StreamingResponse):
    media_type = "application/jsonl"


@router.get("", responses=answers(ErrorCode.FEEDBACK_UNAVAILABLE))
async def route_own_feedback(
    handler: Handler,
    visitor: Asking,
    kind: FeedbackKind | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> FeedbackResponse:
    return await handler.feedback.newest(visitor, kind, limit)


@router.get("/export", response_class=JsonLines, responses=text(JsonLines.media_type))
async def route_export_feedback(handler: Handler) -> JsonLines:
    return JsonLines(
        handler.feedback.export(), headers={"Content-Disposition": 'attachment; filename="feedback.jsonl"'}
    )


@router.put(
    "/{kind}/{thing_id}",
    responses=answers(
        *_UNKNOWN,
        ErrorCode.NOT_READY,
        ErrorCode.CANCELLED,
        ErrorCode.ENGINE_FAILED,
        ErrorCode.JOBS_UNAVAILABLE,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.FEEDBACK_UNAVAILABLE,
        ErrorCode.FEEDBACK_NOT_KEPT,
    ),
)
async def route_give_feedback(
    kind: FeedbackKind, thing_id: Id, body: GiveFeedbackBody, handler: Handler, visitor: Asking
) -> FeedbackBody:
    return await handler.feedback.give(visitor, kind, thing_id, body)


# Nothing was said of what is not known; a name with a slash in it is no path of this.
@router.get("/{kind}/{thing_id}", responses=answers(ErrorCode.NOT_FOUND, ErrorCode.FEEDBACK_UNAVAILABLE))
async def route_feedback(kind: FeedbackKind, thing_id: Id, handler: Handler, visitor: Asking) -> FeedbackResponse:
    return await handler.feedback.of(visitor, kind, thing_id)


@router.delete(
    "/{kind}/{thing_id}",
    status_code=204,
    responses=answers(ErrorCode.FEEDBACK_UNKNOWN, ErrorCode.FEEDBACK_UNAVAILABLE, ErrorCode.FEEDBACK_NOT_KEPT),
)
async def route_take_feedback_back(
    kind: FeedbackKind,
    thing_id: Id,
    handler: Handler,
    visitor: Asking,
    pass_number: Annotated[PassNumber | None, Query(alias="pass")] = None,
) -> None:
    await handler.feedback.take_back(visitor, kind, thing_id, pass_number)
