"""What is to be replayed, whether it came from a world file or from an input log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.world_files.archive import read_world

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from services.input_log.columns import InputColumns
    from services.world_engine.world_engine import Picture
    from services.world_files.world_file import (
        Change,
        Check,
        ModelFacts,
        Origins,
        Tolerance,
        WorldMoment,
    )


class ReplayError(Exception):
    """`message` is for the person at the command line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """`base` is where the inputs begin; None: at the seed. `place` is where they end; None: unknown."""

    title: str
    model: ModelFacts
    rng_seed: int
    seed: str
    base: WorldMoment | None
    place: WorldMoment | None
    place_picture: str | None
    inputs: InputColumns
    changes: tuple[Change, ...]
    checks: tuple[Check, ...]
    pictures: Mapping[str, Picture]
    made_with: Origins
    tolerance: Tolerance

    @property
    def first_pass(self) -> int:
        return 0 if self.base is None else self.base.passes

    @property
    def duration_s(self) -> float:
        """In the world's own time."""
        return len(self.inputs) * self.model.frames_per_pass / self.model.fps


def plan_of_world(path: Path) -> ReplayPlan:
    """Raises: WorldFileError, OSError."""
    with path.open("rb") as file:
        world = read_world(file)
    return ReplayPlan(
        title=world.title,
        model=world.model,
        rng_seed=world.rng_seed,
        seed=world.seed.picture,
        base=world.base,
        place=world.place,
        place_picture=world.place_picture,
        inputs=world.inputs,
        changes=world.changes,
        checks=world.checks,
        pictures=world.pictures,
        made_with=world.made_with,
        tolerance=world.tolerance,
    )
