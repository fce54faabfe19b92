"""GET and PATCH /api/settings, and POST /api/settings/reload."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from _routes._answers import Answers, answers
from api_types import ErrorResponse, FieldsRefusedResponse, SettingsChanges, SettingsResponse
from app_handler import AppHandler
from error_types import DomainError, ErrorCode
from state.deps import get_state_service

router = APIRouter(prefix="/api/settings")


def _revision_to_change() -> dict[str, Any]:
    """Declared by hand, as FastAPI would answer 422 where a header is missing; the status for this one is 428."""
    revision = {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The revision that is to be changed, as `ETag` told it.",
        "schema": {"type": "string"},
    }
    return {"parameters": [revision]}


def _tagged_answer() -> Answers:
    """The settings and their revision."""
    etag = {"description": "The revision, in quotes.", "schema": {"type": "string"}}
    return {200: {"headers": {"ETag": etag}}}


def _refusals() -> Answers:
    """Why settings are not changed. Those that will not do are named one by one."""
    others = answers(
        ErrorCode.SETTINGS_CHANGED,
        ErrorCode.SETTINGS_REVISION_MISSING,
        ErrorCode.SETTINGS_BROKEN,
        ErrorCode.SETTINGS_NOT_KEPT,
    )
    return {**others, 422: {"model": FieldsRefusedResponse | ErrorResponse}}


@router.get("", responses=_tagged_answer())
def route_settings(response: Response, handler: Annotated[AppHandler, Depends(get_state_service)]) -> SettingsResponse:
    return _tagged(response, handler.settings.describe())


@router.patch("", openapi_extra=_revision_to_change(), responses={**_tagged_answer(), **_refusals()})
async def route_change_settings(
    body: SettingsChanges,
    request: Request,
    response: Response,
    handler: Annotated[AppHandler, Depends(get_state_service)],
) -> SettingsResponse:
    if_match = request.headers.get("if-match")
    if if_match is None:
        message = "Say by If-Match which revision of the settings is to be changed."
        raise DomainError(message, ErrorCode.SETTINGS_REVISION_MISSING)
    await handler.settings.change(body.changes, if_match.strip().removeprefix("W/").strip('"'))
    return _tagged(response, handler.settings.describe())


@router.post("/reload", responses=_tagged_answer())
async def route_reload_settings(
    response: Response, handler: Annotated[AppHandler, Depends(get_state_service)]
) -> SettingsResponse:
    await handler.settings.reload()
    return _tagged(response, handler.settings.describe())


def _tagged(response: Response, settings: SettingsResponse) -> SettingsResponse:
    response.headers["ETag"] = f'"{settings.revision}"'
    response.headers["Cache-Control"] = "no-store"
    return settings
