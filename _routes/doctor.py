"""GET /api/doctor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api_types import DoctorResponse
from app_handler import AppHandler
from state.deps import get_state_service

router = APIRouter(prefix="/api")


@router.get("/doctor")
def route_doctor(handler: Annotated[AppHandler, Depends(get_state_service)]) -> DoctorResponse:
    return handler.doctor.examine()
