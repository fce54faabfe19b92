"""Everything that is measured of one engine beside the simulator, put together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from tqdm import tqdm

from training.evaluation.drawings import draw_plot, draw_strip
from training.evaluation.optics import Odometer
from training.evaluation.results import (
    Results,
    advancing_table,
    likeness_table,
    mean_return,
    psnr_curves,
    turning_table,
)
from training.evaluation.runs import TRUTH, drift_of, play_long, steps_ahead, turn_around
from training.evaluation.subjects import Still
from training.evaluation.trials import course, full_turn, long_walk, recorded_walk
from training.evaluation.walks import play_walk
from training.recorder import CLIPS_PER_WORLD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.evaluation.results import Plan
    from training.evaluation.runs import Looks, Return
    from training.evaluation.subjects import Subject
    from training.evaluation.walks import Obedience, PlayedWalk
    from world_model.config import ModelConfig

_CLIPS: Final = 48  # the held-out clips that walks are spread over
_STRIP: Final = (1, 12, 30)  # clips of which the film strip is made

FoundT = TypeVar("FoundT")


class Evaluation:
    """One subject and one plan. The figures depend on nothing else."""

    def __init__(self, subject: Subject, size: ModelConfig, plan: Plan, *, workers: int) -> None:
        """`size` is that of the judged pictures; `workers` walks are played side by side."""
        self._size, self._plan, self._workers = size, plan, workers
        self._odometer = Odometer(size.height, size.width, size.focal)
        self._subjects: tuple[Subject, ...] = (subject, Still())

    def run(self) -> Results:
        plan, names = self._plan, [subject.name for subject in self._subjects]
        walks = self._each("recorded walks", plan.walks, self._walk)
        advancing = self._advancing()
        turns = self._each("full turns", plan.turns, self._turn)
        plays = self._each("long plays", plan.plays, self._play)
        return Results(
            plan=plan,
            size=(self._size.height, self._size.width),
            subjects=tuple(names),
            likeness=likeness_table(walks, names),
            psnr=psnr_curves(walks, names),
            turning=turning_table(walks, names, TRUTH),
            advancing=advancing,
            drift={name: drift_of(plays, name) for name in names},
            returning=mean_return(turns),
        )

    def draw(self, results: Results, plot: Path, strip: Path) -> None:
        draw_plot(results, plot)
        shown = [recorded_walk(self._size, number, self._plan.walk_frames) for number in _STRIP]
        draw_strip(shown, self._subjects, strip)

    def _walk(self, index: int) -> PlayedWalk:
        plan = self._plan
        goes_on = index % max(1, plan.walks // plan.long_walks) == 0
        frames = plan.long_walk_frames if goes_on else plan.walk_frames
        number = index * max(1, _CLIPS // plan.walks)
        return play_walk(recorded_walk(self._size, number, frames), self._subjects, self._odometer)

    def _turn(self, index: int) -> dict[str, Return]:
        return turn_around(full_turn(self._size, _place(index), left=index % 2 == 1), self._subjects)

    def _play(self, index: int) -> dict[str, Looks]:
        return play_long(long_walk(self._size, _place(index), self._plan.play_frames), self._subjects)

    def _advancing(self) -> dict[str, Obedience]:
        def walk(index: int) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
            trial = course(self._size, _place(index))
            return trial.ahead(), steps_ahead(trial, self._subjects, self._odometer)

        found = self._each("courses", self._plan.courses, walk)
        commanded = np.concatenate([ahead for ahead, _ in found])
        return advancing_table(
            commanded, {name: np.concatenate([steps[name] for _, steps in found]) for name in found[0][1]}
        )

    def _each(self, told: str, count: int, measure: Callable[[int], FoundT]) -> Sequence[FoundT]:
        """What is found of each of so many walks, in order."""
        with ThreadPoolExecutor(self._workers) as pool:
            return list(tqdm(pool.map(measure, range(count)), total=count, desc=f"{told:14}"))


def _place(index: int) -> int:
    """Each in another world."""
    return CLIPS_PER_WORLD * index
