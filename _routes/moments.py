"""/api/sessions/{id}/...: commands of an open session for those who are not in it. They are those of the WebSocket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from _routes._answers import answers
from access_rules import Visitor
from api_types import KeepPictureRequestBody, RewindRequestBody, SaveWorldRequestBody
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor
from wire_protocol import (
    ClipResponseData,
    KeepClipRequest,
    KeepPictureRequest,
    KeepPictureResponseData,
    MomentResponseData,
    RestoreMomentRequest,
    RewindRequest,
    RewindResponseData,
    SaveWorldRequest,
    SaveWorldResponseData,
    TakeMomentRequest,
)

router = APIRouter(prefix="/api/sessions/{session_id}")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]

# What any command can end with: there is no such session, or no world in it, it is over, or the engine fails.
_COMMAND = (
    ErrorCode.SESSION_UNKNOWN,
    ErrorCode.NOT_READY,
    ErrorCode.CANCELLED,
    ErrorCode.TOO_MANY_REQUESTS,
    ErrorCode.ENGINE_FAILED,
    ErrorCode.REQUEST_TIMEOUT,
)
_REQ_ID = "rest"  # nobody waits for an answer of that id on the socket


@router.post("/moments", status_code=201, response_model=MomentResponseData, responses=answers(*_COMMAND))
async def route_take_moment(session_id: str, handler: Handler, visitor: Asking) -> object:
    return await handler.play.perform(visitor, session_id, TakeMomentRequest(type="take_moment", req_id=_REQ_ID))


@router.post(
    "/moments/{moment_id}/restore",
    response_model=MomentResponseData,
    responses=answers(*_COMMAND, ErrorCode.MOMENT_UNKNOWN),
)
async def route_restore_moment(session_id: str, moment_id: str, handler: Handler, visitor: Asking) -> object:
    request = RestoreMomentRequest(type="restore_moment", req_id=_REQ_ID, moment_id=moment_id)
    return await handler.play.perform(visitor, session_id, request)


@router.post(
    "/rewind",
    response_model=RewindResponseData,
    responses=answers(*_COMMAND, ErrorCode.NOTHING_TO_REWIND, ErrorCode.MOMENT_UNKNOWN),
)
async def route_rewind(session_id: str, body: RewindRequestBody, handler: Handler, visitor: Asking) -> object:
    request = RewindRequest(type="rewind", req_id=_REQ_ID, seconds=body.seconds)
    return await handler.play.perform(visitor, session_id, request)


@router.post(
    "/clip",
    status_code=201,
    response_model=ClipResponseData,
    responses=answers(
        *_COMMAND,
        ErrorCode.NOTHING_TO_KEEP,
        ErrorCode.RECORDING_QUOTA_USED,
        ErrorCode.RECORDING_DISK_FULL,
        ErrorCode.SHUTTING_DOWN,
    ),
)
async def route_keep_clip(session_id: str, handler: Handler, visitor: Asking) -> object:
    return await handler.play.perform(visitor, session_id, KeepClipRequest(type="keep_clip", req_id=_REQ_ID))


@router.post(
    "/world",
    status_code=201,
    response_model=SaveWorldResponseData,
    responses=answers(*_COMMAND, ErrorCode.MOMENT_UNKNOWN, ErrorCode.WORLD_NOT_KEPT),
)
async def route_save_world(session_id: str, body: SaveWorldRequestBody, handler: Handler, visitor: Asking) -> object:
    request = SaveWorldRequest(type="save_world", req_id=_REQ_ID, title=body.title, moment_id=body.moment_id)
    return await handler.play.perform(visitor, session_id, request)


@router.post(
    "/picture",
    status_code=201,
    response_model=KeepPictureResponseData,
    responses=answers(
        *_COMMAND,
        ErrorCode.MOMENT_UNKNOWN,
        ErrorCode.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED,
        ErrorCode.SEED_NOT_A_PICTURE,
        ErrorCode.SEED_TOO_LARGE,
        ErrorCode.SEED_NOT_KEPT,
        ErrorCode.UPLOAD_QUOTA_USED,
    ),
)
async def route_keep_picture(
    session_id: str, body: KeepPictureRequestBody, handler: Handler, visitor: Asking
) -> object:
    request = KeepPictureRequest(type="keep_picture", req_id=_REQ_ID, title=body.title, moment_id=body.moment_id)
    return await handler.play.perform(visitor, session_id, request)
