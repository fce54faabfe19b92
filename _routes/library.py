"""/api/library: the models that can be pulled and played."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from _routes._answers import answers
from api_types import LibraryResponse
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service

router = APIRouter(prefix="/api/library")

Handler = Annotated[AppHandler, Depends(get_state_service)]


@router.get("")
def route_list_library(handler: Handler) -> LibraryResponse:
    return handler.library.list_models()


@router.delete(
    "/{model_id:path}",
    status_code=204,
    responses=answers(
        ErrorCode.UNKNOWN_MODEL,
        ErrorCode.MODEL_BUILT_IN,
        ErrorCode.MODEL_IN_USE,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NOT_FOUND,
    ),
)
def route_remove_model(model_id: Annotated[str, Path(max_length=200)], handler: Handler) -> None:
    handler.library.remove(model_id)
