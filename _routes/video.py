"""/api/video: films, what they are made from, and what can be made."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse

from _routes._answers import Answers, also, answers, file_body, picture, stored_file
from _routes._files import PictureBytes, StoredFile
from access_rules import Visitor
from api_types import SeedSummary
from app_handler import AppHandler
from error_types import ErrorCode
from film_types import (
    ControlFilmBody,
    ExtensionFilmBody,
    FilmsResponse,
    FilmSummary,
    JoiningFilmBody,
    PicturesFilmBody,
    RetakeFilmBody,
    SoundFilmBody,
    SourcesResponse,
    SourceSummary,
    UpscaleFilmBody,
    VideoSpecsResponse,
    WalkIntoBody,
    WordsFilmBody,
)
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/video")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]
Key: TypeAlias = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]

_FOREVER = MappingProxyType({"Cache-Control": "private, max-age=31536000, immutable"})
_NOT_KEPT = MappingProxyType({"Cache-Control": "no-store"})
_MEDIA = ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "audio/mpeg", "audio/wav", "audio/flac")

_FILM = (ErrorCode.FILM_UNKNOWN, ErrorCode.JOBS_UNAVAILABLE)
_MADE = (*_FILM, ErrorCode.FILM_NOT_MADE)
# What a film may be made from can be missing, or be more than is taken in.
_ASKED = (
    ErrorCode.JOB_KEY_REUSED,
    ErrorCode.JOBS_UNAVAILABLE,
    ErrorCode.JOB_NOT_KEPT,
    ErrorCode.TOO_MANY_REQUESTS,
    ErrorCode.UPLOAD_QUOTA_USED,
    ErrorCode.MODEL_NOT_PULLED,
    ErrorCode.MODEL_DOES_NOT_FIT,
    ErrorCode.FILM_REFUSED,
    ErrorCode.FILM_LORA_REFUSED,
    ErrorCode.FILM_UNKNOWN,
    ErrorCode.FILM_SOURCE_UNKNOWN,
    ErrorCode.FILM_SOURCE_UNUSABLE,
    ErrorCode.RECORDING_UNKNOWN,
    ErrorCode.SEED_UNKNOWN,
    ErrorCode.SEED_UNSAFE,
    ErrorCode.SEED_NOT_A_PICTURE,
    ErrorCode.SEED_TOO_LARGE,
    ErrorCode.SEED_CHECK_FAILED,
    ErrorCode.FILM_QUOTA_USED,
    ErrorCode.FILM_NOT_KEPT,
)


# What a picture of play can fail with beside that.
_IN_PLAY = (
    ErrorCode.SESSION_UNKNOWN,
    ErrorCode.NOT_READY,
    ErrorCode.MOMENT_UNKNOWN,
    ErrorCode.CANCELLED,
    ErrorCode.ENGINE_FAILED,
    ErrorCode.REQUEST_TIMEOUT,
    ErrorCode.SEED_NOT_KEPT,
)


def _new(*codes: ErrorCode) -> Answers:
    return answers(*_ASKED, *codes) | also(200, "The film that this Idempotency-Key has begun already.", FilmSummary)


@router.get("/specs")
async def route_video_specs(handler: Handler) -> VideoSpecsResponse:
    return await handler.film_specs.specs()


# -------------------------------------------------------------------------------------------------------- asking


@router.post("/words", status_code=202, responses=_new())
async def route_film_from_words(
    body: WordsFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.from_words(visitor, body, key))


@router.post("/pictures", status_code=202, responses=_new(*_IN_PLAY))
async def route_film_from_pictures(
    body: PicturesFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.from_pictures(visitor, body, key))


@router.post("/sound", status_code=202, responses=_new())
async def route_film_from_sound(
    body: SoundFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.from_sound(visitor, body, key))


@router.post("/retake", status_code=202, responses=_new())
async def route_retake_film(
    body: RetakeFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.retake(visitor, body, key))


@router.post("/extension", status_code=202, responses=_new())
async def route_extend_film(
    body: ExtensionFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.extend(visitor, body, key))


@router.post("/joining", status_code=202, responses=_new())
async def route_join_films(
    body: JoiningFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.join(visitor, body, key))


@router.post("/control", status_code=202, responses=_new())
async def route_control_film(
    body: ControlFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.control(visitor, body, key))


@router.post("/upscale", status_code=202, responses=_new())
async def route_upscale_film(
    body: UpscaleFilmBody, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.upscale(visitor, body, key))


@router.post("/films/{film_id}/again", status_code=202, responses=_new())
async def route_film_again(
    film_id: str, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.again(visitor, film_id, key))


@router.post(
    "/again",
    status_code=202,
    openapi_extra=file_body("video/mp4"),
    responses=_new(ErrorCode.FILM_SOURCE_TOO_LARGE, ErrorCode.FILM_NOTES_MISSING),
)
async def route_film_again_from_file(
    request: Request, response: Response, handler: Handler, visitor: Asking, key: Key = None
) -> FilmSummary:
    return _begun(response, *await handler.films.again_from_file(visitor, request.stream(), key))


def _begun(response: Response, film: FilmSummary, is_new: bool) -> FilmSummary:  # noqa: FBT001 - of an unpacked pair
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/api/video/films/{film.id}"
    return film


# --------------------------------------------------------------------------------------------------------- films


@router.get("/films", responses=answers(ErrorCode.JOBS_UNAVAILABLE))
async def route_list_films(
    handler: Handler,
    visitor: Asking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=26)] = None,
) -> FilmsResponse:
    return await handler.films.list_films(visitor, limit, before)


@router.get("/films/{film_id}", responses=answers(*_FILM))
async def route_film(film_id: str, handler: Handler, visitor: Asking) -> FilmSummary:
    return await handler.films.find(visitor, film_id)


@router.post("/films/{film_id}/cancel", responses=answers(*_FILM, ErrorCode.JOB_UNKNOWN, ErrorCode.JOB_NOT_KEPT))
async def route_cancel_film(film_id: str, handler: Handler, visitor: Asking) -> FilmSummary:
    return await handler.films.cancel(visitor, film_id)


@router.delete(
    "/films/{film_id}",
    status_code=204,
    responses=answers(
        *_MADE, ErrorCode.JOB_UNKNOWN, ErrorCode.JOB_NOT_OVER, ErrorCode.JOB_NOT_KEPT, ErrorCode.FILM_NOT_KEPT
    ),
)
async def route_remove_film(film_id: str, handler: Handler, visitor: Asking) -> None:
    await handler.films.remove(visitor, film_id)


@router.get(
    "/films/{film_id}/content",
    response_class=FileResponse,
    responses=answers(*_MADE, ErrorCode.NOT_FOUND) | stored_file("video/mp4"),
)
@router.head("/films/{film_id}/content", include_in_schema=False)  # without reading the file
async def route_film_content(film_id: str, handler: Handler, visitor: Asking, *, download: bool = False) -> StoredFile:
    path = await handler.films.content(visitor, film_id)
    return StoredFile(
        path,
        media_type="video/mp4",
        headers=_FOREVER,
        filename=f"{film_id}.mp4",
        content_disposition_type="attachment" if download else "inline",
    )


@router.get(
    "/films/{film_id}/thumbnail",
    response_class=Response,
    responses=answers(*_MADE, ErrorCode.RECORDING_DAMAGED) | picture("image/jpeg"),
)
async def route_film_thumbnail(film_id: str, handler: Handler, visitor: Asking) -> Response:
    return PictureBytes(await handler.films.thumbnail(visitor, film_id), "image/jpeg", _FOREVER)


@router.get(
    "/films/{film_id}/preview",
    response_class=Response,
    responses=answers(*_MADE, ErrorCode.SEED_UNSAFE, ErrorCode.SEED_CHECK_FAILED) | picture("image/jpeg"),
)
async def route_film_preview(film_id: str, handler: Handler, visitor: Asking) -> Response:
    return PictureBytes(await handler.films.preview(visitor, film_id), "image/jpeg", _NOT_KEPT)


@router.get(
    "/films/{film_id}/sprite",
    response_class=Response,
    responses=answers(*_MADE, ErrorCode.FILM_SOURCE_UNUSABLE) | picture("image/jpeg"),
)
async def route_film_sprite(film_id: str, handler: Handler, visitor: Asking) -> Response:
    return PictureBytes(await handler.films.sprite(visitor, film_id), "image/jpeg", _FOREVER)


@router.post(
    "/walk-into",
    status_code=201,
    responses=answers(
        ErrorCode.FILM_UNKNOWN,
        ErrorCode.FILM_SOURCE_UNKNOWN,
        ErrorCode.FILM_SOURCE_UNUSABLE,
        ErrorCode.RECORDING_UNKNOWN,
        ErrorCode.SEED_NOT_A_PICTURE,
        ErrorCode.SEED_TOO_LARGE,
        ErrorCode.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED,
        ErrorCode.SEED_NOT_KEPT,
        ErrorCode.UPLOAD_QUOTA_USED,
    ),
)
async def route_walk_into(body: WalkIntoBody, handler: Handler, visitor: Asking) -> SeedSummary:
    return await handler.walking_into.walk_into(visitor, body)


# ------------------------------------------------------------------------------------------------------- sources


@router.get("/sources")
def route_list_sources(handler: Handler, visitor: Asking) -> SourcesResponse:
    return handler.film_sources.list_sources(visitor)


@router.post(
    "/sources",
    status_code=201,
    openapi_extra=file_body(*_MEDIA),
    responses=answers(
        ErrorCode.FILM_SOURCE_TOO_LARGE,
        ErrorCode.FILM_SOURCE_UNUSABLE,
        ErrorCode.FILM_QUOTA_USED,
        ErrorCode.FILM_NOT_KEPT,
        ErrorCode.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED,
        ErrorCode.UPLOAD_QUOTA_USED,
    ),
)
async def route_upload_source(
    request: Request, handler: Handler, visitor: Asking, title: Annotated[str, Query(max_length=400)] = ""
) -> SourceSummary:
    return await handler.film_sources.upload(visitor, request.stream(), title)


@router.get("/sources/{source_hash}", responses=answers(ErrorCode.FILM_SOURCE_UNKNOWN))
def route_source(source_hash: str, handler: Handler, visitor: Asking) -> SourceSummary:
    return handler.film_sources.find(visitor, source_hash)


@router.get(
    "/sources/{source_hash}/content",
    response_class=FileResponse,
    responses=answers(ErrorCode.FILM_SOURCE_UNKNOWN, ErrorCode.NOT_FOUND) | stored_file("application/octet-stream"),
)
@router.head("/sources/{source_hash}/content", include_in_schema=False)
def route_source_content(source_hash: str, handler: Handler, visitor: Asking) -> StoredFile:
    path = handler.film_sources.path(visitor, source_hash)
    return StoredFile(path, media_type="application/octet-stream", headers=_FOREVER)


@router.delete(
    "/sources/{source_hash}",
    status_code=204,
    responses=answers(ErrorCode.FILM_SOURCE_UNKNOWN, ErrorCode.FILM_SOURCE_IN_USE, ErrorCode.FILM_NOT_KEPT),
)
def route_remove_source(source_hash: str, handler: Handler, visitor: Asking) -> None:
    handler.film_sources.remove(visitor, source_hash)
