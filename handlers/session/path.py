"""Where a world has been: the passes that led to this moment, the moments that are kept, and the last half minute.

A path is a chain of segments. Going back to a moment branches off there; what was played after that moment stays only
as long as some other moment still leads through it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from services.input_log.columns import InputColumns

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from services.input_log.columns import PassInput
    from services.world_engine.world_engine import Picture, WorldSnapshot

CHECK_EVERY: Final = 64  # passes between two hashes of a frame
REWIND_S: Final = 30.0
_LONGEST_CHAIN: Final = 64  # segments; a longer path is copied into fewer
_MAX_CHANGES: Final = 16  # scenes that a path goes on from, and prompts; a picture is some megabytes
_CHECKPOINT_EVERY_S: Final = 1.0
_FURTHEST_APART_S: Final = 15.0
_SLACK_S: Final = 1e-6  # sums of pass intervals are no exact seconds


@dataclass(slots=True, eq=False)
class PathSegment:
    """Passes in a row. A segment begins `parent_length` passes into `parent`, or is the first of its path.

    `scene` is the picture that the world had last gone on from. `continues` says that it did so right here, and
    `prompt` for which words. `words` are the prompt that steers the passes; `rewords`: they were set right here.
    `base` is the world at the beginning of the segment, where it is known; the first segment of a path has one, unless
    it begins at the seed.
    """

    parent: PathSegment | None
    parent_length: int
    scene: Picture
    continues: bool = False
    prompt: str | None = None
    words: str = ""
    rewords: bool = False
    base: WorldSnapshot | None = None
    passes_before: int = 0  # on the whole path, this segment not included
    last_base: int = 0  # the passes before the newest segment of the path that has a base
    inputs: InputColumns = field(default_factory=InputColumns)
    checks: list[tuple[int, Future[str]]] = field(default_factory=list["tuple[int, Future[str]]"])

    @property
    def length(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True)
class Moment:
    """After so many passes of a segment. It stays valid however the world is played on."""

    segment: PathSegment
    length: int

    @property
    def passes(self) -> int:
        return self.segment.passes_before + self.length

    def path(self) -> list[tuple[PathSegment, int]]:
        """The segments that lead here, first one first, each with how many of its passes count."""
        found: list[tuple[PathSegment, int]] = []
        segment, length = self.segment, self.length
        while True:
            found.append((segment, length))
            if segment.parent is None:
                return found[::-1]
            segment, length = segment.parent, segment.parent_length


class WorldPath:
    """The path of the world in play. Beyond `max_passes` its oldest part is forgotten, up to a segment with a base.

    `base_due` asks for a snapshot often enough that at least half of `max_passes` always stays.
    """

    def __init__(self, first: PathSegment, max_passes: int, max_base_bytes: int | None = None) -> None:
        """`max_base_bytes`: of all bases together, where three of them have more; None: any number."""
        self._half = max(1, max_passes // 2)
        self._max_base_bytes = max_base_bytes
        self._now = first

    @property
    def moment(self) -> Moment:
        return Moment(self._now, self._now.length)

    @property
    def scene(self) -> Picture:
        return self._now.scene

    @property
    def words(self) -> str:
        """The prompt that steers the world; empty: none."""
        return self._now.words

    @property
    def passes(self) -> int:
        return self._now.passes_before + self._now.length

    @property
    def base_due(self) -> bool:
        return self.passes - self._now.last_base >= self._half

    @property
    def checks_next(self) -> bool:
        """Whether the frame of the next pass should be hashed."""
        return (self.passes + 1) % CHECK_EVERY == 0

    def stepped(self, given: PassInput) -> bool:
        """One more pass; whether the frame that it made should be hashed (`checked`)."""
        is_checked = self.checks_next
        self._now.inputs.append(given)
        return is_checked

    def checked(self, digest: Future[str]) -> None:
        """SHA-256 (hex) of the last frame of the newest pass, once it is computed."""
        self._now.checks.append((self._now.length, digest))

    def rebase(self, snapshot: WorldSnapshot) -> None:
        """Keep the world as it is now, so that the path may begin here one day."""
        now = self._now
        self._append(PathSegment(now, now.length, now.scene, words=now.words, base=snapshot))
        self._forget()

    def continued_from(self, picture: Picture, snapshot: WorldSnapshot, prompt: str | None = None) -> None:
        """The world goes on from another picture; `snapshot` is the world right after that."""
        now = self._now
        self._append(
            PathSegment(now, now.length, picture, continues=True, prompt=prompt, words=now.words, base=snapshot)
        )
        self._forget()

    def reworded(self, words: str, snapshot: WorldSnapshot) -> None:
        """Other words steer the world from here on; `snapshot` is the world right after they were set."""
        now = self._now
        if now.rewords and not now.length and now.parent is not None:  # nothing was played under the words before
            now = self._now = now.parent
        self._append(PathSegment(now, now.length, now.scene, words=words, rewords=True, base=snapshot))
        self._forget()

    def branch(self, moment: Moment) -> None:
        """The world returned to `moment` and is played on from there."""
        segment = moment.segment
        self._append(PathSegment(segment, moment.length, segment.scene, words=segment.words))
        if len(self.moment.path()) > _LONGEST_CHAIN:
            self._flatten()

    def _append(self, segment: PathSegment) -> None:
        parent = segment.parent
        if parent is not None:
            segment.passes_before = parent.passes_before + segment.parent_length
            segment.last_base = parent.last_base if segment.base is None else segment.passes_before
        self._now = segment

    def _thin(self) -> None:
        """Drop bases that lie closest between two others until the rest fits; the first and the newest stay.

        A path needs one on its way to begin at one day. So one between the two stays as well.
        """
        first = self.moment.path()[0][0]
        kept = [segment for segment, _ in self.moment.path() if segment.base is not None]
        sizes = sum(segment.base.size for segment in kept if segment.base is not None)
        while self._max_base_bytes is not None and sizes > self._max_base_bytes:
            least = 3 if first.base is not None else 2
            if len(kept) <= least:
                return
            begins = [segment.passes_before for segment in kept]
            inner = range(1 if first.base is not None else 0, len(kept) - 1)
            closest = min(inner, key=lambda at: begins[at + 1] - (begins[at - 1] if at else first.passes_before))
            dropped = kept.pop(closest)
            if dropped.base is not None:
                sizes -= dropped.base.size
                dropped.base = None

    def _forget(self) -> None:
        """Let a path that is too long, or has too many changes, begin at a later base."""
        self._thin()
        path = self.moment.path()
        if sum(segment.continues or segment.rewords for segment, _ in path) > _MAX_CHANGES:
            self._cut(path, lambda _, later_changes: later_changes <= _MAX_CHANGES // 2)
        elif self.passes - path[0][0].passes_before > 2 * self._half:
            # The newest base that leaves at least half of the allowed passes.
            enough = [s for s, _ in path if s.base is not None and self.passes - s.passes_before >= self._half]
            self._cut(path, lambda segment, _: bool(enough) and segment is enough[-1])

    def _cut(self, path: list[tuple[PathSegment, int]], may_begin: Callable[[PathSegment, int], bool]) -> None:
        """Let the path begin at the oldest segment that may be its beginning."""
        later_changes = sum(segment.continues or segment.rewords for segment, _ in path)
        for segment, _ in path:
            later_changes -= segment.continues or segment.rewords
            if segment.base is not None and may_begin(segment, later_changes):
                segment.parent, segment.parent_length, segment.continues, segment.rewords = None, 0, False, False
                return

    def _flatten(self) -> None:
        """Merge segments that only branch into their predecessors; those with a change or a base stay."""
        merged: PathSegment | None = None
        for segment, length in self.moment.path():
            if merged is None or segment.continues or segment.rewords or segment.base is not None:
                merged = PathSegment(
                    merged,
                    0 if merged is None else merged.length,
                    segment.scene,
                    continues=segment.continues,
                    prompt=segment.prompt,
                    words=segment.words,
                    rewords=segment.rewords,
                    base=segment.base,
                    passes_before=segment.passes_before,
                    last_base=segment.last_base,
                )
            before = merged.length
            merged.inputs.extend(segment.inputs, 0, length)
            merged.checks += [(before + at, digest) for at, digest in segment.checks if at <= length]
        if merged is not None:
            self._now = merged


# --------------------------------------------------------------------------------------------- moments to go back to


@dataclass(frozen=True, slots=True)
class KeptMoment:
    """`jpeg` is the last frame that was made before it, `frame` the same as the engine made it, where it is known.

    `input_log` names the log that was being written then.
    """

    snapshot: WorldSnapshot
    jpeg: bytes
    moment: Moment
    frame: Picture | None
    input_log: str | None = None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.snapshot.size + len(self.jpeg) + (0 if self.frame is None else self.frame.nbytes)


class MomentShelf:
    """The moments that the player chose to keep: the newest `capacity` of them, in at most `max_bytes`.

    Ids count up and are never used again.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, KeptMoment] = OrderedDict()
        self._taken = 0

    def bound(self, max_bytes: int) -> None:
        """For moments that are kept from now on."""
        self._max_bytes = max_bytes

    def keep(self, moment: KeptMoment) -> str:
        self._taken += 1
        moment_id = str(self._taken)
        self._kept[moment_id] = moment
        while len(self._kept) > 1 and (len(self._kept) > self._capacity or self._size() > self._max_bytes):
            self._kept.popitem(last=False)
        return moment_id

    def find(self, moment_id: str) -> KeptMoment:
        """Raises: DomainError, it is not, or no longer, kept."""
        kept = self._kept.get(moment_id)
        if kept is None:
            raise DomainError("That moment is no longer kept.", ErrorCode.MOMENT_UNKNOWN)
        return kept

    def ids(self) -> tuple[str, ...]:
        return tuple(self._kept)

    def all(self) -> tuple[KeptMoment, ...]:
        return tuple(self._kept.values())

    def clear(self) -> None:
        self._kept.clear()

    def _size(self) -> int:
        return sum(kept.size for kept in self._kept.values())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The world after `at_s` seconds of its own time."""

    at_s: float
    snapshot: WorldSnapshot
    moment: Moment


class RewindTrack:
    """A checkpoint each second of the world's own time, for the last half minute, in at most `max_bytes`.

    Where checkpoints are so large that fewer have room, they are further apart, and so reach as far back.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._points: deque[Checkpoint] = deque()
        self._bytes = 0
        self._every_s = _CHECKPOINT_EVERY_S

    def due(self, at_s: float) -> bool:
        return not self._points or at_s - self._points[-1].at_s >= self._every_s - _SLACK_S

    def add(self, point: Checkpoint) -> None:
        self._points.append(point)
        self._bytes += point.snapshot.size
        have_room = max(1, self._max_bytes // max(1, point.snapshot.size))
        self._every_s = min(_FURTHEST_APART_S, max(_CHECKPOINT_EVERY_S, REWIND_S / have_room))
        while len(self._points) > 1 and (
            point.at_s - self._points[0].at_s > REWIND_S + self._every_s or self._bytes > self._max_bytes
        ):
            self._bytes -= self._points.popleft().snapshot.size

    def back(self, now_s: float, seconds: float) -> Checkpoint:
        """The newest checkpoint at least `seconds` ago, else the oldest; later ones are forgotten.

        Raises:
            DomainError: there is nothing to go back to.
        """
        while self._points:
            point = self._points[-1]
            is_far_enough = now_s - point.at_s >= seconds - _SLACK_S
            if is_far_enough or (len(self._points) == 1 and point.at_s < now_s):
                return point
            self._bytes -= self._points.pop().snapshot.size
        raise DomainError("There is nothing to rewind yet.", ErrorCode.NOTHING_TO_REWIND)

    @property
    def snapshots(self) -> tuple[WorldSnapshot, ...]:
        return tuple(point.snapshot for point in self._points)

    @property
    def newest(self) -> Checkpoint | None:
        return self._points[-1] if self._points else None

    def left_s(self, now_s: float) -> float:
        """How far one can still go back."""
        return max(0.0, now_s - self._points[0].at_s) if self._points else 0.0

    def clear(self) -> None:
        self._points.clear()
        self._bytes = 0
