"""The frame loop of one session: reads controls, steps the world, and hands passes to the writer."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from error_types import DomainError, ErrorCode
from handlers.session.active_world import open_active_world
from handlers.session.errands import ErrandQueue
from handlers.session.journal_keeper import JournalKeeper
from handlers.session.pacing import Pacer, PassTimer
from handlers.session.pass_pipeline import PassPipeline, SteppedPass
from handlers.session.recovery import RecoveryBudget
from handlers.session.snapshots import KeptSnapshot, SnapshotShelf
from handlers.threads import in_thread
from services.world_engine.world_engine import NO_CONTROL
from state.app_state_types import Paused, Playing, SessionId, WorldInPlay
from wire_protocol import StageId, StatusMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.active_world import ActiveWorld
    from handlers.session.authoring import SceneChange
    from handlers.session.context import PlayContext
    from handlers.session.inputs import InputMailbox
    from handlers.session.journal_capture import WorldCapture
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from handlers.session.stats import SessionStats
    from services.world_engine.world_engine import Picture, WorldSnapshot

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
        self._active = active
        self._inputs = inputs
        self._outbox = outbox
        self._timer = PassTimer()
        self._pacer = Pacer()
        self._recorder = recorder
        self._pipeline = PassPipeline(
            context, active.engine.spec, epoch, outbox=outbox, stats=stats, timer=self._timer, recorder=recorder
        )
        self._recovery = RecoveryBudget(context.config.limits)
        limits = context.config.limits
        self._snapshots = SnapshotShelf(limits.kept_snapshots, limits.moment_bytes // 2)
        self._journal = JournalKeeper(context, active)
        self._wake = asyncio.Event()
        self._errands = ErrandQueue(self._wake.set)
        self._seed_shown = False
        self._reset_wanted = False
        self._idle = False
        self._stopping = False

    # ---------------------------------------------------------------------------- called by the session

    @property
    def active(self) -> ActiveWorld:
        return self._active

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

    async def switch_to(self, active: ActiveWorld) -> None:
        """Play another world from the next pass on. The old one is closed; its engine is the caller's to release."""
        await self._errands.ask(lambda: self._switch(active))

    async def take_snapshot(self) -> tuple[str, tuple[str, ...]]:
        """Keep this moment: its id, and the ids of all that are kept, oldest first."""
        return await self._errands.ask(self._keep_snapshot)

    async def restore_snapshot(self, snapshot_id: str) -> tuple[str, ...]:
        """Go back to a kept moment; the ids that are kept.

        Raises:
            DomainError: it is not, or no longer, kept.
        """
        return await self._errands.ask(lambda: self._return_to(snapshot_id))

    async def rewind(self, seconds: float) -> tuple[float, float]:
        """Go back in the world's own time: by how much it was, and how much further one could go.

        Raises:
            DomainError: there is nothing to go back to.
        """
        return await self._errands.ask(lambda: self._rewind(seconds))

    async def capture(self, snapshot_id: str | None = None) -> WorldCapture:
        """What a world file of this moment needs, or of a kept one.

        Raises:
            DomainError: that moment is not, or no longer, kept.
        """
        return await self._errands.ask(lambda: self._capture(snapshot_id))

    async def continue_from(self, picture: Picture) -> None:
        """Let the world go on from another picture, at the engine's size."""
        await self._errands.ask(lambda: self._continue_from(picture))

    async def view(self) -> tuple[Picture, int]:
        """What the player sees now, and the epoch of the world that shows it."""
        return await self._errands.ask(self._view)

    async def change_scene(self, change: SceneChange) -> None:
        """Let the world go on from a picture that was made for it, or begin another one there.

        Raises:
            DomainError: the world is not the one any more that the picture was made for.
        """
        await self._errands.ask(lambda: self._change_scene(change))

    def log_inputs(self, *, wanted: bool) -> None:
        """Whether what is played from here on is written to an input log."""
        self._journal.log_inputs(wanted=wanted)

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
            self._journal.ended()
            await self._close(self._active)

    async def _turn(self) -> None:
        """One decision, and what follows from it."""
        if not self._seed_shown:
            self._seed_shown = True
            await self._pipeline.show(self._active.first_view)
        elif self._errands:
            await self._errands.run_next()
        elif self._reset_wanted:
            self._reset_wanted = False
            await self._restart()
        else:
            match self._context.sessions.state_of(self._session_id):
                case Playing(world):
                    self._recorder.playing(self._active)
                    await self._playing_turn(world)
                case _:
                    await self._pipeline.drain()
                    self._recorder.cut()
                    self._journal.resting()
                    await self._rest()

    async def _playing_turn(self, world: WorldInPlay) -> None:
        now = self._context.clock.monotonic()
        if not self._inputs.live(now, self._context.config.limits.control_hold_s):
            self._idle = True
            await self._rest()
            self._idle = False
        elif world.capped and (wait_s := self._pacer.wait_s(now)) > 0:
            await self._sleep(wait_s)
        else:
            await self._play_pass(world)

    async def _play_pass(self, world: WorldInPlay) -> None:
        clock, interval_s = self._context.clock, self._active.engine.spec.pass_interval_s
        await self._journal.before_pass(self._snapshot)
        taken = self._inputs.take()
        started = clock.monotonic()
        self._pacer.started(started, interval_s)
        self._timer.started(started)
        frames = await self._in_engine(lambda: self._active.world.step(taken.control))
        self._journal.stepped(taken, frames)
        stepped = clock.monotonic()
        self._timer.stepped(stepped - started)
        cap_s = interval_s if world.capped else None
        await self._pipeline.submit(SteppedPass(frames, taken, world.epoch, started, stepped, cap_s))
        if not world.capped and self._timer.encoding_is_slower:
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

    async def _in_engine(self, work: Callable[[], Result]) -> Result:
        return await in_thread(self._context.engine_threads, work)

    # ------------------------------------------------------------------------------ changes of the world

    async def _switch(self, active: ActiveWorld) -> None:
        old, self._active = self._active, active
        self._snapshots.clear()
        self._journal.switched(active)
        self._inputs.clear()
        self._pipeline.use_spec(active.engine.spec)
        self._recorder.cut()
        self._begin_epoch()
        try:
            await self._pipeline.show(active.first_view)
        finally:
            await self._close(old)

    async def _restart(self) -> None:
        """Back to the world before its first pass."""
        await self._bring_back(self._active.origin, self._active.picture)
        self._journal.started_over(self._active)
        self._recorder.cut()
        self._begin_epoch()
        await self._pipeline.show(self._active.picture)
        logger.info("World reset")

    async def _keep_snapshot(self) -> tuple[str, tuple[str, ...]]:
        await self._pipeline.drain()
        frame = None if self._journal.frame is None else self._journal.frame.copy()  # not the whole pass
        kept = KeptSnapshot(await self._snapshot(), self._pipeline.last_jpeg, self._journal.moment, frame)
        return self._snapshots.keep(kept), self._snapshots.ids()

    async def _return_to(self, snapshot_id: str) -> tuple[str, ...]:
        kept = self._snapshots.find(snapshot_id)
        await self._bring_back(kept.snapshot, kept.moment.stretch.scene)
        self._journal.returned_to(kept.moment, kept.frame)
        self._begin_epoch()
        self._pipeline.show_jpeg(kept.jpeg)
        return self._snapshots.ids()

    async def _rewind(self, seconds: float) -> tuple[float, float]:
        point, went_back_s = self._journal.waypoint(seconds)
        await self._bring_back(point.snapshot, point.moment.stretch.scene)
        # The frame there was not kept; the one after it comes close, and what was not looked at did not happen.
        frames = await self._in_engine(lambda: self._active.world.step(NO_CONTROL))
        await self._in_engine(lambda: self._active.world.restore(point.snapshot))
        self._journal.returned_to(point.moment, None, keep_rewind=True)
        self._inputs.clear()
        self._begin_epoch()
        await self._pipeline.show(frames[0])
        return went_back_s, self._journal.rewind_left_s()

    async def _capture(self, snapshot_id: str | None) -> WorldCapture:
        if snapshot_id is not None:
            kept = self._snapshots.find(snapshot_id)
            return self._journal.capture(kept.snapshot, kept.moment, kept.frame)
        return self._journal.capture(await self._snapshot(), self._journal.moment, self._journal.frame)

    async def _continue_from(self, picture: Picture) -> None:
        await self._in_engine(lambda: self._active.world.continue_from(picture))
        self._journal.continued_from(picture, await self._snapshot())
        self._begin_epoch()
        await self._pipeline.show(picture)

    async def _view(self) -> tuple[Picture, int]:
        await self._pipeline.drain()
        frame = self._pipeline.still if self._journal.frame is None else self._journal.frame
        if frame is None:  # a kept moment without its frame was returned to: the JPEG of it is all there is
            spec, jpeg = self._active.engine.spec, self._pipeline.last_jpeg
            decode = self._context.seeds.decode
            frame = await in_thread(
                self._context.work_threads, lambda: decode(jpeg, width=spec.width, height=spec.height)
            )
        return frame.copy(), self._epoch()

    async def _change_scene(self, change: SceneChange) -> None:
        if change.epoch != self._epoch():
            message = "The world moved on before the scene was ready, so it was dropped."
            raise DomainError(message, ErrorCode.AUTHORING_OUTDATED)
        change.has_begun = True
        if change.seed is None:
            await self._continue_from(change.picture)
            return
        active, seed, rng_seed = self._active, change.seed, secrets.randbits(32)
        try:
            opened = await self._in_engine(
                lambda: open_active_world(active.key, active.engine, seed, change.picture, rng_seed)
            )
        except Exception as error:  # an engine may raise anything; the world in play is still there
            logger.exception("The engine could not open a world in a scene", exc_info=error)
            message = f"{active.engine.spec.title} could not start a world in this scene."
            raise DomainError(message, ErrorCode.ENGINE_FAILED) from error
        await self._switch(opened)

    def _epoch(self) -> int:
        match self._context.sessions.state_of(self._session_id):
            case Playing(world) | Paused(world):
                return world.epoch
            case _:
                raise DomainError("The session is over.", ErrorCode.CANCELLED)

    async def _snapshot(self) -> WorldSnapshot:
        return await self._in_engine(self._active.world.snapshot)

    async def _bring_back(self, snapshot: WorldSnapshot, scene: Picture) -> None:
        """A snapshot holds no picture: the world must have gone on from the same one before."""
        world, same_scene = self._active.world, scene is self._journal.scene

        def restore() -> None:
            if not same_scene:
                world.continue_from(scene)
            world.restore(snapshot)

        await self._in_engine(restore)

    def _begin_epoch(self) -> None:
        """What was made for the world until now is dropped from here on."""
        active = self._active

        def change(world: WorldInPlay) -> WorldInPlay:
            return replace(
                world,
                key=active.key,
                seed_hash=active.seed.hash,
                rng_seed=active.rng_seed,
                epoch=world.epoch + 1,
            )

        world = self._context.sessions.change_world(self._session_id, change)
        if world is not None:
            self._pipeline.begin_epoch(world.epoch)

    # ----------------------------------------------------------------------------------------- recovery

    async def _recover(self, error: Exception) -> None:
        """Open the world anew in its seed, as long as the budget allows."""
        logger.error("The engine failed in play", exc_info=error)
        while not self._stopping:
            pause_s = self._recovery.take(self._context.clock.monotonic())
            if pause_s is None:
                raise EngineExhaustedError("The engine kept failing.") from error
            await asyncio.sleep(pause_s)
            broken = self._active
            try:
                self._active = await self._in_engine(broken.reopen)
            except Exception as again:  # an engine may raise anything, and the budget bounds the tries
                logger.exception("The engine failed to open a world again", exc_info=again)
                continue
            await self._close(broken)
            self._journal.started_over(self._active, "engine_failed")
            self._recorder.cut()
            self._begin_epoch()
            self._outbox.post(
                StatusMessage(stage=StageId.RESET, message="The world failed and was started over from its seed.")
            )
            await self._pipeline.show(self._active.picture)
            return

    async def _close(self, active: ActiveWorld) -> None:
        try:
            await self._in_engine(active.world.close)
        except Exception as error:  # a world that cannot be closed must not take the session with it
            logger.exception("A world could not be closed", exc_info=error)
