"""The table: what a person reads of an evaluation, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from training.evaluation.pace import CROWD, THREADS
from training.evaluation.results import KINDS
from training.evaluation.runs import TRUTH, WINDOW
from training.evaluation.walks import ALL, HORIZONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.evaluation.results import Results
    from training.evaluation.walks import Obedience

_NOTHING: Final = "-"
_MEASURES: Final = (
    ("PSNR, dB", ".1f", "psnr"),
    ("SSIM", ".3f", "ssim"),
    ("FLIP", ".3f", "flip"),
    ("torn fragments", "+.0f", "fragments"),
    ("sharpness", ".2f", "sharpness"),
)


def render(results: Results) -> str:
    parts = [
        _head(results),
        _likeness(results),
        _kinds(results),
        _control(results),
        _stillness(results),
        _drift(results),
        _returning(results),
        _pace(results),
    ]
    return "\n\n".join(parts) + "\n"


def _head(results: Results) -> str:
    conditions = results.conditions
    return (
        f"Weights {conditions.weights_hash[:12]}; "
        f"{conditions.plan.walks} walks in held-out worlds. {conditions.machine}."
    )


def _likeness(results: Results) -> str:
    rows: list[list[str]] = []
    for subject in results.subjects:
        found = results.likeness[subject][ALL]
        for label, form, name in _MEASURES:
            cells = [format(getattr(found[at], name), form) if at in found else _NOTHING for at in HORIZONS]
            rows.append([subject, label, *cells])
    walks = results.likeness[results.subjects[0]][ALL]
    rows.append(["", "walks", *(str(walks[at].walks) if at in walks else _NOTHING for at in HORIZONS)])
    return _table("Against the simulator, after so many frames", ["", "", *map(str, HORIZONS)], rows)


def _kinds(results: Results) -> str:
    rows: list[list[str]] = []
    for kind in KINDS[1:]:
        for subject in results.subjects:
            found = results.likeness[subject][kind]
            cells = [f"{found[at].psnr:.1f} / {found[at].ssim:.3f}" if at in found else _NOTHING for at in HORIZONS]
            rows.append([kind, subject, *cells])
    return _table("PSNR in dB / SSIM by what the player does", ["", "", *map(str, HORIZONS)], rows)


def _control(results: Results) -> str:
    def cells(obedience: Obedience) -> list[str]:
        return [_NOTHING if value is None else f"{value:.2f}" for value in (obedience.correlation, obedience.gain)]

    rows = [
        [_named(name), *cells(results.turning[name]), *cells(results.advancing[name])]
        for name in (*results.subjects, TRUTH)
    ]
    columns = ["", "yaw: correlation", "gain", "forward: correlation", "gain"]
    return _table("Measured against commanded motion", columns, rows)


def _stillness(results: Results) -> str:
    rows = [
        [_named(name), f"{255.0 * found.each_frame:.3f}", f"{255.0 * found.from_the_first:.2f}"]
        for name, found in results.stillness.items()
    ]
    title = f"{results.conditions.plan.rest_frames} frames without any input: mean absolute change, of 255"
    return _table(title, ["", "from frame to frame", "last frame from the first"], rows)


def _drift(results: Results) -> str:
    ends = sorted({0, *(round(share * (_windows(results) - 1)) for share in (0.25, 0.5, 1.0))})
    rows: list[list[str]] = []
    for subject in results.subjects:
        for name in ("brightness", "contrast", "sharpness"):
            ratios: list[float] = getattr(results.drift[subject], name)
            rows.append([subject, name, *(f"{ratios[window]:.2f}" for window in ends)])
    columns = ["", "", *(f"to frame {WINDOW * (window + 1)}" for window in ends)]
    return _table(f"Play without end: ratio to the simulator, each over {WINDOW} frames", columns, rows)


def _returning(results: Results) -> str:
    rows = [[_named(name), f"{found.back:.1f}", f"{found.half_way:.1f}"] for name, found in results.returning.items()]
    return _table("Once around: PSNR against the first picture, dB", ["", "back again", "half way"], rows)


def _pace(results: Results) -> str:
    pace = results.pace
    rows = [[f"{value:.1f}" for value in (pace.p50_ms, pace.p95_ms, pace.alone_per_s, pace.crowd_per_s)]]
    columns = [
        "step, ms p50",
        "p95",
        "frames/s, 1 world on 1 thread",
        f"frames/s, {CROWD} worlds on {THREADS} threads",
    ]
    return _table(f"Pace of {results.subjects[0]} (load {results.conditions.load:.1f})", columns, rows)


def _windows(results: Results) -> int:
    return len(results.drift[results.subjects[0]].brightness)


def _named(name: str) -> str:
    return f"{name} (truth)" if name == TRUTH else name


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])
