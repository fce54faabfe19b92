"""Replays a plan on an engine, pass by pass, and compares what comes out with what was seen."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from replay.plan import ReplayError
from services.world_engine.prompt_words import takes_words
from services.world_engine.world_engine import SnapshotMismatchError
from services.world_files.world_file import Continued, Prompted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from replay.plan import ReplayPlan
    from services.input_log.columns import PassInput
    from services.world_engine.world_engine import Frames, Picture, World, WorldEngine
    from services.world_files.world_file import Change, WorldMoment


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


class Replay:
    """One run. `picture` is what the world looked like before the first pass, `findings` is complete after `passes`."""

    def __init__(self, plan: ReplayPlan, engine: WorldEngine) -> None:
        self._plan = plan
        self._engine = engine
        self.findings = Findings()
        start = plan.seed if plan.base is None else plan.base.scene
        self.picture: Picture = plan.pictures[start]

    def passes(self) -> Iterator[ReplayedPass]:
        """Raises: ReplayError, the engine cannot take the state that the file begins with, or hears no words."""
        plan = self._plan
        world = self._engine.open_world(plan.pictures[plan.seed], rng_seed=plan.rng_seed)
        digest, last = hashlib.sha256(), None
        try:
            if plan.base is not None:
                enter(world, plan.base, plan.seed, plan.pictures)
            changes, checks = list(plan.changes), {check.passes: check.sha256 for check in plan.checks}
            number = plan.first_pass
            for given in plan.inputs:
                self._change(world, changes, number)
                frames = world.step(given.control)
                number += 1
                self.findings.passes += 1
                last = frames[-1]
                digest.update(np.ascontiguousarray(frames).data)
                if number in checks:
                    self._check(number, last, checks[number])
                yield ReplayedPass(number, given, frames)
            self._change(world, changes, number)
            self._compare_end(world, last)
        finally:
            world.close()
        self.findings.digest = digest.hexdigest()

    def _change(self, world: World, changes: list[Change], number: int) -> None:
        while changes and changes[0].passes == number:
            match changes.pop(0):
                case Continued(picture=picture):
                    world.continue_from(self._plan.pictures[picture])
                case Prompted(words=words):
                    if not takes_words(world):
                        model = self._plan.model.id
                        raise ReplayError(f"A prompt was used here, and {model} hears no words on this machine.")
                    world.set_prompt(words)

    def _check(self, number: int, frame: Picture, expected: str) -> None:
        self.findings.checked += 1
        if hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest() != expected:
            self.findings.differing.append(number)

    def _compare_end(self, world: World, last: Picture | None) -> None:
        plan = self._plan
        if plan.place is not None:
            self.findings.same_state = world.snapshot().state == plan.place.snapshot.state
        if plan.place_picture is not None and last is not None:
            seen = plan.pictures[plan.place_picture]
            difference = np.abs(last.astype(np.int16) - seen.astype(np.int16))
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
