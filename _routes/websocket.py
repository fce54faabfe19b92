"""The WebSocket /ws."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket

from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter()


@router.websocket("/ws")
async def route_play(socket: WebSocket, handler: Annotated[AppHandler, Depends(get_state_service)]) -> None:
    await handler.play.serve(socket)
