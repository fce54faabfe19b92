"""What a person reads of an engine beside the simulator, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from training.evaluation.results import KINDS
from training.evaluation.runs import TRUTH, WINDOW
from training.evaluation.tables import NOTHING, farthest, steady, table
from training.evaluation.walks import ALL, HORIZONS

if TYPE_CHECKING:
    from training.evaluation.results import Results
    from training.evaluation.walks import Obedience

_MEASURES: Final = (
    ("PSNR, dB", ".1f", "psnr"),
    ("SSIM", ".3f", "ssim"),
    ("FLIP", ".3f", "flip"),
    ("torn fragments", "+.0f", "fragments"),
    ("sharpness", ".2f", "sharpness"),
)


def render(results: Results) -> str:
    height, width = results.size
    head = f"Beside the simulator, in {results.plan.walks} walks of held-out worlds, at {width}x{height}:"
    parts = [_likeness(results), _kinds(results), _control(results), _drift(results), _returning(results)]
    return "\n\n".join([head, *parts])


def _likeness(results: Results) -> str:
    rows: list[list[str]] = []
    for subject in results.subjects:
        found = results.likeness[subject][ALL]
        for label, form, name in _MEASURES:
            cells = [format(getattr(found[at], name), form) if at in found else NOTHING for at in HORIZONS]
            rows.append([subject, label, *cells])
    walks = results.likeness[results.subjects[0]][ALL]
    rows.append(["", "walks", *(str(walks[at].walks) if at in walks else NOTHING for at in HORIZONS)])
    return table("Likeness after so many frames", ["", "", *map(str, HORIZONS)], rows)


def _kinds(results: Results) -> str:
    rows: list[list[str]] = []
    for kind in KINDS[1:]:
        for subject in results.subjects:
            found = results.likeness[subject][kind]
            cells = [f"{found[at].psnr:.1f} / {found[at].ssim:.3f}" if at in found else NOTHING for at in HORIZONS]
            rows.append([kind, subject, *cells])
    return table("PSNR in dB / SSIM by what the player does", ["", "", *map(str, HORIZONS)], rows)


def _control(results: Results) -> str:
    def cells(obedience: Obedience) -> list[str]:
        return [NOTHING if value is None else f"{value:.2f}" for value in (obedience.correlation, obedience.gain)]

    rows = [
        [_named(name), *cells(results.turning[name]), *cells(results.advancing[name])]
        for name in (*results.subjects, TRUTH)
    ]
    columns = ["", "yaw: correlation", "gain", "forward: correlation", "gain"]
    return table("Measured against commanded motion, frame by frame", columns, rows)


def _drift(results: Results) -> str:
    rows: list[list[str]] = []
    for subject in results.subjects:
        for name in ("brightness", "contrast", "sharpness"):
            plays: list[list[float]] = getattr(results.drift[subject], name)
            means = np.mean(plays, axis=0)
            rows.append(
                [
                    subject,
                    name,
                    *(f"{means[at]:.2f}" for at in (0, len(means) // 2, -1)),
                    farthest(plays),
                    steady(plays),
                ]
            )
    columns = ["", "", "first window", "middle", "last", "worst window of all", "within 15 %"]
    title = f"Play of {results.plan.play_frames} frames, each over {WINDOW}, as shares of the simulator's"
    return table(title, columns, rows)


def _returning(results: Results) -> str:
    rows = [[_named(name), f"{found.back:.1f}", f"{found.half_way:.1f}"] for name, found in results.returning.items()]
    return table("Once around: PSNR against the first picture, dB", ["", "back again", "half way"], rows)


def _named(name: str) -> str:
    return f"{name} (truth)" if name == TRUTH else name
