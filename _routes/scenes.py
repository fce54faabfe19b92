"""/api/scenes: the scenes of the gallery that were generated from words. Jobs make them: see `/api/jobs`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from _routes._answers import answers
from api_types import ScenesResponse
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service

router = APIRouter(prefix="/api/scenes")


@router.get("")
def route_list_scenes(handler: Annotated[AppHandler, Depends(get_state_service)]) -> ScenesResponse:
    return handler.seeds.list_generated()


@router.delete(
    "/{seed_hash}",
    status_code=204,
    responses=answers(ErrorCode.SEED_UNKNOWN, ErrorCode.SEED_SHIPPED, ErrorCode.SEED_NOT_KEPT),
)
def route_remove_scene(seed_hash: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> None:
    handler.seeds.remove_generated(seed_hash)
