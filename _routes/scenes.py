"""/api/scenes: the scenes of the gallery that were generated from words. Jobs make them: see `/api/jobs`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from _routes._answers import answers
from access_rules import Visitor
from api_types import ScenesResponse
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/scenes")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]


@router.get("")
def route_list_scenes(handler: Handler, visitor: Asking) -> ScenesResponse:
    return handler.seeds.list_generated(visitor)


@router.delete(
    "/{seed_hash}",
    status_code=204,
    responses=answers(ErrorCode.SEED_UNKNOWN, ErrorCode.SEED_SHIPPED, ErrorCode.SEED_NOT_KEPT),
)
def route_remove_scene(seed_hash: str, handler: Handler, visitor: Asking) -> None:
    handler.seeds.remove_generated(visitor, seed_hash)
