"""The world's actor: the one task of a session that touches its world. It reads controls, steps, hands on frames."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from handlers.session import stepped
from handlers.session.mailbox import Call, CallQueue, EngineOffload
from handlers.session.stepped_pass import MadePass, SteppedPass
from handlers.session.stream import EncoderFailedError
from services.world_engine.world_engine import EngineFaultError
from state.app_state_types import EngineKey, Playing, SessionId, WorldInPlay
from wire_protocol import StageId, StatusMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from handlers.engines.pool import EnginePool
    from handlers.session.left_world import LeftWorld
    from handlers.session.mailbox import InputMailbox, TakenControl
    from handlers.session.outbox import FramesAnswer, Outbox
    from handlers.session.played_world import PlayedWorld
    from handlers.session.recording import SessionRecorder
    from handlers.session.stepped import WantedFrames, WorldClock
    from handlers.session.stream import FrameStream
    from handlers.sessions_handler import SessionsHandler
    from runtime_config.runtime_config import SessionLimits
    from services.clock.clock import Clock

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")

_FIRST_PAUSE_S: Final = 0.1  # before a failed engine gets its first new chance; then twice as long each time


class EngineExhaustedError(RuntimeError):
    """The engine kept failing until no recovery was left."""


class WorldActor:
    """Nothing else touches the world. The task waits on one event and on deadlines, and never polls."""

    def __init__(
        self,
        session_id: SessionId,
        world: PlayedWorld,
        *,
        sessions: SessionsHandler,
        pool: EnginePool,
        inputs: InputMailbox,
        stream: FrameStream,
        recorder: SessionRecorder,
        outbox: Outbox,
        limits: SessionLimits,
        clock: Clock,
        world_clock: WorldClock | None,
    ) -> None:
        """`world_clock`: the world makes a pass only when it is told to `step`; None: it goes on by itself."""
        self._session_id = session_id
        self._world = world
        self._sessions = sessions
        self._pool = pool
        self._inputs = inputs
        self._stream = stream
        self._recorder = recorder
        self._outbox = outbox
        self._limits = limits
        self._clock = clock
        self._world_clock = world_clock
        self._pacer = Pacer()
        self._recovery = RecoveryBudget(limits)
        self._wake = asyncio.Event()
        self._calls = CallQueue(self._wake.set)
        self._offload: EngineOffload | None = None
        self._seed_shown = False
        self._reset_wanted = False
        self._reset_words: str | None = None
        self._idle = False
        self._stopping = False
        self._keeps_world = False
        self.left: LeftWorld | None = None  # once `run` has ended, what it takes to play on elsewhere

    # ---------------------------------------------------------------------------- called by the session

    @property
    def world(self) -> PlayedWorld:
        """To look at, and to renew its video.

        Whatever else changes it, or looks into the engine, goes through `run_between_steps`.
        """
        return self._world

    def nudge(self) -> None:
        """Something that the actor waits for may have come, such as a change of the session's state."""
        self._wake.set()

    def control_arrived(self) -> None:
        if self._idle:
            self._wake.set()

    def reset(self, words: str | None = None) -> None:
        """Start over from the seed before the next pass; many requests are one. None: the words stay as they are."""
        self._reset_wanted = True
        if words is not None:
            self._reset_words = words
        self._wake.set()

    def stop(self, *, keep: bool = False) -> None:
        """End after the pass in hand; then `run` returns, and the world is closed. `keep`: it is to be played on."""
        self._stopping = True
        self._keeps_world = keep
        self._wake.set()

    async def run_between_steps(self, action: Callable[[PlayedWorld], Awaitable[Result]]) -> Result:
        """Have `action` done with the world between two steps; its result.

        A cancellation is passed on once an action that has begun is done.

        Raises:
            DomainError: what `action` raised; the engine failed during it; the session ended before it.
        """
        call = self._calls.add(Call(lambda: action(self._world)))
        if await call.settled():
            raise asyncio.CancelledError
        return call.result()

    async def change_between_steps(self, action: Callable[[PlayedWorld], Awaitable[Result]]) -> Result:
        """The same for an action that cannot be taken back.

        Cancelled before it begins, it never happens. Cancelled later, it is carried through, and the cancellation is
        forgotten: the result says what became of the world.
        """
        call = self._calls.add(Call(lambda: action(self._world)))
        await call.settled()
        return call.result()

    async def step(self, taken: TakenControl, wanted: WantedFrames) -> FramesAnswer:
        """Make one pass with these controls; the answer to who asked for it.

        Raises:
            DomainError: the world goes on by itself, or is paused; or as above.
        """
        clock = self._world_clock
        if clock is None:
            raise stepped.not_stepped()
        return await self.change_between_steps(lambda _: self._step_once(taken, wanted, clock))

    @asynccontextmanager
    async def engine_offloaded(self, following: EngineKey | None = None) -> AsyncGenerator[EngineOffload]:
        """Have the engine off the device until the end of the block, for `following` if it is another engine.

        The world stands still meanwhile, and then goes on.

        Raises:
            DomainError: as above, or others play on the engine too.
        """
        offload = EngineOffload(self._wake.set)
        try:
            await self.run_between_steps(lambda _: self._leave_engine(offload, following))
            yield offload
        finally:
            offload.end()

    # ----------------------------------------------------------------------------------------- the loop

    async def run(self) -> None:
        """Show the seed, then play until `stop`.

        Raises:
            EngineExhaustedError: the engine failed again and again.
            EncoderFailedError: so did the encoder.
        """
        try:
            while not self._stopping:
                try:
                    await self._turn()
                except EncoderFailedError:
                    raise
                except Exception as error:  # noqa: BLE001 - an engine may raise anything; recovery decides
                    await self._recover(error)
        finally:
            self._calls.close()
            if self._offload is not None:
                self._offload.give_up()
            if self._keeps_world:
                self.left = await self._world.leave()
            await self._stream.finish()
            self._recorder.cut()
            await self._world.end()

    async def _turn(self) -> None:
        """One decision, and what follows from it."""
        if not self._seed_shown:
            self._seed_shown = True
            await self._world.show_first_view()
        elif self._offload is not None:
            await self._without_engine(self._offload)
        elif self._reset_wanted:  # before the calls: what is asked for after it is of the world that starts over
            await self._start_over()
        elif self._calls:
            await self._calls.run_next()
        else:
            match self._sessions.state_of(self._session_id):
                case Playing(in_play):
                    await self._begin_playing()
                    await self._playing_turn(in_play)
                case _:
                    await self._stream.drain()
                    self._recorder.cut()
                    self._world.history.resting()
                    await self._rest()

    async def _start_over(self) -> None:
        words, self._reset_words, self._reset_wanted = self._reset_words, None, False
        await self._world.start_over(words)

    async def _begin_playing(self) -> None:
        """What is recorded begins with the next pass, if it has not begun."""
        await self._world.before_recording()
        as_video = self._stream.sends_video and self._world_clock is None  # H.264 leaves out what comes too fast
        self._recorder.playing(self._world.active, self._world.history.input_log, as_video=as_video)

    async def _step_once(self, taken: TakenControl, wanted: WantedFrames, clock: WorldClock) -> FramesAnswer:
        in_play = self._sessions.state_of(self._session_id)
        if not isinstance(in_play, Playing):
            raise stepped.paused()
        await self._begin_playing()
        await self._world.before_pass()
        spec = self._world.active.spec
        interval_s = spec.pass_interval_s
        began = self._clock.monotonic()
        whole, chosen = await self._world.step_for(taken, wanted)
        ended = self._clock.monotonic()
        clock.passed(interval_s)
        made = MadePass(spec.frames_per_pass, taken, in_play.world.epoch, began, ended, interval_s)
        return await self._stream.answer(made if whole is None else made.with_frames(whole), chosen, wanted)

    async def _playing_turn(self, in_play: WorldInPlay) -> None:
        now = self._clock.monotonic()
        if self._world_clock is not None:
            await self._rest()
        elif not self._inputs.live(now, self._limits.control_hold_s):
            self._idle = True
            await self._rest()
            self._idle = False
        elif in_play.capped and (wait_s := self._pacer.wait_s(now)) > 0:
            await self._sleep(wait_s)
        else:
            await self._play_pass(in_play)

    async def _play_pass(self, in_play: WorldInPlay) -> None:
        interval_s, timer = self._world.active.spec.pass_interval_s, self._stream.timer
        await self._world.before_pass()
        taken = self._inputs.take()
        started = self._clock.monotonic()
        self._pacer.started(started, interval_s)
        timer.started(started)
        frames = await self._world.step(taken)
        ended = self._clock.monotonic()
        timer.stepped(ended - started)
        cap_s = interval_s if in_play.capped else None
        await self._stream.submit(SteppedPass(len(frames), taken, in_play.epoch, started, ended, cap_s, frames))

    async def _rest(self) -> None:
        """Wait for something to happen, without spending time."""
        self._pacer.rest()
        self._stream.timer.rest()
        await self._stream.show_owed()
        await self._sleep(None)

    async def _sleep(self, timeout_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()

    # ---------------------------------------------------------------------------------- without the engine

    async def _leave_engine(self, offload: EngineOffload, following: EngineKey | None) -> None:
        lease = self._world.leased.lease
        self._pool.check_offload(lease)
        await self._world.leave_engine()
        self._offload = offload  # from here on the way back leads through the engine
        await self._pool.offload(lease, following)

    async def _without_engine(self, offload: EngineOffload) -> None:
        if offload.replacement is not None:
            self._offload = None
            await offload.replacement.run()
        elif offload.is_over:
            await self._return_to_engine()
        else:
            await self._rest()

    async def _return_to_engine(self) -> None:
        """Have it loaded again and go on, unless the session ends first."""
        loading = asyncio.ensure_future(self._pool.reload(self._world.leased.lease))
        loading.add_done_callback(lambda _: self._wake.set())
        while not (loading.done() or self._stopping):
            await self._sleep(None)
        if not loading.done():
            loading.cancel()
            await asyncio.wait({loading})
            return
        loading.result()
        self._offload = None
        await self._world.return_to_engine()
        logger.info("The world goes on", model=self._world.active.key.model_id)
        if self._reset_wanted:  # before the calls that wait: it was asked for before the scene was there
            await self._start_over()

    # ----------------------------------------------------------------------------------------- recovery

    async def _recover(self, error: Exception) -> None:
        """Open the world anew, as long as the budget allows: where it was last kept, at the last try in its seed."""
        logger.error("The engine failed in play", exc_info=error)
        while not self._stopping:
            chance = self._recovery.take(self._clock.monotonic())
            if chance is None:
                raise EngineExhaustedError("The engine kept failing.") from error
            await asyncio.sleep(chance.pause_s)
            try:
                if self._offload is not None:
                    await self._return_to_engine()
                else:
                    await self._reopen(error, from_seed=chance.is_last)
            except Exception as again:  # an engine may raise anything, and the budget bounds the tries
                logger.exception("The engine failed to open a world again", exc_info=again)
                continue
            return

    async def _reopen(self, error: Exception, *, from_seed: bool) -> None:
        what = str(error) if isinstance(error, EngineFaultError) else "The world failed."
        place = None if from_seed else self._world.history.newest_kept
        if place is None:
            await self._world.reopen()
            self._tell_of_failure(f"{what} Your world was started over from its seed.")
            await self._world.show_seed()
        else:
            lost_s = self._world.history.seconds_since(place.moment)
            await self._world.reopen_at(place)
            self._tell_of_failure(f"{what} Your world goes on from {lost_s:.1f} s before.")

    def _tell_of_failure(self, message: str) -> None:
        self._outbox.post(StatusMessage(stage=StageId.RESET, message=message))


class Pacer:
    """Deadlines on a fixed grid. A pass that comes late by more than an interval starts a new grid: no catching up."""

    def __init__(self) -> None:
        self._due: float | None = None

    def wait_s(self, now: float) -> float:
        """Seconds until the next pass may start; 0 when it is due."""
        return 0.0 if self._due is None else max(0.0, self._due - now)

    def started(self, now: float, interval_s: float) -> None:
        on_grid = self._due is not None and now - self._due < interval_s
        self._due = (self._due if on_grid and self._due is not None else now) + interval_s

    def rest(self) -> None:
        """Play stops: the next pass is due at once."""
        self._due = None


@dataclass(frozen=True, slots=True)
class RecoveryChance:
    """One more try, after a pause."""

    pause_s: float
    is_last: bool


class RecoveryBudget:
    """A few recoveries with growing pauses; good play for long enough fills the budget again."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._used = 0
        self._last = float("-inf")

    def take(self, now: float) -> RecoveryChance | None:
        """The next try; None when none is left."""
        if now - self._last >= self._limits.recovery_reset_s:
            self._used = 0
        self._last = now
        if self._used >= self._limits.max_recoveries:
            return None
        self._used += 1
        return RecoveryChance(_FIRST_PAUSE_S * 2 ** (self._used - 1), self._used == self._limits.max_recoveries)
