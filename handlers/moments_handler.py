"""The moments of worlds in play, for those who are not in the session: REST."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from api_types import MomentResponse, RewindResponse, SavedWorldSummary
from error_types import DomainError, ErrorCode, HTTPError
from handlers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from concurrent.futures import Executor

    from handlers.play_handler import PlayHandler
    from handlers.session.frame_loop import FrameLoop
    from handlers.world_files_handler import WorldFilesHandler

Result = TypeVar("Result")

_STATUS = MappingProxyType({ErrorCode.SNAPSHOT_UNKNOWN: 404, ErrorCode.WORLD_NOT_KEPT: 507})


class MomentsHandler:
    """Every method raises HTTPError: 404 for a session that is not open, 409 for what cannot be done there now."""

    def __init__(self, play: PlayHandler, world_files: WorldFilesHandler, threads: Executor) -> None:
        self._play = play
        self._world_files = world_files
        self._threads = threads

    async def take(self, session_id: str) -> MomentResponse:
        moment, kept = await _asked(self._loop(session_id).between_passes(lambda world: world.take_snapshot()))
        return MomentResponse(moment=moment, kept=list(kept))

    async def restore(self, session_id: str, moment: str) -> MomentResponse:
        kept = await _asked(self._loop(session_id).between_passes(lambda world: world.restore_snapshot(moment)))
        return MomentResponse(moment=moment, kept=list(kept))

    async def rewind(self, session_id: str, seconds: float) -> RewindResponse:
        went_back_s, left_s = await _asked(self._loop(session_id).between_passes(lambda world: world.rewind(seconds)))
        return RewindResponse(went_back_s=went_back_s, left_s=left_s)

    async def save(self, session_id: str, title: str, moment: str | None) -> SavedWorldSummary:
        capture = await _asked(self._loop(session_id).between_passes(lambda world: world.capture(moment)))
        saving = in_thread(self._threads, lambda: self._world_files.save(capture, title))
        return self._world_files.summary(await _asked(saving))

    def _loop(self, session_id: str) -> FrameLoop:
        loop = self._play.loop_of(session_id)
        if loop is None:
            raise HTTPError(404, "There is no such session, or no world in it yet.", ErrorCode.NOT_FOUND)
        return loop


async def _asked(request: Awaitable[Result]) -> Result:
    try:
        return await request
    except DomainError as error:
        raise HTTPError(_STATUS.get(error.code, 409), error.message, error.code) from error
