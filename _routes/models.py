"""/api/models, /api/model-info and /api/cached-model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api_types import ModelInfoResponse, PickerModel
from app_handler import AppHandler
from state.deps import get_state_service
from wire_protocol import EngineBackend

router = APIRouter(prefix="/api")


@router.get("/models")
def route_list_models(
    handler: Annotated[AppHandler, Depends(get_state_service)], backend: EngineBackend | None = None
) -> list[PickerModel]:
    return handler.models.list_models(backend)


@router.get("/model-info/{model_id:path}")
def route_model_info(model_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> ModelInfoResponse:
    return handler.models.get_info(model_id)


@router.delete("/cached-model/{model_id:path}", status_code=204)
def route_delete_cached_model(model_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> None:
    handler.models.delete_cached(model_id)
