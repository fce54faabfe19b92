"""/api/worlds: saved worlds."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from _routes._answers import answers, file_body, picture, stored_file
from _routes._files import PictureBytes, StoredFile
from access_rules import Visitor
from api_types import RenameWorldRequest, SavedWorldsResponse, SavedWorldSummary
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/worlds")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]

# The title, which is part of the file's name, may change: ask again, which costs little with an ETag.
_ASK_AGAIN = MappingProxyType({"Cache-Control": "private, no-cache"})
_MEDIA_TYPE = "application/zip"


@router.get("")
def route_list_worlds(handler: Handler, visitor: Asking) -> SavedWorldsResponse:
    return handler.world_files.list_worlds(visitor)


@router.post(
    "",
    status_code=201,
    openapi_extra=file_body(_MEDIA_TYPE),
    responses=answers(
        ErrorCode.WORLD_NOT_A_WORLD,
        ErrorCode.WORLD_DAMAGED,
        ErrorCode.WORLD_OTHER_VERSION,
        ErrorCode.WORLD_TOO_LARGE,
        ErrorCode.WORLD_NOT_KEPT,
        ErrorCode.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED,
        ErrorCode.UPLOAD_QUOTA_USED,
    ),
)
async def route_upload_world(
    request: Request,
    handler: Handler,
    visitor: Asking,
) -> SavedWorldSummary:
    return await handler.world_files.upload(visitor, handler.visitors.counted(visitor, request.stream()))


@router.get(
    "/{world_id}/file",
    response_class=FileResponse,
    responses=answers(ErrorCode.WORLD_UNKNOWN, ErrorCode.NOT_FOUND) | stored_file(_MEDIA_TYPE),
)
@router.head("/{world_id}/file", include_in_schema=False)  # without reading the file
def route_world_file(world_id: str, handler: Handler, visitor: Asking) -> StoredFile:
    path, name = handler.world_files.file(visitor, world_id)
    return StoredFile(path, headers=_ASK_AGAIN, media_type=_MEDIA_TYPE, filename=name)


@router.get(
    "/{world_id}/thumbnail",
    response_class=Response,
    responses=answers(ErrorCode.WORLD_UNKNOWN) | picture("image/jpeg"),
)
def route_world_thumbnail(world_id: str, handler: Handler, visitor: Asking) -> Response:
    return PictureBytes(handler.world_files.thumbnail(visitor, world_id), "image/jpeg", _ASK_AGAIN)


@router.patch("/{world_id}", responses=answers(ErrorCode.WORLD_UNKNOWN, ErrorCode.WORLD_NOT_KEPT))
def route_rename_world(world_id: str, body: RenameWorldRequest, handler: Handler, visitor: Asking) -> SavedWorldSummary:
    return handler.world_files.rename(visitor, world_id, body.title)


@router.delete("/{world_id}", status_code=204, responses=answers(ErrorCode.WORLD_UNKNOWN, ErrorCode.WORLD_NOT_KEPT))
def route_remove_world(world_id: str, handler: Handler, visitor: Asking) -> None:
    handler.world_files.remove(visitor, world_id)
