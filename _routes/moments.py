"""/api/sessions/{id}/...: the moments of a world in play, kept, returned to, rewound and saved."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api_types import MomentResponse, RewindRequestBody, RewindResponse, SavedWorldSummary, SaveWorldRequestBody
from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter(prefix="/api/sessions/{session_id}")


@router.post("/moments", status_code=201)
async def route_take_moment(
    session_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]
) -> MomentResponse:
    return await handler.moments.take(session_id)


@router.post("/moments/{moment}/restore")
async def route_restore_moment(
    session_id: str, moment: str, handler: Annotated[AppHandler, Depends(get_state_service)]
) -> MomentResponse:
    return await handler.moments.restore(session_id, moment)


@router.post("/rewind")
async def route_rewind(
    session_id: str, body: RewindRequestBody, handler: Annotated[AppHandler, Depends(get_state_service)]
) -> RewindResponse:
    return await handler.moments.rewind(session_id, body.seconds)


@router.post("/world", status_code=201)
async def route_save_world(
    session_id: str, body: SaveWorldRequestBody, handler: Annotated[AppHandler, Depends(get_state_service)]
) -> SavedWorldSummary:
    return await handler.moments.save(session_id, body.title, body.moment)
