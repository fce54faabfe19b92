"""Opening the worlds that `init` asks for: the first one of a session, and those that follow it in play."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.seeds_handler import hash_of
from handlers.service_errors import service_errors_translated
from handlers.session.copied_world import open_copied_world
from handlers.session.left_world import LeftWorld
from handlers.session.stepped import asked_size, check_size
from handlers.session.world import ActiveWorld, LeasedWorld, Seed, open_saved_world, open_world
from services.outlasting import unstoppable
from services.world_copies.world_copies import WorldCopy
from services.world_engine.engine_card import LoadStep
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
    from collections.abc import Awaitable, Callable, Mapping
    from concurrent.futures import Executor
    from typing import TypeAlias

    from access_rules import Visitor
    from handlers.engines.pool import EnginePool
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.session.actor import WorldActor
    from handlers.sessions_handler import SessionsHandler
    from handlers.world_files_handler import WorldFilesHandler
    from services.world_engine.world_engine import Picture, World, WorldEngine, WorldSpec
    from services.world_files.world_file import WorldFilePayload

    Source: TypeAlias = Seed | WorldFilePayload | LeftWorld | WorldCopy
    Opener: TypeAlias = Callable[[WorldEngine], ActiveWorld]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_INIT_STEPS: Final = (
    ProgressStep.READING_PICTURE,
    ProgressStep.LOADING_MODEL,
    ProgressStep.CHECKING_PICTURE,
    ProgressStep.OPENING_WORLD,
)
_LOAD_STAGES: Final[Mapping[LoadStep, StageId]] = MappingProxyType(
    {
        LoadStep.READING: StageId.MODEL_LOAD,
        LoadStep.BUILDING: StageId.MODEL_INSTANTIATE,
        LoadStep.WARMING_UP: StageId.WARMUP_COMPILE,
    }
)


class WorldOpener:
    """Turns `init` requests into worlds. What it opens and does not hand over, it closes again.

    `extended`: the client understands messages about progress.
    """

    def __init__(
        self,
        session_id: SessionId,
        *,
        visitor: Visitor,
        sessions: SessionsHandler,
        pool: EnginePool,
        seeds: SeedsHandler,
        safety: SafetyHandler,
        world_files: WorldFilesHandler,
        engine_threads: Executor,
        work_threads: Executor,
        check_threads: Executor,
        post: Callable[[AnyServerMessage], None],
        extended: bool,
    ) -> None:
        self._session_id = session_id
        self._visitor = visitor
        self._sessions = sessions
        self._pool = pool
        self._seeds = seeds
        self._safety = safety
        self._world_files = world_files
        self._engine_threads = engine_threads
        self._work_threads = work_threads
        self._check_threads = check_threads
        self._post = post
        self._extended = extended

    async def first(self, request: InitRequest) -> tuple[LeasedWorld, WorldInPlay]:
        """The session's first world, which is in play from here on.

        Raises:
            DomainError: anything that was wrong. The session waits for another `init` then.
        """
        asked_for = None if request.model is None else EngineKey(request.model, request.config.quant or "none")

        async def choose() -> tuple[EngineKey, Source]:
            source = await self._read_saved(request) or await self._read_seed(request)
            key = await self._key_of(request, source)
            if source is None:
                raise DomainError("A world starts from a picture, and none was sent.", ErrorCode.SEED_MISSING)
            return key, source

        return await self._begin(request, asked_for, choose)

    async def again(self, request: InitRequest, left: LeftWorld | WorldCopy) -> tuple[LeasedWorld, WorldInPlay]:
        """The session's first world, which another session has left, in play from here on where it was.

        Raises:
            DomainError: its engine cannot be had, or cannot open it. The session waits for another `init` then.
        """

        key = left.key if isinstance(left, LeftWorld) else EngineKey(left.model.id, left.model.quant)

        async def choose() -> tuple[EngineKey, Source]:
            return key, left

        return await self._begin(request, key, choose)

    async def change(self, request: InitRequest, actor: WorldActor) -> None:
        """Apply the differences to a world in play. If anything fails, the world plays on unchanged."""
        saved, current = await self._read_saved(request), actor.world.active
        source = saved or await self._read_seed(request)
        key = await self._key_of(request, source, in_play=current.key)
        if key != current.key:
            await self._change_model(request, key, source or current.seed, actor)
        elif source is not None and not _is_in_play(source, request, current):
            await self._change_world(request, key, source, actor)
        elif source is None and _asks_for_other_chance(request, current):
            await self._change_world(request, key, current.seed, actor)
        else:
            check_size(current.spec, asked_size(request))
        capped = request.config.cap_inference_fps
        self._sessions.change_world(self._session_id, lambda world: replace(world, capped=capped))
        actor.nudge()

    async def _begin(
        self,
        request: InitRequest,
        asked_for: EngineKey | None,
        choose: Callable[[], Awaitable[tuple[EngineKey, Source]]],
    ) -> tuple[LeasedWorld, WorldInPlay]:
        if not self._sessions.begin_preparing(self._session_id, asked_for):
            raise DomainError("The session is over.", ErrorCode.CANCELLED)
        leased = None
        try:
            key, source = await choose()
            leased = await self._open_leased(request, key, source, waits=True)
            seed_hash, rng_seed = leased.active.seed.hash, leased.active.rng_seed
            world = WorldInPlay(key, seed_hash, rng_seed, epoch=0, capped=request.config.cap_inference_fps)
            if not self._sessions.start_playing(self._session_id, world):
                raise DomainError("The session is over.", ErrorCode.CANCELLED)
        except BaseException:  # a cancellation too
            if leased is not None:
                await leased.aclose()
            self._sessions.abandon_preparing(self._session_id)
            raise
        return leased, world

    # ------------------------------------------------------------------------------------------ from world to world

    async def _change_model(self, request: InitRequest, key: EngineKey, source: Source, actor: WorldActor) -> None:
        """Engines on the device take turns: the old one leaves it first, and comes back if the new one fails."""
        old_model = actor.world.active.key.model_id
        if "cpu" in (self._pool.entry(key.model_id).placement, self._pool.entry(old_model).placement):
            leased = await self._open_leased(request, key, source)
            await self._put_in_play(leased, actor.change_between_steps(lambda world: world.switch_to(leased)))
            return
        async with actor.engine_offloaded(following=key) as offload:
            leased = await self._open_leased(request, key, source)
            await self._put_in_play(leased, offload.replace_world(lambda: actor.world.switch_to(leased)))

    async def _change_world(self, request: InitRequest, key: EngineKey, source: Source, actor: WorldActor) -> None:
        """Another world in the same engine: beside the one in play, or in its place where the engine has no room."""
        if self._pool.has_room(key):
            leased = await self._open_leased(request, key, source)
            await self._put_in_play(leased, actor.change_between_steps(lambda world: world.switch_to(leased)))
            return
        spec = actor.world.active.spec
        opener = await self._opener(request, key, spec, source)
        await actor.change_between_steps(lambda world: world.exchange(opener))
        self._post(StatusMessage(stage=StageId.READY))

    async def _put_in_play(self, leased: LeasedWorld, change: Awaitable[None]) -> None:
        try:
            await change
        finally:
            if not leased.is_in_play:
                await leased.aclose()
        self._post(StatusMessage(stage=StageId.READY))

    # ---------------------------------------------------------------------------------------------- what is asked for

    async def _key_of(self, request: InitRequest, source: Source | None, in_play: EngineKey | None = None) -> EngineKey:
        """The engine that is asked for. A saved world brings its own."""
        config = request.config
        if config.engine_backend != SERVED_BACKEND:
            raise DomainError(
                f"This server has no engines of the backend “{config.engine_backend}”. Choose “{SERVED_BACKEND}” as "
                "the engine backend in the settings of your client.",
                ErrorCode.UNSUPPORTED_BACKEND,
            )
        if source is None or isinstance(source, Seed):
            model_id, quant = await self._model_of(request, source, in_play), config.quant or "none"
        else:
            model_id, quant = source.model.id, source.model.quant
        entry = self._pool.entry(model_id)
        if quant not in entry.quants:
            raise DomainError(
                f"{entry.model_id} does not come in the quantisation “{quant}”. It has: {', '.join(entry.quants)}. "
                "Choose one of them as the quantisation in the settings of your client.",
                ErrorCode.UNSUPPORTED_QUANT,
            )
        not_pulled = await in_thread(self._work_threads, entry.not_pulled)
        if not_pulled is not None:
            raise DomainError(not_pulled, ErrorCode.MODEL_NOT_PULLED)
        return EngineKey(entry.model_id, quant)

    async def _model_of(self, request: InitRequest, seed: Seed | None, in_play: EngineKey | None) -> str:
        """What was asked for; else the best for the picture; else, without a picture, what is in play."""
        if request.model is not None:
            return request.model
        if seed is None and in_play is not None:
            return in_play.model_id
        seeds, seed_hash = self._seeds, "" if seed is None else seed.hash
        return await in_thread(self._work_threads, lambda: seeds.model_for(seed_hash))

    async def _read_seed(self, request: InitRequest) -> Seed | None:
        self._tell(request.req_id, ProgressStep.READING_PICTURE)
        seeds, visitor = self._seeds, self._visitor

        def read() -> Seed | None:
            if request.seed_image_data is not None:
                data = seeds.from_base64(request.seed_image_data)
                return Seed(hash_of(data), data, request.seed_filename)
            if isinstance(request, TimedInitRequest) and request.seed_hash is not None:
                data = seeds.from_store(visitor, request.seed_hash)
                return Seed(request.seed_hash, data, request.seed_filename or seeds.title_of(request.seed_hash))
            return None

        return await in_thread(self._work_threads, read)

    async def _read_saved(self, request: InitRequest) -> WorldFilePayload | None:
        """On the threads that may wait for verdicts, as every picture in the file is judged again."""
        if not isinstance(request, TimedInitRequest) or request.world_id is None:
            return None
        self._tell(request.req_id, ProgressStep.READING_PICTURE)
        world_files, visitor, world_id = self._world_files, self._visitor, request.world_id
        return await in_thread(self._check_threads, lambda: world_files.read(visitor, world_id))

    # -------------------------------------------------------------------------------------------------------- opening

    async def _open_leased(
        self, request: InitRequest, key: EngineKey, source: Source, *, waits: bool = False
    ) -> LeasedWorld:
        """Lease the engine and open a world in it. Cancelled at any point, neither remains.

        With `waits`, a client that can show it waits in line where the engine has no room.

        Raises:
            DomainError: the engine cannot be had, the picture may not be shown, or the engine cannot open it.
        """
        req_id = request.req_id
        self._tell(req_id, ProgressStep.LOADING_MODEL)
        events, post = asyncio.get_running_loop(), self._post

        def report(step: LoadStep) -> None:
            events.call_soon_threadsafe(post, StatusMessage(stage=_LOAD_STAGES[step]))

        def wait_in_line(number: int) -> None:
            self._post(ProgressMessage(req_id=req_id, step=ProgressStep.WAITING_FOR_PLACE, in_line=number))

        in_line = wait_in_line if waits and self._extended else None
        async with AsyncExitStack() as stack:
            lease = await stack.enter_async_context(self._pool.lease(key, self._session_id, report, in_line))
            await asyncio.sleep(0)  # so that what the load reported last is posted before what follows it
            engine = lease.engine
            opener = await self._opener(request, key, engine.spec, source)
            try:
                opening = in_thread(self._engine_threads, lambda: opener(engine))
                with service_errors_translated():
                    active = await unstoppable(opening, undo=lambda opened: self._close(opened.world))
            except DomainError:
                raise
            except Exception as error:  # an engine may raise anything
                logger.exception("The engine could not open a world", model=key.model_id, exc_info=error)
                message = f"{engine.spec.title} could not start a world in this picture."
                raise DomainError(message, ErrorCode.ENGINE_FAILED) from error
            return LeasedWorld(active, lease, stack.pop_all(), self._engine_threads)

    async def _opener(self, request: InitRequest, key: EngineKey, spec: WorldSpec, source: Source) -> Opener:
        """What opens the world; its picture was decoded and may be shown."""
        check_size(spec, asked_size(request))
        req_id = request.req_id
        self._post(StatusMessage(stage=StageId.INIT_SEED))
        if isinstance(source, Seed):
            self._tell(req_id, ProgressStep.CHECKING_PICTURE)
            seed, asked = source, _rng_seed_of(request)
            rng_seed = secrets.randbits(32) if asked is None else asked
            picture = await in_thread(self._check_threads, lambda: self._decode_and_check(seed, spec))

            def opener(engine: WorldEngine) -> ActiveWorld:
                return open_world(key, engine, seed, picture, rng_seed)
        elif isinstance(source, LeftWorld):
            opener = source.open  # its pictures were judged when it was played
        elif isinstance(source, WorldCopy):
            copied = source  # so were those of this one

            def opener(engine: WorldEngine) -> ActiveWorld:
                return open_copied_world(key, engine, copied)
        else:
            saved = source  # its pictures were judged when it was read

            def opener(engine: WorldEngine) -> ActiveWorld:
                return open_saved_world(key, engine, saved)

        self._post(StatusMessage(stage=StageId.INIT_FRAME))
        self._tell(req_id, ProgressStep.OPENING_WORLD)
        return opener

    def _decode_and_check(self, seed: Seed, spec: WorldSpec) -> Picture:
        picture = self._seeds.decode(seed.data, width=spec.width, height=spec.height)
        self._safety.require(seed.hash, picture)
        return picture

    async def _close(self, world: World) -> None:
        await in_thread(self._engine_threads, world.close)

    def _tell(self, req_id: str, step: ProgressStep) -> None:
        if self._extended:
            done = _INIT_STEPS.index(step) / len(_INIT_STEPS)
            self._post(ProgressMessage(req_id=req_id, step=step, fraction=done))


def _rng_seed_of(request: InitRequest) -> int | None:
    return request.rng_seed if isinstance(request, TimedInitRequest) else None


def _asks_for_other_chance(request: InitRequest, current: ActiveWorld) -> bool:
    """Whether another `rng_seed` is asked for than that of the world in play."""
    return _rng_seed_of(request) not in (None, current.rng_seed)


def _is_in_play(source: Source, request: InitRequest, current: ActiveWorld) -> bool:
    is_same_seed = isinstance(source, Seed) and source.hash == current.seed.hash
    return is_same_seed and not _asks_for_other_chance(request, current)
