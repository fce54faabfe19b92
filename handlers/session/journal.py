"""What led to this moment of a world: the passes since its beginning, as a path that can branch, in memory.

A path is a chain of stretches. Going back to a moment begins a new stretch there; what was played after that moment
stays only as long as some other moment still leads through it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from services.input_log.columns import InputColumns

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from services.input_log.columns import PassInput
    from services.world_engine.world_engine import Picture, WorldSnapshot

CHECK_EVERY: Final = 64  # passes between two hashes of a frame
_LONGEST_CHAIN: Final = 64  # stretches; a longer path is copied into fewer
_MAX_SCENES: Final = 16  # pictures that a path goes on from; a picture is some megabytes


@dataclass(slots=True, eq=False)
class Stretch:
    """Passes without a turn. It begins `parent_length` passes into `parent`, or is the first.

    `scene` is the picture the world had last gone on from, and `continues` whether it did so right here; `wish` are the
    words that the picture was made of. `base` is the world at the beginning, where it is known; the first stretch of a
    path has one, unless it begins at the seed.
    """

    parent: Stretch | None
    parent_length: int
    scene: Picture
    continues: bool = False
    wish: str | None = None
    base: WorldSnapshot | None = None
    passes_before: int = 0  # of the whole path, this stretch not included
    last_base: int = 0  # the passes before the newest stretch of the path that has a base
    inputs: InputColumns = field(default_factory=InputColumns)
    checks: list[tuple[int, Future[str]]] = field(default_factory=list["tuple[int, Future[str]]"])

    @property
    def length(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True)
class JournalMoment:
    """After so many passes of a stretch. It stays valid however the world is played on."""

    stretch: Stretch
    length: int

    @property
    def passes(self) -> int:
        return self.stretch.passes_before + self.length

    def path(self) -> list[tuple[Stretch, int]]:
        """The stretches that lead here, first one first, each with how much of it counts."""
        found: list[tuple[Stretch, int]] = []
        stretch, length = self.stretch, self.length
        while True:
            found.append((stretch, length))
            if stretch.parent is None:
                return found[::-1]
            stretch, length = stretch.parent, stretch.parent_length


class Journal:
    """The path of the world that is played. Beyond `max_passes` its oldest part is forgotten, up to a checkpoint.

    `checkpoint_due` asks for a snapshot often enough that at least half of `max_passes` always stays.
    """

    def __init__(self, first: Stretch, max_passes: int) -> None:
        self._half = max(1, max_passes // 2)
        self._now = first

    @property
    def moment(self) -> JournalMoment:
        return JournalMoment(self._now, self._now.length)

    @property
    def scene(self) -> Picture:
        return self._now.scene

    @property
    def passes(self) -> int:
        return self._now.passes_before + self._now.length

    @property
    def checkpoint_due(self) -> bool:
        return self.passes - self._now.last_base >= self._half

    def stepped(self, given: PassInput) -> bool:
        """One more pass; whether the frame that it made should be hashed (`checked`)."""
        self._now.inputs.append(given)
        return self.passes % CHECK_EVERY == 0

    def checked(self, digest: Future[str]) -> None:
        """SHA-256 (hex) of the last frame of the newest pass, when it is there."""
        self._now.checks.append((self._now.length, digest))

    def checkpoint(self, snapshot: WorldSnapshot) -> None:
        """The world as it is now: the path may begin here one day."""
        self._turn(Stretch(self._now, self._now.length, self._now.scene, base=snapshot))
        self._forget()

    def continued_from(self, picture: Picture, snapshot: WorldSnapshot, wish: str | None = None) -> None:
        """The world goes on from another picture; `snapshot` is the world right after that."""
        self._turn(Stretch(self._now, self._now.length, picture, continues=True, wish=wish, base=snapshot))
        self._forget()

    def returned_to(self, moment: JournalMoment) -> None:
        self._turn(Stretch(moment.stretch, moment.length, moment.stretch.scene))
        if len(self.moment.path()) > _LONGEST_CHAIN:
            self._flatten()

    def _turn(self, stretch: Stretch) -> None:
        parent = stretch.parent
        if parent is not None:
            stretch.passes_before = parent.passes_before + stretch.parent_length
            stretch.last_base = parent.last_base if stretch.base is None else stretch.passes_before
        self._now = stretch

    def _forget(self) -> None:
        """Let a path that is too long, or has too many scenes, begin at a later checkpoint."""
        path = self.moment.path()
        scenes = sum(stretch.continues for stretch, _ in path)
        if scenes > _MAX_SCENES:
            self._cut(path, lambda _, later_scenes: later_scenes <= _MAX_SCENES // 2)
        elif self.passes - path[0][0].passes_before > 2 * self._half:
            # The newest that leaves enough: it is the first from which half, but no more than needed, is left.
            enough = [s for s, _ in path if s.base is not None and self.passes - s.passes_before >= self._half]
            self._cut(path, lambda stretch, _: bool(enough) and stretch is enough[-1])

    def _cut(self, path: list[tuple[Stretch, int]], may_begin: Callable[[Stretch, int], bool]) -> None:
        """Let the path begin at the oldest stretch that may be its beginning."""
        later_scenes = sum(stretch.continues for stretch, _ in path)
        for stretch, _ in path:
            later_scenes -= stretch.continues
            if stretch.base is not None and may_begin(stretch, later_scenes):
                stretch.parent, stretch.parent_length, stretch.continues = None, 0, False
                return

    def _flatten(self) -> None:
        """One stretch in place of those without a turn that matters; scenes and bases stay where they are."""
        merged: Stretch | None = None
        for stretch, length in self.moment.path():
            if merged is None or stretch.continues or stretch.base is not None:
                merged = Stretch(
                    merged,
                    0 if merged is None else merged.length,
                    stretch.scene,
                    continues=stretch.continues,
                    wish=stretch.wish,
                    base=stretch.base,
                    passes_before=stretch.passes_before,
                    last_base=stretch.last_base,
                )
            before = merged.length
            merged.inputs.extend(stretch.inputs, length)
            merged.checks += [(before + at, digest) for at, digest in stretch.checks if at <= length]
        if merged is not None:
            self._now = merged
