"""GET /metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from _routes._answers import text
from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter()


@router.get("/metrics", response_class=Response, responses=text("text/plain"))
def route_metrics(handler: Annotated[AppHandler, Depends(get_state_service)]) -> Response:
    body, content_type = handler.server.get_metrics()
    return Response(body, headers={"Content-Type": content_type})
