"""/api/sessions/{id}/guests: who watches an open session, for its player from outside of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from _routes._answers import answers
from access_rules import Visitor
from api_types import SessionGuests
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor
from wire_protocol import SendAwayRequest

router = APIRouter(prefix="/api/sessions/{session_id}/guests")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]


@router.get("", responses=answers(ErrorCode.SESSION_UNKNOWN))
async def route_guests(session_id: str, handler: Handler, visitor: Asking) -> SessionGuests:
    return handler.play.guests(visitor, session_id)


@router.delete(
    "/{guest}",
    status_code=204,
    response_class=Response,
    responses=answers(
        ErrorCode.SESSION_UNKNOWN,
        ErrorCode.GUEST_UNKNOWN,
        ErrorCode.CANCELLED,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.REQUEST_TIMEOUT,
    ),
)
async def route_send_away(session_id: str, guest: int, handler: Handler, visitor: Asking) -> None:
    request = SendAwayRequest(type="send_away", req_id="rest", guest=guest)
    await handler.play.perform(visitor, session_id, request)
