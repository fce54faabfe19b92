"""/api/loaded-models: the models in memory, which its owner loads ahead of play."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from _routes._answers import answers
from api_types import LoadModelRequest
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service

router = APIRouter(prefix="/api/loaded-models")

Handler = Annotated[AppHandler, Depends(get_state_service)]
ModelId = Annotated[str, Path(max_length=200)]


@router.put(
    "/{model_id:path}",
    status_code=202,
    responses=answers(
        ErrorCode.UNKNOWN_MODEL,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NOT_FOUND,
        ErrorCode.UNSUPPORTED_QUANT,
        ErrorCode.MODEL_BUSY,
        ErrorCode.MODEL_DOES_NOT_FIT,
        ErrorCode.MODEL_LOAD_FAILED,
    ),
)
async def route_load_model(model_id: ModelId, request: LoadModelRequest, handler: Handler) -> None:
    await handler.library_engines.load(model_id, request.quant, anyway=request.anyway)


@router.delete(
    "/{model_id:path}",
    status_code=202,
    responses=answers(
        ErrorCode.UNKNOWN_MODEL,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NOT_FOUND,
        ErrorCode.MODEL_BUSY,
        ErrorCode.MODEL_IN_USE,
    ),
)
async def route_unload_model(model_id: ModelId, handler: Handler) -> None:
    await handler.library_engines.unload(model_id)
