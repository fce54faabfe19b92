"""The world that a session plays, and what happens to it between two passes: moments, ways back, other scenes."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from error_types import DomainError, ErrorCode
from handlers.session.active_world import open_active_world
from handlers.session.journal_keeper import JournalKeeper
from handlers.session.snapshots import KeptSnapshot, SnapshotShelf
from handlers.threads import in_thread
from services.world_engine.world_engine import NO_CONTROL
from state.app_state_types import Paused, Playing, SessionId, WorldInPlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.active_world import ActiveWorld
    from handlers.session.authoring import SceneChange
    from handlers.session.context import PlayContext
    from handlers.session.inputs import InputMailbox, TakenControl
    from handlers.session.journal_capture import WorldCapture
    from handlers.session.pass_pipeline import PassPipeline
    from handlers.session.recording import SessionRecorder
    from services.world_engine.world_engine import Frames, Picture, WorldEngine, WorldSnapshot

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")


class PlayedWorld:
    """The frame loop's task alone calls what is asynchronous here: nothing else may touch an engine's world.

    Where the world does not simply go on, another epoch begins: what was made for it until then is dropped.
    """

    def __init__(
        self,
        context: PlayContext,
        session_id: SessionId,
        active: ActiveWorld,
        *,
        inputs: InputMailbox,
        pipeline: PassPipeline,
        recorder: SessionRecorder,
    ) -> None:
        limits = context.config.limits
        self._context = context
        self._session_id = session_id
        self._active = active
        self._inputs = inputs
        self._pipeline = pipeline
        self._recorder = recorder
        self._snapshots = SnapshotShelf(limits.kept_snapshots, limits.moment_bytes // 2)
        self._journal = JournalKeeper(context, active)
        self._kept: WorldSnapshot | None = None  # where the world was when it left its engine

    @property
    def active(self) -> ActiveWorld:
        return self._active

    def log_inputs(self, *, wanted: bool) -> None:
        """Whether what is played from here on is written to an input log."""
        self._journal.log_inputs(wanted=wanted)

    # ------------------------------------------------------------------------------------------- passes, and the end

    async def before_pass(self) -> None:
        await self._journal.before_pass(self._snapshot)

    async def step(self, taken: TakenControl) -> Frames:
        frames = await self._in_engine(lambda: self._active.world.step(taken.control))
        self._journal.stepped(taken, frames)
        self._recorder.logged_in(self._journal.input_log)
        return frames

    def resting(self) -> None:
        """Play is paused."""
        self._journal.resting()

    async def end(self) -> None:
        self._journal.ended()
        await self._close(self._active)

    # ------------------------------------------------------------------------------ other worlds, and the beginning

    async def switch_to(self, active: ActiveWorld, wish: str | None = None) -> None:
        """Play another world from the next pass on, whose seed was just made for `wish`, if that is given.

        The old one is closed; its engine is the caller's to release.
        """
        old, self._active = self._active, active
        self._snapshots.clear()
        self._journal.switched(active, wish)
        self._inputs.clear()
        self._pipeline.use_spec(active.engine.spec)
        self._recorder.cut()
        self._begin_epoch()
        try:
            await self._pipeline.show(active.first_view)
        finally:
            await self._close(old)

    async def start_over(self) -> None:
        """Back to the world before its first pass."""
        await self._bring_back(self._active.origin, self._active.picture)
        self._journal.started_over(self._active)
        self._recorder.cut()
        self._begin_epoch()
        await self._pipeline.show(self._active.picture)
        logger.info("World reset")

    async def reopen(self) -> None:
        """Open the world anew in its seed, in place of one that its engine broke.

        Raises:
            Exception: whatever the engine raises; the broken world is still there then.
        """
        broken = self._active
        self._active = await self._in_engine(broken.reopen)
        await self._close(broken)
        self._journal.started_over(self._active, "engine_failed")
        self._recorder.cut()
        self._begin_epoch()

    # --------------------------------------------------------------------------------------------- without the engine

    async def leave_engine(self) -> None:
        """Keep this moment and give the engine up: until `return_to`, nothing can be done with the world.

        Raises:
            DomainError: others play on the engine too; nothing has happened then.
        """
        kept, active = await self._snapshot(), self._active
        await self._context.leaves.set_aside(active.key, self._session_id, lambda: self._close(active))
        self._kept = kept

    async def return_to(self, engine: WorldEngine) -> None:
        """Go on where the world was left, in its engine loaded again.

        Raises:
            Exception: whatever the engine raises; the world can be opened anew in it then.
        """
        kept, scene, left = self._kept, self._journal.scene, self._active
        self._active, self._kept = replace(left, engine=engine), None
        if kept is not None:
            self._active = await self._in_engine(lambda: left.carried_on(engine, kept, scene))
        self._journal.carried_on(self._active)

    # ------------------------------------------------------------------------------------------------------ moments

    async def take_snapshot(self) -> tuple[str, tuple[str, ...]]:
        """Keep this moment: its id, and the ids of all that are kept, oldest first."""
        await self._pipeline.drain()
        frame = None if self._journal.frame is None else self._journal.frame.copy()  # not the whole pass
        kept = KeptSnapshot(await self._snapshot(), self._pipeline.last_jpeg, self._journal.moment, frame)
        return self._snapshots.keep(kept), self._snapshots.ids()

    async def restore_snapshot(self, snapshot_id: str) -> tuple[str, ...]:
        """Go back to a kept moment; the ids that are kept.

        Raises:
            DomainError: it is not, or no longer, kept.
        """
        kept = self._snapshots.find(snapshot_id)
        await self._bring_back(kept.snapshot, kept.moment.stretch.scene)
        self._journal.returned_to(kept.moment, kept.frame)
        self._begin_epoch()
        self._pipeline.show_jpeg(kept.jpeg)
        return self._snapshots.ids()

    async def rewind(self, seconds: float) -> tuple[float, float]:
        """Go back in the world's own time: by how much it was, and how much further one could go.

        Raises:
            DomainError: there is nothing to go back to.
        """
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

    async def capture(self, snapshot_id: str | None = None) -> WorldCapture:
        """What a world file of this moment needs, or of a kept one.

        Raises:
            DomainError: that moment is not, or no longer, kept.
        """
        if snapshot_id is not None:
            kept = self._snapshots.find(snapshot_id)
            return self._journal.capture(kept.snapshot, kept.moment, kept.frame)
        return self._journal.capture(await self._snapshot(), self._journal.moment, self._journal.frame)

    # ------------------------------------------------------------------------------------------------------- scenes

    async def continue_from(self, picture: Picture, wish: str | None = None) -> None:
        """Let the world go on from another picture, at the engine's size; `wish` are the words that it was made of."""
        await self._in_engine(lambda: self._active.world.continue_from(picture))
        self._journal.continued_from(picture, await self._snapshot(), wish)
        self._begin_epoch()
        await self._pipeline.show(picture)

    async def view(self) -> tuple[Picture, int]:
        """What the player sees now, and the epoch of the world that shows it."""
        await self._pipeline.drain()
        frame = self._pipeline.still if self._journal.frame is None else self._journal.frame
        if frame is None:  # a kept moment without its frame was returned to: the JPEG of it is all there is
            spec, jpeg = self._active.engine.spec, self._pipeline.last_jpeg
            decode = self._context.seeds.decode
            frame = await in_thread(
                self._context.work_threads, lambda: decode(jpeg, width=spec.width, height=spec.height)
            )
        return frame.copy(), self._epoch()

    async def change_scene(self, change: SceneChange) -> None:
        """Let the world go on from a picture that was made for it, or begin another one there.

        Raises:
            DomainError: the world is not the one any more that the picture was made for.
        """
        if change.epoch != self._epoch():
            message = "The world moved on before the scene was ready, so it was dropped."
            raise DomainError(message, ErrorCode.AUTHORING_OUTDATED)
        change.has_begun = True
        if change.seed is None:
            await self.continue_from(change.picture, change.wish)
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
        await self.switch_to(opened, change.wish)

    # -------------------------------------------------------------------------------------------------------- parts

    def _epoch(self) -> int:
        match self._context.sessions.state_of(self._session_id):
            case Playing(world) | Paused(world):
                return world.epoch
            case _:
                raise DomainError("The session is over.", ErrorCode.CANCELLED)

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

    async def _close(self, active: ActiveWorld) -> None:
        try:
            await self._in_engine(active.world.close)
        except Exception as error:  # a world that cannot be closed must not take the session with it
            logger.exception("A world could not be closed", exc_info=error)

    async def _in_engine(self, work: Callable[[], Result]) -> Result:
        return await in_thread(self._context.engine_threads, work)
