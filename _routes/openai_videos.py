"""/v1/videos: films for the clients of OpenAI's API, which know no other address."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from _routes._answers import answers, picture, stored_file
from _routes._files import PictureBytes, StoredFile
from access_rules import Visitor
from app_handler import AppHandler
from error_types import DomainError, ErrorCode
from openai_video_types import CreateVideoBody, OpenAiVideo, OpenAiVideoDeleted, OpenAiVideoList, RemixVideoBody
from state.deps import get_state_service, get_visitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter(prefix="/v1/videos")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]
Key: TypeAlias = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
Variant: TypeAlias = Literal["video", "thumbnail", "spritesheet"]

_FOREVER = MappingProxyType({"Cache-Control": "private, max-age=31536000, immutable"})
_FILE: Final = "input_reference"
_JSON: Final = "application/json"
_FORM: Final = "multipart/form-data"
_MOST_FIELDS: Final = 20  # of a form; there are five
_ANY_SIZE: Final = 1 << 40  # the body is bounded before it is parsed
_CHUNK_BYTES: Final = 256 * 1024

_FILM = (ErrorCode.FILM_UNKNOWN, ErrorCode.JOBS_UNAVAILABLE)
_MADE = (*_FILM, ErrorCode.FILM_NOT_MADE)
_CREATED = (
    ErrorCode.UNKNOWN_MODEL,
    ErrorCode.MODEL_NOT_PULLED,
    ErrorCode.MODEL_DOES_NOT_FIT,
    ErrorCode.FILM_REFUSED,
    ErrorCode.FILM_QUOTA_USED,
    ErrorCode.FILM_NOT_KEPT,
    ErrorCode.JOB_KEY_REUSED,
    ErrorCode.JOBS_UNAVAILABLE,
    ErrorCode.JOB_NOT_KEPT,
    ErrorCode.TOO_MANY_REQUESTS,
    ErrorCode.UPLOAD_QUOTA_USED,
    ErrorCode.SEED_EMPTY,
    ErrorCode.SEED_NOT_BASE64,
    ErrorCode.SEED_NOT_A_PICTURE,
    ErrorCode.SEED_TOO_LARGE,
    ErrorCode.SEED_UNSAFE,
    ErrorCode.SEED_CHECK_FAILED,
    ErrorCode.SEED_NOT_KEPT,
)


# What a film is made from that is to be made once more.
_OF_SOURCES = (
    ErrorCode.SEED_UNKNOWN,
    ErrorCode.FILM_LORA_REFUSED,
    ErrorCode.FILM_SOURCE_UNKNOWN,
    ErrorCode.FILM_SOURCE_UNUSABLE,
    ErrorCode.RECORDING_UNKNOWN,
)


def _bodies() -> dict[str, Any]:
    """The same fields twice. In a form nothing is null, and the picture is a file."""
    fields = {name: _in_form(schema) for name, schema in CreateVideoBody.model_json_schema()["properties"].items()}
    fields[_FILE] = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": fields, "required": ["prompt"], "additionalProperties": False}
    json = {"$ref": f"#/components/schemas/{CreateVideoBody.__name__}"}
    return {"requestBody": {"required": True, "content": {_FORM: {"schema": form}, _JSON: {"schema": json}}}}


def _in_form(schema: dict[str, Any]) -> dict[str, Any]:
    return next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)


@router.post("", openapi_extra=_bodies(), responses=answers(*_CREATED))
async def route_create_openai_video(
    request: Request, handler: Handler, visitor: Asking, key: Key = None
) -> OpenAiVideo:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _JSON:
        return await handler.openai_videos.create(visitor, _from_json(await request.body()), None, key)
    if media_type != _FORM:
        raise DomainError(f"Send the request as {_FORM}, or as {_JSON}.", ErrorCode.INVALID_REQUEST)
    async with request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_ANY_SIZE) as form:
        fields: dict[str, Any] = dict(form)
        file = fields.pop(_FILE) if isinstance(fields.get(_FILE), UploadFile) else None
        body = _from_form(fields)
        return await handler.openai_videos.create(visitor, body, None if file is None else _chunks(file), key)


@router.get("", responses=answers(ErrorCode.JOBS_UNAVAILABLE))
async def route_list_openai_videos(
    handler: Handler,
    visitor: Asking,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=26)] = None,
    order: Literal["asc", "desc"] = "desc",
) -> OpenAiVideoList:
    return await handler.openai_videos.list_videos(visitor, limit, after, order)


@router.get("/{video_id}", responses=answers(*_FILM))
async def route_openai_video(video_id: str, handler: Handler, visitor: Asking) -> OpenAiVideo:
    return await handler.openai_videos.find(visitor, video_id)


@router.delete(
    "/{video_id}",
    responses=answers(
        *_MADE, ErrorCode.JOB_UNKNOWN, ErrorCode.JOB_NOT_OVER, ErrorCode.JOB_NOT_KEPT, ErrorCode.FILM_NOT_KEPT
    ),
)
async def route_remove_openai_video(video_id: str, handler: Handler, visitor: Asking) -> OpenAiVideoDeleted:
    await handler.films.remove(visitor, video_id)
    return OpenAiVideoDeleted(id=video_id)


@router.post("/{video_id}/remix", responses=answers(*_CREATED, *_MADE, *_OF_SOURCES))
async def route_remix_openai_video(
    video_id: str, body: RemixVideoBody, handler: Handler, visitor: Asking, key: Key = None
) -> OpenAiVideo:
    return await handler.openai_videos.remix(visitor, video_id, body, key)


@router.get(
    "/{video_id}/content",
    response_class=FileResponse,
    responses=answers(*_MADE, ErrorCode.NOT_FOUND, ErrorCode.RECORDING_DAMAGED, ErrorCode.FILM_SOURCE_UNUSABLE)
    | picture("image/jpeg")
    | stored_file("video/mp4", "image/jpeg"),
)
async def route_openai_video_content(
    video_id: str, handler: Handler, visitor: Asking, variant: Variant = "video"
) -> Response:
    match variant:
        case "video":
            path = await handler.films.content(visitor, video_id)
            return StoredFile(path, media_type="video/mp4", headers=_FOREVER, filename=f"{video_id}.mp4")
        case "thumbnail":
            return PictureBytes(await handler.films.thumbnail(visitor, video_id), "image/jpeg", _FOREVER)
        case "spritesheet":
            return PictureBytes(await handler.films.sprite(visitor, video_id), "image/jpeg", _FOREVER)


def _from_json(body: bytes) -> CreateVideoBody:
    try:
        return CreateVideoBody.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


def _from_form(fields: dict[str, Any]) -> CreateVideoBody:
    """A form has the parts of an object as fields of their own: `input_reference[image_url]`."""
    parts = {name: fields.pop(name) for name in list(fields) if name.startswith(f"{_FILE}[") and name.endswith("]")}
    if parts:
        fields[_FILE] = {name[len(_FILE) + 1 : -1]: value for name, value in parts.items()}
    try:
        return CreateVideoBody.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK_BYTES):
        yield chunk
