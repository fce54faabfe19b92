"""/api/models, /api/model-info and /api/cached-model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from _routes._answers import answers
from api_types import ModelInfoResponse, PickerModel
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service
from wire_protocol import EngineBackend

router = APIRouter(prefix="/api")

# Whatever else is asked for is refused by the model hub, in words, as are names of more than 96 characters.
_BETWEEN = r"(-(\.-)*\.?|\.(-\.)*-?)"  # dots and hyphens, never two alike in a row
_NAME = rf"[A-Za-z0-9_]+({_BETWEEN}[A-Za-z0-9_]+)*{_BETWEEN}?"
_OWNER_AND_NAME = f"^{_NAME}/{_NAME}$"


@router.get("/models")
def route_list_models(
    handler: Annotated[AppHandler, Depends(get_state_service)], backend: EngineBackend | None = None
) -> list[PickerModel]:
    return handler.models.list_models(backend)


@router.get(
    "/model-info/{model_id:path}",
    responses=answers(ErrorCode.NOT_FOUND),  # for an id of several lines alone
)
def route_model_info(model_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> ModelInfoResponse:
    return handler.models.get_info(model_id)


@router.delete(
    "/cached-model/{model_id:path}",
    status_code=204,
    responses=answers(ErrorCode.MODEL_BUILT_IN, ErrorCode.MODEL_IN_USE, ErrorCode.INVALID_REQUEST, ErrorCode.NOT_FOUND),
)
def route_delete_cached_model(
    model_id: Annotated[str, Path(json_schema_extra={"pattern": _OWNER_AND_NAME})],
    handler: Annotated[AppHandler, Depends(get_state_service)],
) -> None:
    handler.models.delete_cached(model_id)
