"""Runs for one question each: do steps lead ahead, does play drift, does a full turn return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from training.evaluation.measures import brightness, contrast, gain, psnr, sharpness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from training.evaluation.optics import Odometer
    from training.evaluation.subjects import Subject
    from training.evaluation.trials import Picture, Trial

TRUTH: Final = "simulator"
WINDOW: Final = 100  # frames of play that are put together
_EVERY: Final = 5  # frames, of which one is looked at


@dataclass(frozen=True, slots=True)
class Return:
    """dB against the first picture."""

    back: float  # after a full turn
    half_way: float  # with the back to it: what two unlike views of one place have


@dataclass(frozen=True, slots=True)
class Looks:
    """Sums over frames of each window of play after the first picture: [windows]."""

    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    sharpness: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Ratios to the simulator under the same inputs, of each window of each play: [plays][windows]."""

    brightness: list[list[float]]
    contrast: list[list[float]]
    sharpness: list[list[float]]


def steps_ahead(trial: Trial, subjects: Sequence[Subject], odometer: Odometer) -> dict[str, NDArray[np.float64]]:
    """Metres of each frame, measured, for the truth and the subjects. The unit is what makes the truth's own right."""
    steps = {
        name: np.array([odometer.advance(before, after) for before, after in _pairs(pictures)])
        for name, pictures in _all(trial, subjects)
    }
    scale = gain(trial.ahead(), steps[TRUTH]) or 1.0
    return {name: measured / scale for name, measured in steps.items()}


def turn_around(trial: Trial, subjects: Sequence[Subject]) -> dict[str, Return]:
    found: dict[str, Return] = {}
    for name, pictures in _all(trial, subjects):
        seen = list(pictures)
        found[name] = Return(psnr(seen[-1], seen[0]), psnr(seen[len(seen) // 2], seen[0]))
    return found


def play_long(trial: Trial, subjects: Sequence[Subject]) -> dict[str, Looks]:
    return {name: _looks(pictures) for name, pictures in _all(trial, subjects)}


def drift_of(plays: Sequence[dict[str, Looks]], subject: str) -> Drift:
    def ratios(part: Callable[[Looks], NDArray[np.float64]]) -> list[list[float]]:
        return [[float(value) for value in part(play[subject]) / part(play[TRUTH])] for play in plays]

    return Drift(
        ratios(lambda looks: looks.brightness),
        ratios(lambda looks: looks.contrast),
        ratios(lambda looks: looks.sharpness),
    )


def _looks(pictures: Iterable[Picture]) -> Looks:
    rows = [
        ((frame - 1) // WINDOW, brightness(picture), contrast(picture), sharpness(picture))
        for frame, picture in enumerate(pictures)
        if frame and frame % _EVERY == 0
    ]
    sums = np.zeros((3, rows[-1][0] + 1))
    for window, *values in rows:
        sums[:, window] += values
    return Looks(*sums)


def _all(trial: Trial, subjects: Sequence[Subject]) -> Iterator[tuple[str, Iterator[Picture]]]:
    yield TRUTH, trial.pictures()
    for subject in subjects:
        yield subject.name, subject.play(trial)


def _pairs(pictures: Iterator[Picture]) -> Iterator[tuple[Picture, Picture]]:
    before = next(pictures)
    for picture in pictures:
        yield before, picture
        before = picture
