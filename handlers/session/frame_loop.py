"""The frame loop of one session: reads controls, steps the world, and hands passes to the writer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import structlog

from handlers.session.engine_absence import EngineAbsence
from handlers.session.errands import ErrandQueue
from handlers.session.pacing import Pacer, PassTimer
from handlers.session.pass_pipeline import PassPipeline, SteppedPass
from handlers.session.played_world import PlayedWorld
from handlers.session.recovery import RecoveryBudget
from state.app_state_types import Playing, SessionId, WorldInPlay
from wire_protocol import StageId, StatusMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from handlers.session.active_world import ActiveWorld
    from handlers.session.context import PlayContext
    from handlers.session.inputs import InputMailbox
    from handlers.session.leases import SessionLeases
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from handlers.session.stats import SessionStats

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")


class EngineExhaustedError(RuntimeError):
    """The engine kept failing until no recovery was left."""


class FrameLoop:
    """One task; nothing else touches the world. It waits on conditions and deadlines, and never polls."""

    def __init__(
        self,
        context: PlayContext,
        session_id: SessionId,
        leases: SessionLeases,
        active: ActiveWorld,
        epoch: int,
        *,
        inputs: InputMailbox,
        outbox: Outbox,
        stats: SessionStats,
        recorder: SessionRecorder,
    ) -> None:
        self._context = context
        self._session_id = session_id
        self._leases = leases
        self._inputs = inputs
        self._outbox = outbox
        self._timer = PassTimer()
        self._pacer = Pacer()
        self._recorder = recorder
        self._pipeline = PassPipeline(
            context, active.engine.spec, epoch, outbox=outbox, stats=stats, timer=self._timer, recorder=recorder
        )
        self._recovery = RecoveryBudget(context.config.limits)
        self._world = PlayedWorld(
            context, session_id, leases, active, inputs=inputs, pipeline=self._pipeline, recorder=recorder
        )
        self._wake = asyncio.Event()
        self._errands = ErrandQueue(self._wake.set)
        self._absence: EngineAbsence | None = None
        self._seed_shown = False
        self._reset_wanted = False
        self._idle = False
        self._stopping = False

    # ---------------------------------------------------------------------------- called by the session

    @property
    def world(self) -> PlayedWorld:
        """To look at. What changes it, or looks into the engine, is an errand for `between_passes`."""
        return self._world

    def nudge(self) -> None:
        """Something the loop waits for may have come: a change of the session's state."""
        self._wake.set()

    def control_arrived(self) -> None:
        if self._idle:
            self._wake.set()

    def reset(self) -> None:
        """Start over from the seed before the next pass; many requests are one."""
        self._reset_wanted = True
        self._wake.set()

    def stop(self) -> None:
        """End after the pass in hand; then the task that runs `run` is done, and the world closed."""
        self._stopping = True
        self._wake.set()

    async def between_passes(self, errand: Callable[[PlayedWorld], Awaitable[Result]]) -> Result:
        """Have something done with the world where it stands still; what came of it.

        Raises:
            DomainError: what `errand` raised; the engine failed while doing it; the loop ended before it.
        """
        return await self._errands.ask(lambda: errand(self._world))

    @asynccontextmanager
    async def engine_aside(self) -> AsyncGenerator[None]:
        """Have the engine unloaded until the end of the block. The world stands still meanwhile, and then goes on.

        Raises:
            DomainError: as above, or others play on the engine too.
        """
        absence = EngineAbsence(self._wake.set)
        try:
            await self._errands.ask(lambda: self._leave_engine(absence))
            yield
        finally:
            absence.end()

    # ----------------------------------------------------------------------------------------- the loop

    async def run(self) -> None:
        """Show the seed, then play until `stop`.

        Raises:
            EngineExhaustedError: the engine failed again and again.
        """
        try:
            while not self._stopping:
                try:
                    await self._turn()
                except Exception as error:  # noqa: BLE001 - an engine may raise anything; recovery decides
                    await self._recover(error)
        finally:
            self._errands.close()
            await self._pipeline.finish()
            self._recorder.cut()
            await self._world.end()

    async def _turn(self) -> None:
        """One decision, and what follows from it."""
        if not self._seed_shown:
            self._seed_shown = True
            await self._pipeline.show(self._world.active.first_view)
        elif self._absence is not None:
            await self._without_engine(self._absence)
        elif self._errands:
            await self._errands.run_next()
        elif self._reset_wanted:
            self._reset_wanted = False
            await self._world.start_over()
        else:
            match self._context.sessions.state_of(self._session_id):
                case Playing(in_play):
                    self._recorder.playing(self._world.active)
                    await self._playing_turn(in_play)
                case _:
                    await self._pipeline.drain()
                    self._recorder.cut()
                    self._world.resting()
                    await self._rest()

    async def _playing_turn(self, in_play: WorldInPlay) -> None:
        now = self._context.clock.monotonic()
        if not self._inputs.live(now, self._context.config.limits.control_hold_s):
            self._idle = True
            await self._rest()
            self._idle = False
        elif in_play.capped and (wait_s := self._pacer.wait_s(now)) > 0:
            await self._sleep(wait_s)
        else:
            await self._play_pass(in_play)

    async def _play_pass(self, in_play: WorldInPlay) -> None:
        clock, interval_s = self._context.clock, self._world.active.engine.spec.pass_interval_s
        await self._world.before_pass()
        taken = self._inputs.take()
        started = clock.monotonic()
        self._pacer.started(started, interval_s)
        self._timer.started(started)
        frames = await self._world.step(taken)
        stepped = clock.monotonic()
        self._timer.stepped(stepped - started)
        cap_s = interval_s if in_play.capped else None
        await self._pipeline.submit(SteppedPass(frames, taken, in_play.epoch, started, stepped, cap_s))
        if not in_play.capped and self._timer.encoding_is_slower:
            # Stepping ahead of a slower encoder would only read the input earlier than the frame needs it.
            await self._pipeline.drain()

    async def _rest(self) -> None:
        """Wait for something to happen, without spending time."""
        self._pacer.rest()
        self._timer.rest()
        await self._sleep(None)

    async def _sleep(self, timeout_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()

    # ---------------------------------------------------------------------------------- without the engine

    async def _leave_engine(self, absence: EngineAbsence) -> None:
        await self._world.leave_engine()
        self._absence = absence

    async def _without_engine(self, absence: EngineAbsence) -> None:
        if absence.is_over:
            await self._return_to_engine()
        else:
            await self._rest()

    async def _return_to_engine(self) -> None:
        """Have it loaded again and go on, unless the session ends first."""
        loading = asyncio.ensure_future(self._leases.reload(self._world.active.key))
        loading.add_done_callback(lambda _: self._wake.set())
        while not (loading.done() or self._stopping):
            await self._sleep(None)
        if not loading.done():
            loading.cancel()
            await asyncio.wait({loading})
            return
        engine = loading.result().engine
        self._absence = None
        await self._world.return_to(engine)
        logger.info("The world goes on", model=self._world.active.key.model_id)
        if self._reset_wanted:  # before what waits: it was asked for before the scene was there
            self._reset_wanted = False
            await self._world.start_over()

    # ----------------------------------------------------------------------------------------- recovery

    async def _recover(self, error: Exception) -> None:
        """Open the world anew in its seed, as long as the budget allows."""
        logger.error("The engine failed in play", exc_info=error)
        while not self._stopping:
            pause_s = self._recovery.take(self._context.clock.monotonic())
            if pause_s is None:
                raise EngineExhaustedError("The engine kept failing.") from error
            await asyncio.sleep(pause_s)
            try:
                if self._absence is not None:
                    await self._return_to_engine()
                    return
                await self._world.reopen()
            except Exception as again:  # an engine may raise anything, and the budget bounds the tries
                logger.exception("The engine failed to open a world again", exc_info=again)
                continue
            self._outbox.post(
                StatusMessage(stage=StageId.RESET, message="The world failed and was started over from its seed.")
            )
            await self._pipeline.show(self._world.active.picture)
            return
