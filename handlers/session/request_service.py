"""What each request of a session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

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
    RecordingRequest,
    RecordingResponseData,
    RestoreSnapshotRequest,
    RewindRequest,
    RewindResponseData,
    SaveWorldRequest,
    SaveWorldResponseData,
    SceneEditRequest,
    SnapshotResponseData,
    TakeSnapshotRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.active_world import ActiveWorld
    from handlers.session.authoring import SessionAuthor
    from handlers.session.context import PlayContext
    from handlers.session.frame_loop import FrameLoop
    from handlers.session.recording import SessionRecorder
    from handlers.session.worlds import WorldStarter
    from state.app_state_types import WorldInPlay

# What a picture is judged at when no engine says at which size it will be seen.
_CHECKED_WIDTH: Final = 896
_CHECKED_HEIGHT: Final = 504


class RequestService:
    """`start` makes the session play its first world and gives back its loop."""

    def __init__(
        self,
        context: PlayContext,
        worlds: WorldStarter,
        recorder: SessionRecorder,
        author: SessionAuthor,
        start: Callable[[ActiveWorld, WorldInPlay], FrameLoop],
    ) -> None:
        self._context = context
        self._worlds = worlds
        self._recorder = recorder
        self._author = author
        self._start = start
        self._loop: FrameLoop | None = None

    async def serve(self, request: AnyRequest) -> ExtendedResponseData:
        """Raises: DomainError, the request is refused."""
        match request:
            case InitRequest():
                return await self._init(request)
            case CheckSeedSafetyRequest():
                return await in_thread(self._context.check_threads, lambda: self._check_seed_safety(request))
            case SceneEditRequest():
                return await self._author.edit(request, self._loop_in_play())
            case GenerateSceneRequest():
                return await self._author.generate(request, self._loop_in_play())
            case TakeSnapshotRequest():
                snapshot_id, kept = await self._loop_in_play().between_passes(lambda world: world.take_snapshot())
                return SnapshotResponseData(snapshot_id=snapshot_id, kept=kept)
            case RestoreSnapshotRequest():
                moment = request.snapshot_id
                kept = await self._loop_in_play().between_passes(lambda world: world.restore_snapshot(moment))
                return SnapshotResponseData(snapshot_id=moment, kept=kept)
            case RewindRequest():
                seconds = request.seconds
                went_back_s, left_s = await self._loop_in_play().between_passes(lambda world: world.rewind(seconds))
                return RewindResponseData(went_back_s=went_back_s, left_s=left_s)
            case SaveWorldRequest():
                return await self._save_world(request)
            case RecordingRequest():
                return await self._record(request)
            case _:
                assert_never(request)

    async def _init(self, request: InitRequest) -> InitResponseData:
        config = request.config
        if self._loop is None:
            await self._recorder.configure(request)
            active, world = await self._worlds.first(request)
            self._loop = self._start(active, world)
        else:
            await self._worlds.change(request, self._loop)
            await self._recorder.configure(request)
            self._loop.nudge()
        self._loop.world.log_inputs(wanted=config.action_logging)
        self._author.configure(request)
        spec = self._loop.world.active.engine.spec
        return InitResponseData(
            model=spec.model_id, inference_fps=spec.fps, system_info=self._context.system_info.get_system_info()
        )

    async def _save_world(self, request: SaveWorldRequest) -> SaveWorldResponseData:
        moment = request.snapshot_id
        capture = await self._loop_in_play().between_passes(lambda world: world.capture(moment))
        world_files, threads = self._context.world_files, self._context.work_threads
        saved = await in_thread(threads, lambda: world_files.save(capture, request.title))
        return SaveWorldResponseData(world_id=saved.id, title=saved.title)

    async def _record(self, request: RecordingRequest) -> RecordingResponseData:
        loop = self._loop_in_play()
        answer = await self._recorder.switch(on=request.on, keep_short=request.keep_short)
        loop.nudge()
        return answer

    def _check_seed_safety(self, request: CheckSeedSafetyRequest) -> CheckSeedSafetyResponseData:
        seeds, safety = self._context.seeds, self._context.safety
        data = seeds.from_base64(request.image_data)
        picture = seeds.decode(data, width=_CHECKED_WIDTH, height=_CHECKED_HEIGHT)
        seed_hash = hash_of(data)
        return CheckSeedSafetyResponseData(
            is_safe=isinstance(safety.judge(seed_hash, picture), Allowed), hash=seed_hash
        )

    def _loop_in_play(self) -> FrameLoop:
        if self._loop is None:
            raise DomainError("Start a world first.", ErrorCode.NOT_READY)
        return self._loop
