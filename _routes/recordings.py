"""/api/recordings: the gallery of recordings."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse

from _routes._answers import answers, picture, stored_file
from _routes._files import PictureBytes, StoredFile
from access_rules import Visitor
from api_types import RecordingDetails, RecordingsResponse, RenameRecordingRequest
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/recordings")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]

# A name may come to mean another file: ask again, which costs little with an ETag.
_ASK_AGAIN = MappingProxyType({"Cache-Control": "private, no-cache"})
# The time and the name that a page begins after, as `next` gives them.
_CURSOR = r"^-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})? "


@router.get("")
def route_list_recordings(
    handler: Handler,
    visitor: Asking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=400, pattern=_CURSOR)] = None,
) -> RecordingsResponse:
    return handler.recordings.list_recordings(visitor, limit, after)


@router.get("/{name}", responses=answers(ErrorCode.RECORDING_UNKNOWN))
def route_recording(name: str, handler: Handler, visitor: Asking) -> RecordingDetails:
    return handler.recordings.details(visitor, name)


@router.get(
    "/{name}/video",
    response_class=FileResponse,
    responses=answers(ErrorCode.RECORDING_UNKNOWN, ErrorCode.NOT_FOUND) | stored_file("video/mp4"),
)
@router.head("/{name}/video", include_in_schema=False)  # without reading the file
def route_recording_video(name: str, handler: Handler, visitor: Asking, *, download: bool = False) -> StoredFile:
    path, file_name = handler.recordings.video(visitor, name)
    return StoredFile(
        path,
        media_type="video/mp4",
        headers=_ASK_AGAIN,
        filename=file_name,
        content_disposition_type="attachment" if download else "inline",
    )


@router.get(
    "/{name}/thumbnail",
    response_class=Response,
    responses=answers(ErrorCode.RECORDING_UNKNOWN, ErrorCode.RECORDING_DAMAGED) | picture("image/jpeg"),
)
def route_recording_thumbnail(name: str, handler: Handler, visitor: Asking) -> Response:
    return PictureBytes(handler.recordings.thumbnail(visitor, name), "image/jpeg", _ASK_AGAIN)


@router.patch(
    "/{name}",
    responses=answers(
        ErrorCode.RECORDING_UNKNOWN,
        ErrorCode.RECORDING_NAME_INVALID,
        ErrorCode.RECORDING_NAME_TAKEN,
        ErrorCode.RECORDING_IN_USE,
        ErrorCode.RECORDING_FOLDER_UNUSABLE,
    ),
)
def route_rename_recording(
    name: str, change: RenameRecordingRequest, handler: Handler, visitor: Asking
) -> RecordingDetails:
    return handler.recordings.rename(visitor, name, change.name)


@router.post(
    "/{name}/finish", status_code=202, responses=answers(ErrorCode.RECORDING_UNKNOWN, ErrorCode.RECORDING_IN_USE)
)
def route_finish_recording(name: str, handler: Handler, visitor: Asking) -> None:
    handler.recordings.finish(visitor, name)


@router.delete(
    "/{name}",
    status_code=204,
    responses=answers(ErrorCode.RECORDING_UNKNOWN, ErrorCode.RECORDING_IN_USE, ErrorCode.RECORDING_FOLDER_UNUSABLE),
)
def route_remove_recording(name: str, handler: Handler, visitor: Asking) -> None:
    handler.recordings.remove(visitor, name)
