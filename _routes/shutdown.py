"""POST /shutdown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api_types import ShutdownResponse
from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter()


@router.post("/shutdown")
async def route_shutdown(handler: Annotated[AppHandler, Depends(get_state_service)]) -> ShutdownResponse:
    return handler.server.request_shutdown()
