"""Starting a session's world: the first `init`, and those that change a world in play."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.safety_handler import Allowed, Unjudged, Unsafe, Verdict
from handlers.seeds_handler import hash_of
from handlers.session.active_world import ActiveWorld, Seed, open_active_world
from handlers.session.journal_capture import model_facts, open_saved_world
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
    from services.world_files.world_file import WorldFilePayload

    Source = Seed | WorldFilePayload

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_INIT_STEPS = (
    ProgressStep.READING_PICTURE,
    ProgressStep.LOADING_MODEL,
    ProgressStep.CHECKING_PICTURE,
    ProgressStep.OPENING_WORLD,
)
_LOAD_STAGES = MappingProxyType(
    {
        LoadStep.READING: StageId.MODEL_LOAD,
        LoadStep.BUILDING: StageId.MODEL_INSTANTIATE,
        LoadStep.WARMING_UP: StageId.WARMUP_COMPILE,
    }
)


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
        saved = await self._read_saved(request)
        key = self._key_of(request, saved)
        sessions = self._context.sessions
        if not sessions.begin_preparing(self._session_id, key):
            raise DomainError("The session is over.", ErrorCode.CANCELLED)
        try:
            source = saved or await self._read_seed(request)
            if source is None:
                raise DomainError("A world starts from a picture, and none was sent.", ErrorCode.SEED_MISSING)
            active = await self._acquire_and_open(request.req_id, key, source)
            capped = request.config.cap_inference_fps
            world = WorldInPlay(key, active.seed.hash, active.rng_seed, epoch=0, capped=capped)
            if not sessions.start_playing(self._session_id, world):
                await self.discard(active)
                raise DomainError("The session is over.", ErrorCode.CANCELLED)
        except BaseException:  # a cancellation too
            sessions.abandon_preparing(self._session_id)
            raise
        return active, world

    async def change(self, request: InitRequest, loop: FrameLoop) -> None:
        """Apply the differences to a world in play. If anything fails, the world plays on unchanged."""
        saved, current = await self._read_saved(request), loop.world.active
        key = self._key_of(request, saved)
        source = saved or await self._read_seed(request)
        if key != current.key:
            await self._hand_over(loop, await self._acquire_and_open(request.req_id, key, source or current.seed))
            self._context.engines.release(current.key, self._session_id)
        elif source is not None and not (isinstance(source, Seed) and source.hash == current.seed.hash):
            await self._exchange(loop, request.req_id, key, source)
        capped = request.config.cap_inference_fps
        self._context.sessions.change_world(self._session_id, lambda world: replace(world, capped=capped))
        loop.nudge()

    async def discard(self, active: ActiveWorld) -> None:
        """Close a world that will not be played, and give its engine back."""
        await self._close(active)
        self._context.engines.release(active.key, self._session_id)

    # ------------------------------------------------------------------------------------------------ parts

    def _key_of(self, request: InitRequest, saved: WorldFilePayload | None) -> EngineKey:
        """A saved world brings its own model."""
        config = request.config
        if config.engine_backend != SERVED_BACKEND:
            raise DomainError(
                f"This server has no engines of the backend “{config.engine_backend}”. Choose “{SERVED_BACKEND}” as "
                "the engine backend in the settings of your client.",
                ErrorCode.UNSUPPORTED_BACKEND,
            )
        entry = self._context.engines.entry(request.model if saved is None else saved.model.id)
        quant = (config.quant or "none") if saved is None else saved.model.quant
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
                return Seed(hash_of(data), data, request.seed_filename)
            if isinstance(request, TimedInitRequest) and request.seed_hash is not None:
                data = seeds.from_store(request.seed_hash)
                return Seed(request.seed_hash, data, request.seed_filename or seeds.title_of(request.seed_hash))
            return None

        return await in_thread(self._context.work_threads, read)

    async def _read_saved(self, request: InitRequest) -> WorldFilePayload | None:
        if not isinstance(request, TimedInitRequest) or request.world_id is None:
            return None
        self._tell(request.req_id, ProgressStep.READING_PICTURE)
        world_files, world_id = self._context.world_files, request.world_id
        return await in_thread(self._context.work_threads, lambda: world_files.read(world_id))

    async def _acquire_and_open(self, req_id: str, key: EngineKey, source: Source) -> ActiveWorld:
        self._tell(req_id, ProgressStep.LOADING_MODEL)
        engine = await self._acquire(key, self._session_id)
        try:
            return await self._open(req_id, key, engine, source)
        except BaseException:  # a cancellation too must give the engine back
            self._context.engines.release(key, self._session_id)
            raise

    async def _exchange(self, loop: FrameLoop, req_id: str, key: EngineKey, source: Source) -> None:
        """Another world in the same engine, once that is there: it may have given way to a scene.

        Meanwhile the session has the engine twice, so that it does not give way with a world in it.
        """
        twice = f"{self._session_id}/next"
        engine = await self._acquire(key, twice)
        try:
            await self._hand_over(loop, await self._open(req_id, key, engine, source))
        finally:
            self._context.engines.release(key, twice)

    async def _acquire(self, key: EngineKey, user: SessionId) -> WorldEngine:
        events = asyncio.get_running_loop()

        def report(step: LoadStep) -> None:
            events.call_soon_threadsafe(self._post, StatusMessage(stage=_LOAD_STAGES[step]))

        return await self._context.engines.acquire(key, user, report)

    async def _open(self, req_id: str, key: EngineKey, engine: WorldEngine, source: Source) -> ActiveWorld:
        self._post(StatusMessage(stage=StageId.INIT_SEED))
        if isinstance(source, Seed):
            opener = await self._opener(req_id, key, engine, source)
        else:
            opener = _saved_opener(key, engine, source)
        self._post(StatusMessage(stage=StageId.INIT_FRAME))
        self._tell(req_id, ProgressStep.OPENING_WORLD)
        opening = in_thread(self._context.engine_threads, opener)
        try:
            return await unstoppable(opening, undo=self._close)
        except Exception as error:  # an engine may raise anything
            logger.exception("The engine could not open a world", model=key.model_id, exc_info=error)
            message = f"{engine.spec.title} could not start a world in this picture."
            raise DomainError(message, ErrorCode.ENGINE_FAILED) from error

    async def _opener(self, req_id: str, key: EngineKey, engine: WorldEngine, seed: Seed) -> Callable[[], ActiveWorld]:
        """What opens a world in a picture that was looked at and may be shown."""
        spec = engine.spec
        self._tell(req_id, ProgressStep.CHECKING_PICTURE)

        def decode_and_judge() -> tuple[Picture, Verdict]:
            picture = self._context.seeds.decode(seed.data, width=spec.width, height=spec.height)
            return picture, self._context.safety.judge(seed.hash, picture)

        picture, verdict = await in_thread(self._context.check_threads, decode_and_judge)
        match verdict:
            case Allowed():
                pass
            case Unsafe():
                raise DomainError("This picture was judged unsafe. Choose another one.", ErrorCode.SEED_UNSAFE)
            case Unjudged(reason):
                raise DomainError(f"This picture could not be checked: {reason}", ErrorCode.SEED_CHECK_FAILED)
        rng_seed = secrets.randbits(32)
        return lambda: open_active_world(key, engine, seed, picture, rng_seed)

    async def _hand_over(self, loop: FrameLoop, active: ActiveWorld) -> None:
        try:
            await unstoppable(loop.between_passes(lambda world: world.switch_to(active)), undo=_keep)
        except DomainError as error:
            if error.code is ErrorCode.CANCELLED:  # the loop ended without taking it
                await self._close(active)
            raise
        self._post(StatusMessage(stage=StageId.READY))

    def _tell(self, req_id: str, step: ProgressStep) -> None:
        if self._extended:
            done = _INIT_STEPS.index(step) / len(_INIT_STEPS)
            self._post(ProgressMessage(req_id=req_id, step=step, fraction=done))

    async def _close(self, active: ActiveWorld) -> None:
        await in_thread(self._context.engine_threads, active.world.close)


def _saved_opener(key: EngineKey, engine: WorldEngine, world: WorldFilePayload) -> Callable[[], ActiveWorld]:
    """What opens a saved world; its pictures were judged when it was read."""
    if model_facts(engine, key.quant) != world.model:
        message = f"This world was made with other weights of {world.model.id} than the server has, and would differ."
        raise DomainError(message, ErrorCode.WORLD_OTHER_MODEL)
    return lambda: open_saved_world(key, engine, world)


async def _keep(_: None) -> None:
    """A world that was handed over stays: nothing to undo."""
