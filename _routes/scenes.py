"""/api/scenes: scenes generated from words, and those that are being made."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from access_rules import Visitor
from api_types import GenerateSceneBody, SceneJobSummary, ScenesResponse
from app_handler import AppHandler
from state.deps import get_state_service, get_visitor

router = APIRouter(prefix="/api/scenes")


@router.get("")
def route_list_scenes(handler: Annotated[AppHandler, Depends(get_state_service)]) -> ScenesResponse:
    return handler.scenes.list_scenes()


@router.post("", status_code=202)
async def route_generate_scene(
    body: GenerateSceneBody,
    handler: Annotated[AppHandler, Depends(get_state_service)],
    visitor: Annotated[Visitor, Depends(get_visitor)],
) -> SceneJobSummary:
    return await handler.scenes.generate(visitor, body.prompt)


@router.get("/jobs/{job_id}")
def route_scene_job(job_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> SceneJobSummary:
    return handler.scenes.job(job_id)


@router.delete("/jobs/{job_id}", status_code=204)
async def route_cancel_scene_job(job_id: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> None:
    await handler.scenes.cancel(job_id)


@router.delete("/{seed_hash}", status_code=204)
def route_remove_scene(seed_hash: str, handler: Annotated[AppHandler, Depends(get_state_service)]) -> None:
    handler.scenes.remove(seed_hash)
