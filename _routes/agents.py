"""/mcp: the Model Context Protocol over streamable HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Response

from app_handler import AppHandler
from state.deps import get_state_service

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

router = APIRouter()


class AgentAnswer(Response):
    """What the protocol answers, whatever that is."""

    def __init__(self, handler: AppHandler) -> None:
        super().__init__()
        self._agents = handler.agents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._agents.answer(scope, receive, send)


# The protocol describes itself. There is no GET, which would be a stream on which nothing is ever told.
@router.post("/mcp", include_in_schema=False)
@router.delete("/mcp", include_in_schema=False)
async def route_agents(handler: Annotated[AppHandler, Depends(get_state_service)]) -> Response:
    await handler.agents.require()
    return AgentAnswer(handler)
