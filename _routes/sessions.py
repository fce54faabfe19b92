"""GET /api/sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api_types import SessionsResponse
from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter(prefix="/api")


@router.get("/sessions")
def route_sessions(handler: Annotated[AppHandler, Depends(get_state_service)]) -> SessionsResponse:
    return handler.sessions.summaries()
