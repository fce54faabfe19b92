"""/api/seeds: the gallery of seed pictures."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from _routes._files import PictureBytes
from access_rules import Visitor
from api_types import SeedsResponse, SeedSummary
from app_handler import AppHandler
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/seeds")

Handler = Annotated[AppHandler, Depends(get_state_service)]
Asking = Annotated[Visitor, Depends(get_visitor)]

# A seed is named by the hash of its bytes: what a URL shows never changes.
_FOREVER = MappingProxyType({"Cache-Control": "private, max-age=31536000, immutable"})


@router.get("")
def route_list_seeds(handler: Handler, visitor: Asking) -> SeedsResponse:
    return handler.seeds.list_seeds(visitor)


@router.post("", status_code=201)
async def route_upload_seed(
    request: Request,
    handler: Handler,
    visitor: Asking,
    title: str = "",
) -> SeedSummary:
    return await handler.seeds.upload(visitor, request.stream(), title)


@router.get("/{seed_hash}/image")
def route_seed_image(seed_hash: str, handler: Handler, visitor: Asking) -> Response:
    file = handler.seeds.image(visitor, seed_hash)
    return PictureBytes(file.data, file.media_type, _FOREVER)


@router.get("/{seed_hash}/thumbnail")
async def route_seed_thumbnail(seed_hash: str, handler: Handler, visitor: Asking) -> Response:
    file = await handler.seeds.thumbnail(visitor, seed_hash)
    return PictureBytes(file.data, file.media_type, _FOREVER)


@router.delete("/{seed_hash}", status_code=204)
def route_remove_seed(seed_hash: str, handler: Handler, visitor: Asking) -> None:
    handler.seeds.remove(visitor, seed_hash)
