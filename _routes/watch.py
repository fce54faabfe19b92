"""The WebSocket /watch and GET /api/watch: a session that is shared, for whoever has its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, WebSocket

from _routes._answers import answers
from api_types import WatchedSession
from app_handler import AppHandler
from error_types import ErrorCode
from sign_in import Caller
from state.deps import get_caller, get_state_service

router = APIRouter()

Handler = Annotated[AppHandler, Depends(get_state_service)]


@router.get("/api/watch", responses=answers(ErrorCode.LINK_UNKNOWN, ErrorCode.TOO_MANY_ATTEMPTS))
async def route_watched(
    handler: Handler, caller: Annotated[Caller, Depends(get_caller)], link: Annotated[str, Query(max_length=128)]
) -> WatchedSession:
    return handler.watch.look(link, caller)


@router.websocket("/watch")
async def route_watch(socket: WebSocket, handler: Handler) -> None:
    await handler.watch.serve(socket)
