"""The moments of worlds in play, for those who are not in the session: REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import MomentResponse, RewindResponse, SavedWorldSummary
from error_types import DomainError, ErrorCode
from handlers.threads import in_thread

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.play_handler import PlayHandler
    from handlers.session.frame_loop import FrameLoop
    from handlers.world_files_handler import WorldFilesHandler


class MomentsHandler:
    """Every method raises DomainError: there is no such session, or it cannot be done there now."""

    def __init__(self, play: PlayHandler, world_files: WorldFilesHandler, threads: Executor) -> None:
        self._play = play
        self._world_files = world_files
        self._threads = threads

    async def take(self, session_id: str) -> MomentResponse:
        moment, kept = await self._loop(session_id).between_passes(lambda world: world.take_snapshot())
        return MomentResponse(moment=moment, kept=list(kept))

    async def restore(self, session_id: str, moment: str) -> MomentResponse:
        kept = await self._loop(session_id).between_passes(lambda world: world.restore_snapshot(moment))
        return MomentResponse(moment=moment, kept=list(kept))

    async def rewind(self, session_id: str, seconds: float) -> RewindResponse:
        went_back_s, left_s = await self._loop(session_id).between_passes(lambda world: world.rewind(seconds))
        return RewindResponse(went_back_s=went_back_s, left_s=left_s)

    async def save(self, session_id: str, title: str, moment: str | None) -> SavedWorldSummary:
        capture = await self._loop(session_id).between_passes(lambda world: world.capture(moment))
        saving = in_thread(self._threads, lambda: self._world_files.save(capture, title))
        return self._world_files.summary(await saving)

    def _loop(self, session_id: str) -> FrameLoop:
        loop = self._play.loop_of(session_id)
        if loop is None:
            raise DomainError("There is no such session, or no world in it yet.", ErrorCode.NOT_FOUND)
        return loop
