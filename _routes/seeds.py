"""/api/seeds: the gallery of seed pictures."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from _routes._answers import answers, file_body, picture
from _routes._files import PictureBytes
from access_rules import Visitor
from api_types import SeedsResponse, SeedSummary
from app_handler import AppHandler
from error_types import ErrorCode
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/seeds")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]

# A seed is named by the hash of its bytes: what a URL shows never changes.
_KINDS = ("image/jpeg", "image/png", "image/webp")
_FOREVER = MappingProxyType({"Cache-Control": "private, max-age=31536000, immutable"})


@router.get("")
def route_list_seeds(handler: Handler, visitor: Asking) -> SeedsResponse:
    return handler.seeds.list_seeds(visitor)


@router.post(
    "",
    status_code=201,
    openapi_extra=file_body(*_KINDS),
    responses=answers(
        ErrorCode.SEED_EMPTY,
        ErrorCode.SEED_NOT_A_PICTURE,
        ErrorCode.SEED_TOO_LARGE,
        ErrorCode.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED,
        ErrorCode.SEED_NOT_KEPT,
        ErrorCode.UPLOAD_QUOTA_USED,
    ),
)
async def route_upload_seed(
    request: Request,
    handler: Handler,
    visitor: Asking,
    title: str = "",
) -> SeedSummary:
    return await handler.seeds.upload(visitor, request.stream(), title)


@router.get(
    "/{seed_hash}/image",
    response_class=Response,
    responses=answers(ErrorCode.SEED_UNKNOWN) | picture(*_KINDS),
)
def route_seed_image(seed_hash: str, handler: Handler, visitor: Asking) -> Response:
    file = handler.seeds.image(visitor, seed_hash)
    return PictureBytes(file.data, file.media_type, _FOREVER)


@router.get(
    "/{seed_hash}/thumbnail",
    response_class=Response,
    responses=answers(ErrorCode.SEED_UNKNOWN, ErrorCode.SEED_NOT_A_PICTURE, ErrorCode.SEED_TOO_LARGE)
    | picture("image/jpeg"),
)
async def route_seed_thumbnail(seed_hash: str, handler: Handler, visitor: Asking) -> Response:
    file = await handler.seeds.thumbnail(visitor, seed_hash)
    return PictureBytes(file.data, file.media_type, _FOREVER)


@router.delete(
    "/{seed_hash}",
    status_code=204,
    responses=answers(ErrorCode.SEED_UNKNOWN, ErrorCode.SEED_SHIPPED, ErrorCode.SEED_NOT_KEPT),
)
def route_remove_seed(seed_hash: str, handler: Handler, visitor: Asking) -> None:
    handler.seeds.remove(visitor, seed_hash)
