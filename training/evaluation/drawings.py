"""The plot of an engine beside the simulator, and the film strip beside it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from training.evaluation.runs import TRUTH, WINDOW
from training.evaluation.walks import ALL
from training.pictures import save_contact_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.evaluation.results import Results
    from training.evaluation.subjects import Subject
    from training.evaluation.trials import Picture, Trial

_SHOWN_AT: Final = (0, 1, 4, 16, 32, 64)  # frames


def draw_plot(results: Results, path: Path) -> None:
    """PNG: above, likeness to the simulator over the frames of recorded walks; below, what becomes of light, contrast
    and detail in long play."""
    from matplotlib.figure import Figure  # a second to import, and only wanted here

    figure: Any = Figure(figsize=(12, 6.5), layout="constrained")  # matplotlib is typed in parts only
    above, below = figure.subplots(2, 3)
    for subject in results.subjects:
        curve = results.psnr[subject]
        above[0].plot(range(1, len(curve) + 1), curve, label=subject)
        found = results.likeness[subject][ALL]
        above[1].plot(list(found), [each.ssim for each in found.values()], marker="o")
        above[2].plot(list(found), [each.sharpness for each in found.values()], marker="o")
        drift = results.drift[subject]
        for axes, plays in zip(below, (drift.brightness, drift.contrast, drift.sharpness), strict=True):
            ratios = np.mean(plays, axis=0)
            axes.plot([WINDOW * (window + 0.5) for window in range(len(ratios))], ratios)
    for axes, title in zip(above, ("PSNR, dB (the longest walks)", "SSIM", "sharpness, of the truth's"), strict=True):
        axes.set(title=title, xlabel="frames of recorded walks", xscale="log")
    for axes, title in zip(below, ("brightness", "contrast", "sharpness"), strict=True):
        axes.set(title=f"{title}, of the truth's", xlabel="frames of long play", ylim=(0.0, 2.0))
    for axes in (above[2], *below):
        axes.axhline(1.0, color="grey", linewidth=0.8)
    above[0].legend()
    figure.savefig(path, dpi=90, metadata={"Software": None})


def draw_strip(trials: Sequence[Trial], subjects: Sequence[Subject], path: Path) -> None:
    """PNG: for each walk a row of the truth and one of each subject."""
    rows: list[list[Picture]] = []
    labels: list[list[str]] = []
    for trial in trials:
        for name, pictures in _all(trial, subjects):
            shown = [(at, picture) for at, picture in enumerate(pictures) if at in _SHOWN_AT]
            rows.append([picture for _, picture in shown])
            labels.append([f"{name}: {trial.policy}", *(f"frame {at}" for at, _ in shown[1:])])
    save_contact_sheet(path, rows, labels)


def _all(trial: Trial, subjects: Sequence[Subject]) -> Iterator[tuple[str, Iterator[Picture]]]:
    shown = max(_SHOWN_AT) + 1
    yield TRUTH, islice(trial.pictures(), shown)
    for subject in subjects:
        yield subject.name, islice(subject.play(trial), shown)
