"""What a session remembers of the world in play: the path to it, the last half minute, and the input log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handlers.base import in_thread
from handlers.session.path import Checkpoint, Moment, PathSegment, RewindTrack, WorldPath
from handlers.session.world import WorldCapture, copy_path
from handlers.session.world_memory import world_memory
from services.input_log.columns import PassInput
from services.input_log.lines import (
    ContinuedFrom,
    FrameCheck,
    GenerateScene,
    Prompt,
    SceneEdit,
    SessionEnd,
    SessionStart,
    StartsFrom,
    WorldChanged,
    WorldReset,
    WorldRestored,
    frame_input,
)
from services.input_log.pictures import pixels_hash, snapshot_hash
from services.world_engine.prompt_words import takes_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor, Future
    from typing import Literal

    from handlers.session.mailbox import TakenControl
    from handlers.session.world import ActiveWorld
    from runtime_config.runtime_config import SessionLimits
    from services.clock.clock import Clock
    from services.input_log.input_log import InputLog, InputLogs
    from services.input_log.lines import LogLine
    from services.world_engine.world_engine import Picture, WorldSnapshot


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """A moment of the path, and the world as it was then."""

    snapshot: WorldSnapshot
    moment: Moment


@dataclass(frozen=True, slots=True)
class Remembered:
    """What led to a world that was left, for it to be played on. `frame` is the last one, where it is known.

    `passes_made` counts all passes since the first world of the player, also those that were taken back.
    """

    path: WorldPath
    rewind: RewindTrack
    frame: Picture | None
    passes_made: int = 0


@dataclass(frozen=True, slots=True)
class LoggedStart:
    """Where a segment of an input log starts from; `hash` is the SHA-256 (hex) of the state."""

    snapshot: WorldSnapshot
    hash: str


class WorldHistory:
    """The world's actor tells it of every pass and of everything else that happens to the world.

    Touched by the event loop's thread alone. `frame` is the last frame that was seen, where it is known.
    """

    def __init__(
        self,
        active: ActiveWorld,
        log: SegmentLog,
        *,
        limits: SessionLimits,
        clock: Clock,
        work_threads: Executor,
        remembered: Remembered | None = None,
        passes_made: int = 0,
    ) -> None:
        """`remembered`: the world is played on that another session has left. `passes_made` as in `Remembered`, where
        nothing else is remembered of it."""
        self._log = log
        self._max_passes = limits.journal_passes
        self._clock = clock
        self._work_threads = work_threads
        self._limits = limits
        self._memory = world_memory(limits, active.spec)
        self._active = active
        if remembered is None:
            remembered = Remembered(self._path_of(active), RewindTrack(self._memory.rewind), active.shown, passes_made)
        self._path = remembered.path
        self._rewind = remembered.rewind
        self.frame: Picture | None = remembered.frame
        self._passes_made = remembered.passes_made

    # -------------------------------------------------------------------------------------------- reading

    @property
    def moment(self) -> Moment:
        return self._path.moment

    @property
    def scene(self) -> Picture:
        """The picture that the world had last gone on from."""
        return self._path.scene

    @property
    def words(self) -> str:
        """The prompt that steers the world; empty: none."""
        return self._path.words

    @property
    def input_log(self) -> str | None:
        """The id of the input log that is being written."""
        return self._log.id

    def capture(self, snapshot: WorldSnapshot, moment: Moment, frame: Picture | None) -> WorldCapture:
        """All that a world file of `moment` needs, as it is now."""
        return WorldCapture(self._active, copy_path(moment), snapshot, frame)

    def checkpoint(self, seconds: float) -> tuple[Checkpoint, float]:
        """Where a rewind by so many seconds leads, and how many seconds ago that was.

        Raises:
            DomainError: there is nothing to rewind.
        """
        now_s = self._world_seconds()
        point = self._rewind.back(now_s, seconds)
        return point, now_s - point.at_s

    @property
    def newest_kept(self) -> KeptPlace | None:
        """The newest snapshot of the world, to go on from once its engine has lost it; None: only the seed is left."""
        point, base = self._rewind.newest, self._newest_base
        if point is None or (base is not None and base.moment.passes >= point.moment.passes):
            return base
        is_seed = point.moment.passes == 0 and point.moment.segment.scene is self._active.picture
        return None if is_seed else KeptPlace(point.snapshot, point.moment)

    @property
    def _newest_base(self) -> KeptPlace | None:
        for segment, _ in reversed(self._path.moment.path()):
            if segment.base is not None:
                return KeptPlace(segment.base, Moment(segment, 0))
        return None

    def seconds_since(self, moment: Moment) -> float:
        """How much of the world's own time has passed since then."""
        return (self._path.passes - moment.passes) * self._active.spec.pass_interval_s

    def passes_made_at(self, passes: int) -> int:
        """How many of all passes had been made when the path, on which the world is now, was so many long."""
        return max(0, self._passes_made - (self._path.passes - passes))

    def rewind_left_s(self) -> float:
        return self._rewind.left_s(self._world_seconds())

    # --------------------------------------------------------------------------------------------- passes

    def log_inputs(self, *, wanted: bool) -> None:
        """Whether to write an input log from the next pass on."""
        self._log.is_wanted = wanted
        if not wanted:
            self._log.end(self._path.passes)
            self._log.forget_prompts()

    async def begin_log(self, take_snapshot: Callable[[], Awaitable[WorldSnapshot]]) -> None:
        """Open a segment of the input log for the next pass, if one is wanted and none is open."""
        if self._log.is_due:
            snapshot = None if self._is_at_seed() else await take_snapshot()
            start = None
            if snapshot is not None:  # it may be large, so it is hashed elsewhere
                start = LoggedStart(snapshot, await in_thread(self._work_threads, lambda: snapshot_hash(snapshot)))
            self._log.begin(self._active, self._path.scene, self._path.passes, start)

    async def before_pass(self, take_snapshot: Callable[[], Awaitable[WorldSnapshot]]) -> None:
        """Snapshots are taken before a pass, where the world stands still and nobody waits for a frame of it yet."""
        path, rewind_due = self._path, self._rewind.due(self._world_seconds())
        if not (rewind_due or path.base_due):
            return
        snapshot = await take_snapshot()
        if rewind_due:
            self._rewind.add(Checkpoint(self._world_seconds(), snapshot, path.moment))
        if path.base_due:
            path.rebase(snapshot)

    @property
    def checks_next(self) -> bool:
        """Whether the last frame of the next pass is one by which a replay is compared."""
        return self._path.checks_next

    def stepped(self, taken: TakenControl, frame: Picture | None) -> None:
        """`frame` is the last one of the pass; None: it was not drawn, and `checks_next` did not ask for it."""
        given = PassInput(taken.control, self._clock.wall(), taken.client_ts)
        self.frame = frame
        self._passes_made += 1
        wants_check = self._path.stepped(given)
        passes = self._path.passes
        self._log.write(frame_input(passes, given))
        if wants_check and frame is not None:
            digest: Future[str] = self._work_threads.submit(frame_hash, frame)
            self._path.checked(digest)
            self._log.write_check(passes, digest)

    def resting(self) -> None:
        """Play is paused, which ends the segment of the log."""
        self._log.end(self._path.passes)

    def left(self) -> Remembered:
        """The world is left, to be played on in another session: what that needs. Nothing of it stays here."""
        frame = None if self.frame is None else self.frame.copy()  # not the whole pass
        remembered = Remembered(self._path, self._rewind, frame, self._passes_made)
        self._rewind = RewindTrack(self._memory.rewind)
        return remembered

    def ended(self) -> None:
        """The session is over: everything that was kept is dropped."""
        self._log.end(self._path.passes)
        self._rewind.clear()
        self.frame = None

    # ------------------------------------------------------------------------------- other things that happen

    def switched(self, active: ActiveWorld, prompt: str | None = None) -> None:
        """Another world is played from here on; its seed was made for `prompt`, if that is given."""
        picture = pixels_hash(active.picture) if self._log.is_wanted else ""
        self._end_segment(
            lambda ts, passes: WorldChanged(
                ts=ts, frame_id=passes, model=active.key.model_id, picture=picture, rng_seed=active.rng_seed
            )
        )
        self._log.forget_pictures()
        self._memory = world_memory(self._limits, active.spec)
        self._active, self._path = active, self._path_of(active)
        self._rewind = RewindTrack(self._memory.rewind)
        self.frame = active.shown
        if prompt is not None:
            self._log.say(GenerateScene(ts=self._clock.wall(), frame_id=0, prompt=prompt))

    def started_over(
        self, active: ActiveWorld, cause: Literal["asked", "engine_failed"] = "asked", *, words: str = ""
    ) -> None:
        """The same world, before its first pass. `words` steer it."""
        self._end_segment(lambda ts, passes: WorldReset(ts=ts, frame_id=passes, cause=cause))
        self._active, self._path = active, self._path_at_seed(active, words)
        self._rewind.clear()
        self.frame = None

    def restored(self, active: ActiveWorld) -> None:
        """The same world at the same moment, opened anew in its engine."""
        self._active = active

    def returned_to(self, moment: Moment, frame: Picture | None, *, keep_rewind: bool = False) -> None:
        self._end_segment(lambda ts, passes: WorldRestored(ts=ts, frame_id=passes, to=moment.passes))
        self._path.branch(moment)
        self.frame = frame
        if not keep_rewind:
            self._rewind.clear()

    def continued_from(self, picture: Picture, snapshot: WorldSnapshot, prompt: str | None) -> None:
        """The world goes on from another picture, made for `prompt` if that is given.

        `snapshot` is the world right after it.
        """
        passes = self._path.passes
        self._path.continued_from(picture, snapshot, prompt)
        self._rewind.clear()  # its snapshots belong to the picture before
        self.frame = None
        if self._log.is_wanted:
            ts = self._clock.wall()
            if prompt is not None:
                self._log.say(SceneEdit(ts=ts, frame_id=passes, prompt=prompt))
            self._log.keep_picture(picture)
            self._log.write(ContinuedFrom(ts=ts, frame_id=passes, picture=pixels_hash(picture)))

    def reworded(self, words: str, snapshot: WorldSnapshot) -> None:
        """Other words steer the world from here on. `snapshot` is the world right after they were set."""
        passes = self._path.passes
        self._path.reworded(words, snapshot)
        self._log.write(Prompt(ts=self._clock.wall(), frame_id=passes, prompt=words))

    # --------------------------------------------------------------------------------------------- parts

    def _is_at_seed(self) -> bool:
        """A world that went on from another picture before its first pass, or was given words, is not at its seed."""
        return not self._path.passes and self._path.scene is self._active.picture and not self._path.words

    def _path_of(self, active: ActiveWorld) -> WorldPath:
        return self._path_at_seed(active) if active.past is None else self._path_from(active.past)

    def _path_at_seed(self, active: ActiveWorld, words: str = "") -> WorldPath:
        return self._path_from(PathSegment(None, 0, active.picture, words=words))

    def _path_from(self, first: PathSegment) -> WorldPath:
        return WorldPath(first, self._max_passes, self._memory.path)

    def _end_segment(self, line: Callable[[float, int], WorldChanged | WorldReset | WorldRestored]) -> None:
        passes = self._path.passes
        if self._log.is_wanted:
            self._log.write(line(self._clock.wall(), passes))
        self._log.end(passes)
        self._log.forget_prompts()

    def _world_seconds(self) -> float:
        return self._path.passes * self._active.spec.pass_interval_s


class SegmentLog:
    """The input log of a session: a segment ends where play rests or goes on from elsewhere. One is open at most.

    What was said in words while no segment was open stands at the beginning of the next one: play rests while a scene
    is made in a pause, but the log must say why the world goes on from where it does.
    """

    def __init__(self, logs: InputLogs, clock: Clock, versions: Callable[[], dict[str, str]]) -> None:
        """`versions` are those of the libraries that take part."""
        self._logs = logs
        self._clock = clock
        self._versions = versions
        self._log: InputLog | None = None
        self._hashes: dict[int, tuple[Picture, str]] = {}
        self._said: list[SceneEdit | GenerateScene] = []
        self.is_wanted = False

    @property
    def is_due(self) -> bool:
        return self.is_wanted and self._log is None

    @property
    def id(self) -> str | None:
        """Of the open segment."""
        return None if self._log is None else self._log.id

    def begin(self, active: ActiveWorld, scene: Picture, passes: int, start: LoggedStart | None) -> None:
        """`start` is the world as it is; None before its first pass."""
        spec = active.spec
        starts_from = None
        if start is not None:
            starts_from = StartsFrom(snapshot=start.hash, scene=self._hash(scene))
        self._log = self._logs.start(
            SessionStart(
                ts=self._clock.wall(),
                frame_id=passes,
                model=spec.model_id,
                seed=active.seed.hash,
                n_frames=spec.frames_per_pass,
                has_prompt_conditioning=takes_words(active.world),
                seed_target_size=(spec.height, spec.width),
                quant=active.key.quant,
                weights_hash=spec.weights_hash,
                fps=spec.fps,
                rng_seed=active.rng_seed,
                picture=self._hash(active.picture),
                starts_from=starts_from,
                versions=self._versions(),
            )
        )
        self._log.keep_picture(active.picture)
        if start is not None:
            self._log.keep_picture(scene)
            self._log.keep_snapshot(start.snapshot)
        for line in self._said:
            self._log.write(line)
        self._said.clear()

    def write(self, line: LogLine) -> None:
        if self._log is not None:
            self._log.write(line)

    def write_check(self, passes: int, digest: Future[str]) -> None:
        """Write the hash of a frame once it is computed, into the segment that is open now."""
        log = self._log
        if log is not None:
            digest.add_done_callback(lambda done: log.write(FrameCheck(frame_id=passes, sha256=done.result())))

    def say(self, line: SceneEdit | GenerateScene) -> None:
        """Words about the world as it is now."""
        if self._log is not None:
            self._log.write(line)
        elif self.is_wanted:
            self._said.append(line)

    def forget_prompts(self) -> None:
        """The world is no longer where the words that wait had brought it."""
        self._said.clear()

    def keep_picture(self, picture: Picture) -> None:
        if self._log is not None:
            self._log.keep_picture(picture)

    def end(self, passes: int) -> None:
        if self._log is not None:
            self._log.write(SessionEnd(ts=self._clock.wall(), frame_id=passes))
            self._log.end()
            self._log = None

    def forget_pictures(self) -> None:
        self._hashes.clear()

    def _hash(self, picture: Picture) -> str:
        """Each picture of a world is hashed once."""
        known = self._hashes.get(id(picture))
        if known is None or known[0] is not picture:
            known = self._hashes[id(picture)] = (picture, pixels_hash(picture))
        return known[1]


def frame_hash(frame: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest()
