"""All figures of an evaluation, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluation.runs import Return, Stillness
from training.evaluation.walks import ALL, HORIZONS, likeness_of, mean_psnr, obedience_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.evaluation.pace import Pace
    from training.evaluation.runs import Drift
    from training.evaluation.walks import Likeness, Obedience, PlayedWalk

KINDS = (ALL, "walking", "looking", "idle")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Frames are of 1/30 s."""

    walks: int = 48  # held-out clips
    walk_frames: int = 64
    long_walks: int = 12  # of them, that go on
    long_walk_frames: int = 256
    courses: int = 8
    rests: int = 8
    rest_frames: int = 300
    plays: int = 4
    play_frames: int = 2000
    turns: int = 8
    paced_frames: int = 240


QUICK = Plan(
    walks=8, long_walks=2, courses=2, rests=2, rest_frames=120, plays=1, play_frames=400, turns=2, paced_frames=40
)


@dataclass(frozen=True, slots=True)
class Conditions:
    plan: Plan
    weights_hash: str
    machine: str
    load: float  # processes that wanted a core, when the pace was measured


@dataclass(frozen=True, slots=True)
class Results:
    """By subject; `None` where nothing was measured."""

    conditions: Conditions
    subjects: tuple[str, ...]  # the model first
    likeness: dict[str, dict[str, dict[int, Likeness]]]  # by subject, kind of walk, and frames after the first
    psnr: dict[str, list[float]]  # dB of each frame after the first
    turning: dict[str, Obedience]  # also of the simulator: how right the odometer is
    advancing: dict[str, Obedience]
    stillness: dict[str, Stillness]
    drift: dict[str, Drift]
    returning: dict[str, Return]
    pace: Pace


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


def mean_stillness(found: Sequence[dict[str, Stillness]]) -> dict[str, Stillness]:
    return {
        name: Stillness(
            each_frame=float(np.mean([each[name].each_frame for each in found])),
            from_the_first=float(np.mean([each[name].from_the_first for each in found])),
        )
        for name in found[0]
    }


def mean_return(found: Sequence[dict[str, Return]]) -> dict[str, Return]:
    return {
        name: Return(
            back=float(np.mean([each[name].back for each in found])),
            half_way=float(np.mean([each[name].half_way for each in found])),
        )
        for name in found[0]
    }
