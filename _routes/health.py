"""GET /health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from access_rules import Visitor
from api_types import HealthResponse
from app_handler import AppHandler
from state.deps import get_state_service, get_visitor

router = APIRouter()


@router.get("/health")
async def route_health(
    handler: Annotated[AppHandler, Depends(get_state_service)], visitor: Annotated[Visitor, Depends(get_visitor)]
) -> HealthResponse:
    return handler.server.get_health(visitor)
