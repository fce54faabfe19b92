"""Replays a plan on an engine, pass by pass, and compares what comes out with what was seen."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from replay.engines import require_same
from replay.plan import ReplayError
from services.world_engine.own_things import spec_of
from services.world_engine.prompt_words import takes_words
from services.world_engine.world_engine import SnapshotMismatchError
from services.world_files.world_file import Continued, Prompted, WorldMoment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from replay.plan import ReplayPlan
    from services.input_log.columns import PassInput
    from services.world_engine.world_engine import Frames, Picture, World, WorldEngine
    from services.world_files.world_file import Change


@dataclass(frozen=True, slots=True)
class ReplayedPass:
    """`number` counts from 1 in its world."""

    number: int
    given: PassInput
    frames: Frames


@dataclass(slots=True)
class Findings:
    """How the replay compares with what was seen. `digest` is over every frame, to compare replays with each other.

    `largest` and `mean` are differences of pixel values (0 to 255) in the last frame, where the file has it.
    """

    passes: int = 0
    checked: int = 0
    differing: list[int] = field(default_factory=list[int])
    largest: int | None = None
    mean: float | None = None
    same_state: bool | None = None
    digest: str = ""

    @property
    def has_compared_end(self) -> bool:
        return self.same_state is not None or self.largest is not None

    @property
    def has_compared(self) -> bool:
        """Whether anything that was replayed was compared. A place that no pass leads to says nothing of the engine."""
        return self.passes > 0 and (self.checked > 0 or self.has_compared_end)

    @property
    def is_exact(self) -> bool:
        """Nothing that could be compared differs."""
        return not self.differing and not self.largest and self.same_state is not False

    @property
    def verdict(self) -> bool | None:
        """Whether the replay came out the same; None: nothing was compared."""
        return self.is_exact if self.has_compared or not self.is_exact else None


class Replay:
    """One run of a plan, pass by pass. One thread at a time uses it.

    `open`, then `step` until `is_done`, then `finish`. `park` closes the world between two passes, and another `open`,
    in the same engine or in one like it, goes on from there. Where the engine has died, `close` and another `open` do
    the same: passes that were made before are made again, and nobody sees them twice.

    `picture` is what the world looked like before the first pass, `findings` is complete after `finish`.
    """

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan
        self.findings = Findings()
        self._from = plan.base  # where the world is entered; None: at its seed
        self._scene = plan.seed if plan.base is None else plan.base.scene
        self.picture: Picture = plan.pictures[self._scene]
        self._world: World | None = None
        self._number = self._seen = plan.first_pass
        self._changes: list[Change] = []
        self._checks = {check.passes: check.sha256 for check in plan.checks}
        self._digest = hashlib.sha256()
        self._last: Picture | None = None

    @property
    def made(self) -> int:
        """How many passes were seen."""
        return self._seen - self._plan.first_pass

    @property
    def is_done(self) -> bool:
        return self._number == self._plan.first_pass + len(self._plan.inputs)

    def passes(self, engine: WorldEngine) -> Iterator[ReplayedPass]:
        """All of it. Raises: ReplayError, the engine cannot take the state that the file begins with, or no words."""
        self.open(engine)
        try:
            while not self.is_done:
                replayed = self.step()
                if replayed is not None:
                    yield replayed
            self.finish()
        finally:
            self.close()

    def open(self, engine: WorldEngine) -> None:
        """Raises: ReplayError, the engine has other weights, or cannot take the moment that the world goes on from."""
        plan = self._plan
        world = engine.open_world(plan.pictures[plan.seed], rng_seed=plan.rng_seed)
        try:
            require_same(spec_of(engine, world.snapshot()), plan.model)
            if self._from is not None:
                enter(world, self._from, plan.seed, plan.pictures)
        except BaseException:  # whatever ends this, the world is closed
            world.close()
            raise
        self._world = world
        self._number = plan.first_pass if self._from is None else self._from.passes
        self._scene = plan.seed if self._from is None else self._from.scene
        self._changes = [change for change in plan.changes if change.passes >= self._number]

    def step(self) -> ReplayedPass | None:
        """Make one pass; None: it was seen before. Raises: ReplayError, no words are heard."""
        world, given = self._open_world, self._plan.inputs[self._number - self._plan.first_pass]
        self._change(world)
        frames = world.step(given.control)
        self._number += 1
        if self._number <= self._seen:
            return None
        self._seen = self._number
        self.findings.passes += 1
        self._last = last = frames[-1]
        self._digest.update(np.ascontiguousarray(frames).data)
        if self._number in self._checks:
            self._check(self._number, last, self._checks[self._number])
        return ReplayedPass(self._number, given, frames)

    def park(self) -> None:
        """Give the engine back between two passes."""
        try:
            self._from = WorldMoment(self._number, self._open_world.snapshot(), self._scene)
        finally:
            self.close()

    def finish(self) -> Findings:
        """Compare the end, and close the world."""
        world = self._open_world
        self._change(world)
        self._compare_end(world)
        self.findings.digest = self._digest.hexdigest()
        self.close()
        return self.findings

    def close(self) -> None:
        """Idempotent."""
        world, self._world = self._world, None
        if world is not None:
            world.close()

    # ---------------------------------------------------------------------------------------------------- parts

    @property
    def _open_world(self) -> World:
        assert self._world is not None, "a replay is stepped between `open` and `park`"
        return self._world

    def _change(self, world: World) -> None:
        while self._changes and self._changes[0].passes == self._number:
            match self._changes.pop(0):
                case Continued(picture=picture):
                    world.continue_from(self._plan.pictures[picture])
                    self._scene = picture
                case Prompted(words=words):
                    if not takes_words(world):
                        model = self._plan.model.id
                        raise ReplayError(f"A prompt was used here, and {model} hears no words on this machine.")
                    world.set_prompt(words)

    def _check(self, number: int, frame: Picture, expected: str) -> None:
        self.findings.checked += 1
        if hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest() != expected:
            self.findings.differing.append(number)

    def _compare_end(self, world: World) -> None:
        plan = self._plan
        if plan.place is not None:
            self.findings.same_state = world.snapshot().state == plan.place.snapshot.state
        if plan.place_picture is not None and self._last is not None:
            seen = plan.pictures[plan.place_picture]
            difference = np.abs(self._last.astype(np.int16) - seen.astype(np.int16))
            self.findings.largest, self.findings.mean = int(difference.max()), float(difference.mean())


def one_ahead(passes: Iterator[ReplayedPass]) -> Iterator[ReplayedPass]:
    """The same passes; the next one is made, on a thread, while the caller is busy with the one before."""
    with ThreadPoolExecutor(1, thread_name_prefix="replay") as thread:
        coming = thread.submit(next, passes, None)
        while (replayed := coming.result()) is not None:
            coming = thread.submit(next, passes, None)
            yield replayed


def enter(world: World, moment: WorldMoment, seed: str, pictures: Mapping[str, Picture]) -> None:
    """Bring a world that was just opened in the picture `seed` to a moment of it. Raises: ReplayError."""
    try:
        if moment.scene != seed:
            world.continue_from(pictures[moment.scene])
        world.restore(moment.snapshot)
    except SnapshotMismatchError as error:
        raise ReplayError(f"The engine cannot take the moment that this begins with. {error}") from error
