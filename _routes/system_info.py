"""GET /api/system-info."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app_handler import AppHandler
from state.deps import get_state_service
from wire_protocol import SystemInfo

router = APIRouter(prefix="/api")


@router.get("/system-info")
def route_system_info(handler: Annotated[AppHandler, Depends(get_state_service)]) -> SystemInfo:
    return handler.server.get_system_info()
