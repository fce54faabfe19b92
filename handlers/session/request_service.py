"""What each request of a session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

import structlog

from error_types import DomainError, ErrorCode
from handlers.safety_handler import Allowed
from handlers.seeds_handler import hash_of
from handlers.threads import in_thread
from wire_protocol import (
    AnyRequest,
    CheckSeedSafetyRequest,
    CheckSeedSafetyResponseData,
    ExtendedResponseData,
    GenerateSceneRequest,
    InitRequest,
    InitResponseData,
    RestoreSnapshotRequest,
    SceneEditRequest,
    SnapshotResponseData,
    TakeSnapshotRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.active_world import ActiveWorld
    from handlers.session.context import PlayContext
    from handlers.session.frame_loop import FrameLoop
    from handlers.session.worlds import WorldStarter
    from state.app_state_types import WorldInPlay

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# What a picture is judged at when no engine says at which size it will be seen.
_CHECKED_WIDTH: Final = 896
_CHECKED_HEIGHT: Final = 504


class RequestService:
    """`start` makes the session play its first world and gives back its loop."""

    def __init__(
        self,
        context: PlayContext,
        worlds: WorldStarter,
        start: Callable[[ActiveWorld, WorldInPlay], FrameLoop],
    ) -> None:
        self._context = context
        self._worlds = worlds
        self._start = start
        self._loop: FrameLoop | None = None

    async def serve(self, request: AnyRequest) -> ExtendedResponseData:
        """Raises: DomainError, the request is refused."""
        match request:
            case InitRequest():
                return await self._init(request)
            case CheckSeedSafetyRequest():
                return await in_thread(self._context.work_threads, lambda: self._check_seed_safety(request))
            case SceneEditRequest() | GenerateSceneRequest():
                return self._author(request)
            case TakeSnapshotRequest():
                snapshot_id, kept = await self._loop_in_play().take_snapshot()
                return SnapshotResponseData(snapshot_id=snapshot_id, kept=kept)
            case RestoreSnapshotRequest():
                kept = await self._loop_in_play().restore_snapshot(request.snapshot_id)
                return SnapshotResponseData(snapshot_id=request.snapshot_id, kept=kept)
            case _:
                assert_never(request)

    async def _init(self, request: InitRequest) -> InitResponseData:
        config = request.config
        if config.video_recording or config.action_logging or config.scene_authoring:
            logger.warning("This server neither records nor authors scenes: those settings have no effect")
        if self._loop is None:
            active, world = await self._worlds.first(request)
            self._loop = self._start(active, world)
        else:
            await self._worlds.change(request, self._loop)
        spec = self._loop.active.engine.spec
        return InitResponseData(
            model=spec.model_id, inference_fps=spec.fps, system_info=self._context.system_info.get_system_info()
        )

    def _check_seed_safety(self, request: CheckSeedSafetyRequest) -> CheckSeedSafetyResponseData:
        seeds, safety = self._context.seeds, self._context.safety
        data = seeds.from_base64(request.image_data)
        picture = seeds.decode(data, width=_CHECKED_WIDTH, height=_CHECKED_HEIGHT)
        seed_hash = hash_of(data)
        return CheckSeedSafetyResponseData(
            is_safe=isinstance(safety.judge(seed_hash, picture), Allowed), hash=seed_hash
        )

    def _author(self, request: SceneEditRequest | GenerateSceneRequest) -> ExtendedResponseData:
        self._loop_in_play()
        if not request.prompt.strip():
            raise DomainError("Say what the scene should show.", ErrorCode.AUTHORING_EMPTY_PROMPT)
        raise DomainError("This server has no scene authoring.", ErrorCode.AUTHORING_UNAVAILABLE)

    def _loop_in_play(self) -> FrameLoop:
        if self._loop is None:
            raise DomainError("Start a world first.", ErrorCode.NOT_READY)
        return self._loop
