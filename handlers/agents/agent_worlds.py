"""What the tools for agents need of the server, for one caller at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from access_rules import ROUTES
from handlers.base import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from starlette.websockets import WebSocket

    from access_rules import Visitor
    from api_types import SeedSummary
    from handlers.accounts.identity import Identity
    from handlers.play_handler import PlayHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.visitors_handler import VisitorsHandler
    from sign_in import Caller


class AgentWorlds:
    def __init__(
        self,
        play: PlayHandler,
        seeds: SeedsHandler,
        visitors: VisitorsHandler,
        identity: Identity,
        threads: Executor,
    ) -> None:
        self._play = play
        self._seeds = seeds
        self._visitors = visitors
        self._identity = identity
        self._threads = threads

    async def seeds(self, visitor: Visitor) -> Sequence[SeedSummary]:
        """The pictures that the visitor sees. Raises: DomainError, they may see none."""
        self._visitors.require(visitor, ROUTES["GET", "/api/seeds"])
        listed = await in_thread(self._threads, lambda: self._seeds.list_seeds(visitor))
        return listed.seeds

    def held(self, caller: Caller) -> AbstractContextManager[Caller]:
        """The caller, beyond the request that they came with: what they are known by may end before the block does."""
        return self._identity.held(caller)

    async def serve(self, socket: WebSocket) -> None:
        """A session from its first message to its last."""
        await self._play.serve(socket)
