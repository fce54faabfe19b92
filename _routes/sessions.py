"""GET /api/sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from access_rules import Visitor
from api_types import SessionsResponse
from app_handler import AppHandler
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]


@router.get("/sessions")
def route_sessions(handler: Handler, visitor: Asking) -> SessionsResponse:
    return handler.peers.sessions(visitor)
