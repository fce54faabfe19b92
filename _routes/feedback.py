"""/api/feedback: thumbs, tags and words about what was made here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from access_rules import Visitor
from api_types import FeedbackBody, FeedbackKind, FeedbackResponse, GiveFeedbackBody, PassNumber
from app_handler import AppHandler
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/feedback")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]
Id = Annotated[str, Path(min_length=1, max_length=400)]


class JsonLines(StreamingResponse):
    media_type = "application/jsonl"


@router.get("")
async def route_own_feedback(
    handler: Handler,
    visitor: Asking,
    kind: FeedbackKind | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> FeedbackResponse:
    return await handler.feedback.newest(visitor, kind, limit)


@router.get("/export", response_class=JsonLines)
async def route_export_feedback(handler: Handler) -> JsonLines:
    return JsonLines(
        handler.feedback.export(), headers={"Content-Disposition": 'attachment; filename="feedback.jsonl"'}
    )


@router.put("/{kind}/{thing_id}")
async def route_give_feedback(
    kind: FeedbackKind, thing_id: Id, body: GiveFeedbackBody, handler: Handler, visitor: Asking
) -> FeedbackBody:
    return await handler.feedback.give(visitor, kind, thing_id, body)


@router.get("/{kind}/{thing_id}")
async def route_feedback(kind: FeedbackKind, thing_id: Id, handler: Handler, visitor: Asking) -> FeedbackResponse:
    return await handler.feedback.of(visitor, kind, thing_id)


@router.delete("/{kind}/{thing_id}", status_code=204)
async def route_take_feedback_back(
    kind: FeedbackKind,
    thing_id: Id,
    handler: Handler,
    visitor: Asking,
    pass_number: Annotated[PassNumber | None, Query(alias="pass")] = None,
) -> None:
    await handler.feedback.take_back(visitor, kind, thing_id, pass_number)
