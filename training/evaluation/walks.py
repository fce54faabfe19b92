"""Recorded walks, played again: how like the truth the pictures are, how sharp, and whether turns are obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from training.evaluation.flip import flip
from training.evaluation.measures import correlation, fragments, gain, psnr, sharpness, ssim

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from training.evaluation.optics import Odometer
    from training.evaluation.subjects import Subject
    from training.evaluation.trials import Kind, Picture, Trial

HORIZONS: Final = (1, 4, 16, 64, 256)  # frames after the first
ALL: Final = "all"
_MISREAD: Final = 0.01  # rad; where the odometer is so wrong on the truth, it says nothing of others


@dataclass(frozen=True, slots=True)
class Track:
    """One subject's way through one walk."""

    psnr: NDArray[np.float64]  # [L], dB, of each frame after the first
    ssim: dict[int, float]  # by horizon
    sharpness: dict[int, float]  # by horizon, grey levels a pixel
    flip: dict[int, float]  # by horizon
    fragments: dict[int, int]  # by horizon, more than the truth has
    turns: NDArray[np.float64]  # [L], rad, measured


@dataclass(frozen=True, slots=True)
class PlayedWalk:
    kind: Kind
    commanded: NDArray[np.float64]  # [L], rad
    truth: Track
    tracks: dict[str, Track]  # by subject


@dataclass(frozen=True, slots=True)
class Likeness:
    """Means over the walks that reach a horizon."""

    walks: int
    psnr: float  # dB
    ssim: float
    sharpness: float  # of the truth's
    flip: float  # 0 to 1
    fragments: float  # more than the truth has


@dataclass(frozen=True, slots=True)
class Obedience:
    """Measured against commanded motion, frame by frame."""

    correlation: float | None
    gain: float | None


def play_walk(trial: Trial, subjects: Sequence[Subject], odometer: Odometer) -> PlayedWalk:
    truth = list(trial.pictures())
    return PlayedWalk(
        kind=trial.kind,
        commanded=np.array([action.yaw for action in trial.actions]),
        truth=_track(truth, truth, odometer),
        tracks={subject.name: _track(subject.play(trial), truth, odometer) for subject in subjects},
    )


def _track(pictures: Iterable[Picture], truth: Sequence[Picture], odometer: Odometer) -> Track:
    likeness: list[float] = []
    structure: dict[int, float] = {}
    sharp: dict[int, float] = {}
    flipped: dict[int, float] = {}
    torn: dict[int, int] = {}
    turns: list[float] = []
    before = truth[0]
    for frame, (picture, true) in enumerate(zip(pictures, truth, strict=True)):
        if frame:
            likeness.append(psnr(picture, true))
            turns.append(odometer.turn(before, picture))
        if frame in HORIZONS:
            structure[frame], sharp[frame] = ssim(picture, true), sharpness(picture)
            flipped[frame], torn[frame] = flip(picture, true), fragments(picture) - fragments(true)
        before = picture
    return Track(np.array(likeness), structure, sharp, flipped, torn, np.array(turns))


def likeness_of(walks: Sequence[PlayedWalk], subject: str, kind: str, horizon: int) -> Likeness | None:
    """None where no walk of the kind is so long."""
    chosen = [walk for walk in walks if kind in (ALL, walk.kind) and horizon in walk.truth.ssim]
    if not chosen:
        return None
    tracks = [walk.tracks[subject] for walk in chosen]
    sharp, truly_sharp = (
        sum(track.sharpness[horizon] for track in each) for each in (tracks, [walk.truth for walk in chosen])
    )
    return Likeness(
        walks=len(chosen),
        psnr=float(np.mean([track.psnr[horizon - 1] for track in tracks])),
        ssim=float(np.mean([track.ssim[horizon] for track in tracks])),
        sharpness=sharp / truly_sharp,
        flip=float(np.mean([track.flip[horizon] for track in tracks])),
        fragments=float(np.mean([track.fragments[horizon] for track in tracks])),
    )


def mean_psnr(walks: Sequence[PlayedWalk], subject: str) -> list[float]:
    """dB of each frame after the first, over the longest walks: the same ones at every frame."""
    tracks = [walk.tracks[subject].psnr for walk in walks]
    longest = max(len(track) for track in tracks)
    return [float(value) for value in np.mean([track for track in tracks if len(track) == longest], axis=0)]


def turns_of(walks: Sequence[PlayedWalk], subject: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Commanded and measured turns, rad, of all frames in which the odometer reads the truth right; None: the truth,
    of all frames, which is what the odometer itself is judged by."""
    commanded, read = (
        np.concatenate(parts) for parts in ([w.commanded for w in walks], [w.truth.turns for w in walks])
    )
    if subject is None:
        return commanded, read
    right = np.abs(read - commanded) < _MISREAD
    return commanded[right], np.concatenate([walk.tracks[subject].turns for walk in walks])[right]


def obedience_of(commanded: NDArray[np.float64], measured: NDArray[np.float64]) -> Obedience:
    return Obedience(correlation(commanded, measured), gain(commanded, measured))
