"""Keeps what led to a session's moment: the frame loop tells it of passes and turns; it feeds journal, log, rewind."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from handlers.session.journal import Journal, JournalMoment, Stretch
from handlers.session.journal_capture import WorldCapture, copy_path
from handlers.session.journal_log import SegmentLog
from handlers.session.rewind import RewindTrack, Waypoint
from services.input_log.columns import PassInput
from services.input_log.lines import (
    ContinuedFrom,
    FrameCheck,
    GenerateScene,
    SceneEdit,
    WorldChanged,
    WorldReset,
    WorldRestored,
)
from services.input_log.pictures import pixels_hash

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from typing import Literal

    from handlers.session.active_world import ActiveWorld
    from handlers.session.context import PlayContext
    from handlers.session.inputs import TakenControl
    from services.world_engine.world_engine import Frames, Picture, WorldSnapshot


class JournalKeeper:
    """Touched by the event loop's thread alone. `frame` is the last frame that was seen, where it is known."""

    def __init__(self, context: PlayContext, active: ActiveWorld) -> None:
        self._context = context
        self._active = active
        self._journal = self._fresh(active)
        self._rewind = RewindTrack(context.config.limits.moment_bytes // 2)
        self._log = SegmentLog(context)
        self.frame: Picture | None = active.shown

    # -------------------------------------------------------------------------------------------- reading

    @property
    def moment(self) -> JournalMoment:
        return self._journal.moment

    @property
    def scene(self) -> Picture:
        """The picture that the world had last gone on from."""
        return self._journal.scene

    def capture(self, snapshot: WorldSnapshot, moment: JournalMoment, frame: Picture | None) -> WorldCapture:
        """All that a world file of `moment` needs, as it is now."""
        return WorldCapture(self._active, copy_path(moment), snapshot, frame)

    def waypoint(self, seconds: float) -> tuple[Waypoint, float]:
        """Where a rewind by so much leads, and how many seconds ago that was.

        Raises:
            DomainError: there is nothing to rewind.
        """
        now_s = self._world_seconds()
        point = self._rewind.back(now_s, seconds)
        return point, now_s - point.at_s

    @property
    def input_log(self) -> str | None:
        """The id of the input log that is written now."""
        return self._log.id

    def rewind_left_s(self) -> float:
        return self._rewind.left_s(self._world_seconds())

    # ------------------------------------------------------------------------------------------- passes

    def log_inputs(self, *, wanted: bool) -> None:
        """From the next pass on."""
        self._log.wanted = wanted
        if not wanted:
            self._log.end(self._journal.passes)
            self._log.forget_words()

    async def before_pass(self, take_snapshot: Callable[[], Awaitable[WorldSnapshot]]) -> None:
        """Snapshots are taken here, where the world stands still and nobody waits for a frame of it yet."""
        passes, journal = self._journal.passes, self._journal
        waypoint_due, begins_log = self._rewind.due(self._world_seconds()), self._log.is_due
        # A world that went on from another picture before its first pass is no longer at its seed.
        is_at_seed = not passes and journal.scene is self._active.picture
        snapshot = None
        if waypoint_due or journal.checkpoint_due or (begins_log and not is_at_seed):
            snapshot = await take_snapshot()
            if waypoint_due:
                self._rewind.add(Waypoint(self._world_seconds(), snapshot, journal.moment))
            if journal.checkpoint_due:
                journal.checkpoint(snapshot)
        if begins_log:
            self._log.begin(self._active, journal.scene, passes, None if is_at_seed else snapshot)

    def stepped(self, taken: TakenControl, frames: Frames) -> None:
        given = PassInput(taken.control, self._context.clock.wall(), taken.client_ts)
        self.frame = frames[-1]
        wants_check = self._journal.stepped(given)
        self._log.passed(self._journal.passes, given)
        if wants_check:
            self._check(frames[-1], self._journal.passes)

    def resting(self) -> None:
        """Play is paused: the log's segment ends."""
        self._log.end(self._journal.passes)

    # --------------------------------------------------------------------------------------------- turns

    def switched(self, active: ActiveWorld, wish: str | None = None) -> None:
        """Another world is played from here on; `wish` are the words that its seed was just made of."""
        picture = pixels_hash(active.picture) if self._log.wanted else ""
        self._turn(
            lambda ts, passes: WorldChanged(
                ts=ts, frame_id=passes, model=active.key.model_id, picture=picture, rng_seed=active.rng_seed
            )
        )
        self._log.forget_pictures()
        self._begin(active)
        if wish is not None:
            self._log.say(GenerateScene(ts=self._context.clock.wall(), frame_id=0, prompt=wish))

    def started_over(self, active: ActiveWorld, cause: Literal["asked", "engine_failed"] = "asked") -> None:
        """The same world, before its first pass."""
        self._turn(lambda ts, passes: WorldReset(ts=ts, frame_id=passes, cause=cause))
        self._active, self._journal = active, _at_seed(self._context, active)
        self._rewind.clear()
        self.frame = None

    def carried_on(self, active: ActiveWorld) -> None:
        """The same world at the same moment, in its engine loaded again."""
        self._active = active

    def returned_to(self, moment: JournalMoment, frame: Picture | None, *, keep_rewind: bool = False) -> None:
        self._turn(lambda ts, passes: WorldRestored(ts=ts, frame_id=passes, to=moment.passes))
        self._journal.returned_to(moment)
        self.frame = frame
        if not keep_rewind:
            self._rewind.clear()

    def continued_from(self, picture: Picture, snapshot: WorldSnapshot, wish: str | None) -> None:
        """The world goes on from another picture, for `wish` if it was asked for in words; `snapshot` is the world
        right after."""
        passes = self._journal.passes
        self._journal.continued_from(picture, snapshot, wish)
        self._rewind.clear()  # its snapshots belong to the picture before
        if self._log.wanted:
            ts = self._context.clock.wall()
            if wish is not None:
                self._log.say(SceneEdit(ts=ts, frame_id=passes, prompt=wish))
            self._log.keep_picture(picture)
            self._log.event(ContinuedFrom(ts=ts, frame_id=passes, picture=pixels_hash(picture)))
        self.frame = None

    def ended(self) -> None:
        self._log.end(self._journal.passes)

    # --------------------------------------------------------------------------------------------- parts

    def _begin(self, active: ActiveWorld) -> None:
        self._active, self._journal = active, self._fresh(active)
        self._rewind.clear()
        self.frame = active.shown

    def _fresh(self, active: ActiveWorld) -> Journal:
        if active.past is None:
            return _at_seed(self._context, active)
        return Journal(active.past, self._context.config.limits.journal_passes)

    def _turn(self, line: Callable[[float, int], WorldChanged | WorldReset | WorldRestored]) -> None:
        passes = self._journal.passes
        if self._log.wanted:
            self._log.event(line(self._context.clock.wall(), passes))
        self._log.end(passes)
        self._log.forget_words()

    def _check(self, frame: Picture, passes: int) -> None:
        digest: Future[str] = self._context.work_threads.submit(frame_hash, frame)
        self._journal.checked(digest)
        log = self._log.sink()
        if log is not None:
            digest.add_done_callback(lambda done: log.write(FrameCheck(frame_id=passes, sha256=done.result())))

    def _world_seconds(self) -> float:
        return self._journal.passes * self._active.engine.spec.pass_interval_s


def _at_seed(context: PlayContext, active: ActiveWorld) -> Journal:
    return Journal(Stretch(None, 0, active.picture), context.config.limits.journal_passes)


def frame_hash(frame: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest()
