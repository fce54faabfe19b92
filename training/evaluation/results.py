"""All figures of an engine beside the simulator, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluation.runs import Return
from training.evaluation.walks import ALL, HORIZONS, likeness_of, mean_psnr, obedience_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.evaluation.runs import Drift
    from training.evaluation.walks import Likeness, Obedience, PlayedWalk

KINDS = (ALL, "walking", "looking", "idle")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Frames are of 1/30 s."""

    walks: int = 24  # held-out clips
    walk_frames: int = 64
    long_walks: int = 6  # of them, that go on
    long_walk_frames: int = 256
    courses: int = 6
    plays: int = 4
    play_frames: int = 2000
    turns: int = 4


QUICK = Plan(walks=4, long_walks=1, courses=1, plays=1, play_frames=200, turns=1)


@dataclass(frozen=True, slots=True)
class Results:
    """By subject; `None` where nothing was measured."""

    plan: Plan
    size: tuple[int, int]  # height and width of what is judged, pixels
    subjects: tuple[str, ...]  # the engine first
    likeness: dict[str, dict[str, dict[int, Likeness]]]  # by subject, kind of walk, and frames after the first
    psnr: dict[str, list[float]]  # dB of each frame after the first
    turning: dict[str, Obedience]  # also of the simulator: how right the odometer is
    advancing: dict[str, Obedience]
    drift: dict[str, Drift]
    returning: dict[str, Return]


def likeness_table(walks: Sequence[PlayedWalk], subjects: Sequence[str]) -> dict[str, dict[str, dict[int, Likeness]]]:
    found: dict[str, dict[str, dict[int, Likeness]]] = {}
    for subject in subjects:
        kinds = found[subject] = {}
        for kind in KINDS:
            at = {horizon: likeness_of(walks, subject, kind, horizon) for horizon in HORIZONS}
            kinds[kind] = {horizon: likeness for horizon, likeness in at.items() if likeness is not None}
    return found


def psnr_curves(walks: Sequence[PlayedWalk], subjects: Sequence[str]) -> dict[str, list[float]]:
    return {subject: mean_psnr(walks, subject) for subject in subjects}


def turning_table(walks: Sequence[PlayedWalk], subjects: Sequence[str], truth: str) -> dict[str, Obedience]:
    judged = {truth: obedience_of(*turns_of(walks, None))}
    return judged | {subject: obedience_of(*turns_of(walks, subject)) for subject in subjects}


def advancing_table(commanded: NDArray[np.float64], measured: dict[str, NDArray[np.float64]]) -> dict[str, Obedience]:
    return {name: obedience_of(commanded, steps) for name, steps in measured.items()}


def mean_return(found: Sequence[dict[str, Return]]) -> dict[str, Return]:
    return {
        name: Return(
            back=float(np.mean([each[name].back for each in found])),
            half_way=float(np.mean([each[name].half_way for each in found])),
        )
        for name in found[0]
    }
