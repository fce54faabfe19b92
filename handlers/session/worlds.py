"""Starting a session's world: the first `init`, and those that change a world in play."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.safety_handler import Allowed, Unjudged, Unsafe, Verdict
from handlers.seeds_handler import hash_of
from handlers.session.active_world import ActiveWorld, Seed, open_active_world
from handlers.threads import in_thread, unstoppable
from services.world_engine.catalogue import LoadStep
from state.app_state_types import EngineKey, SessionId, WorldInPlay
from wire_protocol import (
    SERVED_BACKEND,
    AnyServerMessage,
    InitRequest,
    ProgressMessage,
    ProgressStep,
    StageId,
    StatusMessage,
    TimedInitRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.context import PlayContext
    from handlers.session.frame_loop import FrameLoop
    from services.world_engine.world_engine import Picture, WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_LOAD_STAGES = {
    LoadStep.READING: StageId.MODEL_LOAD,
    LoadStep.BUILDING: StageId.MODEL_INSTANTIATE,
    LoadStep.WARMING_UP: StageId.WARMUP_COMPILE,
}


class WorldStarter:
    """Turns `init` requests into worlds. What it opens and does not hand over, it closes again.

    `extended`: the client understands messages about progress.
    """

    def __init__(
        self,
        context: PlayContext,
        session_id: SessionId,
        post: Callable[[AnyServerMessage], None],
        *,
        extended: bool,
    ) -> None:
        self._context = context
        self._session_id = session_id
        self._post = post
        self._extended = extended

    async def first(self, request: InitRequest) -> tuple[ActiveWorld, WorldInPlay]:
        """The session's first world; the session plays it from here on.

        Raises:
            DomainError: anything that was wrong; the session waits for another seed then.
        """
        key = self._key_of(request)
        sessions = self._context.sessions
        if not sessions.begin_preparing(self._session_id, key):
            raise DomainError("The session is over.", ErrorCode.CANCELLED)
        try:
            seed = await self._read_seed(request)
            if seed is None:
                raise DomainError("A world starts from a picture, and none was sent.", ErrorCode.SEED_MISSING)
            active = await self._acquire_and_open(request.req_id, key, seed)
            world = WorldInPlay(key, seed.hash, active.rng_seed, epoch=0, capped=request.config.cap_inference_fps)
            if not sessions.start_playing(self._session_id, world):
                await self.discard(active)
                raise DomainError("The session is over.", ErrorCode.CANCELLED)
        except BaseException:  # a cancellation too
            sessions.abandon_preparing(self._session_id)
            raise
        return active, world

    async def change(self, request: InitRequest, loop: FrameLoop) -> None:
        """Apply the differences to a world in play. If anything fails, the world plays on unchanged."""
        key, current = self._key_of(request), loop.active
        seed = await self._read_seed(request)
        if key != current.key:
            await self._hand_over(loop, await self._acquire_and_open(request.req_id, key, seed or current.seed))
            self._context.engines.release(current.key, self._session_id)
        elif seed is not None and seed.hash != current.seed.hash:
            await self._hand_over(loop, await self._open(request.req_id, key, current.engine, seed))
        capped = request.config.cap_inference_fps
        self._context.sessions.change_world(self._session_id, lambda world: replace(world, capped=capped))
        loop.nudge()

    async def discard(self, active: ActiveWorld) -> None:
        """Close a world that will not be played, and give its engine back."""
        await self._close(active)
        self._context.engines.release(active.key, self._session_id)

    # ------------------------------------------------------------------------------------------------ parts

    def _key_of(self, request: InitRequest) -> EngineKey:
        config = request.config
        if config.engine_backend != SERVED_BACKEND:
            raise DomainError(
                f"This server has no engines of the backend “{config.engine_backend}”. Choose “{SERVED_BACKEND}” as "
                "the engine backend in the settings of your client.",
                ErrorCode.UNSUPPORTED_BACKEND,
            )
        entry = self._context.engines.entry(request.model)
        quant = config.quant or "none"
        if quant not in entry.quants:
            raise DomainError(
                f"{entry.model_id} does not come in the quantisation “{quant}”. It has: {', '.join(entry.quants)}. "
                "Choose one of them as the quantisation in the settings of your client.",
                ErrorCode.UNSUPPORTED_QUANT,
            )
        return EngineKey(entry.model_id, quant)

    async def _read_seed(self, request: InitRequest) -> Seed | None:
        self._tell(request.req_id, ProgressStep.READING_PICTURE)
        seeds = self._context.seeds

        def read() -> Seed | None:
            if request.seed_image_data is not None:
                data = seeds.from_base64(request.seed_image_data)
                return Seed(hash_of(data), data)
            if isinstance(request, TimedInitRequest) and request.seed_hash is not None:
                return Seed(request.seed_hash, seeds.from_store(request.seed_hash))
            return None

        return await in_thread(self._context.work_threads, read)

    async def _acquire_and_open(self, req_id: str, key: EngineKey, seed: Seed) -> ActiveWorld:
        self._tell(req_id, ProgressStep.LOADING_MODEL)
        engine = await self._acquire(key)
        try:
            return await self._open(req_id, key, engine, seed)
        except BaseException:  # a cancellation too must give the engine back
            self._context.engines.release(key, self._session_id)
            raise

    async def _acquire(self, key: EngineKey) -> WorldEngine:
        events = asyncio.get_running_loop()

        def report(step: LoadStep) -> None:
            events.call_soon_threadsafe(self._post, StatusMessage(stage=_LOAD_STAGES[step]))

        return await self._context.engines.acquire(key, self._session_id, report)

    async def _open(self, req_id: str, key: EngineKey, engine: WorldEngine, seed: Seed) -> ActiveWorld:
        spec = engine.spec
        self._post(StatusMessage(stage=StageId.INIT_SEED))
        self._tell(req_id, ProgressStep.CHECKING_PICTURE)

        def decode_and_judge() -> tuple[Picture, Verdict]:
            picture = self._context.seeds.decode(seed.data, width=spec.width, height=spec.height)
            return picture, self._context.safety.judge(seed.hash, picture)

        picture, verdict = await in_thread(self._context.work_threads, decode_and_judge)
        match verdict:
            case Allowed():
                pass
            case Unsafe():
                raise DomainError("This picture was judged unsafe. Choose another one.", ErrorCode.SEED_UNSAFE)
            case Unjudged(reason):
                raise DomainError(f"This picture could not be checked: {reason}", ErrorCode.SEED_CHECK_FAILED)
        self._post(StatusMessage(stage=StageId.INIT_FRAME))
        self._tell(req_id, ProgressStep.OPENING_WORLD)
        rng_seed = secrets.randbits(32)
        opening = in_thread(
            self._context.engine_threads, lambda: open_active_world(key, engine, seed, picture, rng_seed)
        )
        try:
            return await unstoppable(opening, undo=self._close)
        except Exception as error:  # an engine may raise anything
            logger.exception("The engine could not open a world", model=key.model_id, exc_info=error)
            message = f"{spec.title} could not start a world in this picture."
            raise DomainError(message, ErrorCode.ENGINE_FAILED) from error

    async def _hand_over(self, loop: FrameLoop, active: ActiveWorld) -> None:
        try:
            await unstoppable(loop.switch_to(active), undo=_keep)
        except DomainError as error:
            if error.code is ErrorCode.CANCELLED:  # the loop ended without taking it
                await self._close(active)
            raise
        self._post(StatusMessage(stage=StageId.READY))

    def _tell(self, req_id: str, step: ProgressStep) -> None:
        if self._extended:
            done = list(ProgressStep).index(step) / len(ProgressStep)
            self._post(ProgressMessage(req_id=req_id, step=step, fraction=done))

    async def _close(self, active: ActiveWorld) -> None:
        await in_thread(self._context.engine_threads, active.world.close)


async def _keep(_: None) -> None:
    """A world that was handed over stays: nothing to undo."""
