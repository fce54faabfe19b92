"""The page of an engine's card: table, figures, plot and film strip."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from training.evaluation.engine_card import AXES, WINDOW, mean_control
from training.evaluation.pace import THREADS
from training.evaluation.report import render
from training.evaluation.tables import NOTHING, farthest, steady, table
from training.pictures import save_contact_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.world_engine.world_engine import WorldSpec
    from training.evaluation.engine_card import Control, EngineFigures, Returns
    from training.evaluation.pace import Crowd
    from training.evaluation.results import Results

_UNITS: Final = MappingProxyType(
    {"yaw": "rad a pixel", "pitch": "rad a pixel", "forward": "m/s", "strafe": "rad/s"},
)
_SHARES: Final = ("brightness", "contrast", "detail")


@dataclass(frozen=True, slots=True)
class EngineCardPage:
    """One engine, in pictures by name."""

    spec: WorldSpec
    figures: Mapping[str, EngineFigures]
    crowd: Crowd
    beside_the_truth: Results | None

    def write(self, folder: Path) -> str:
        """Write `card.md`, `card.json`, `card.png` and `card_strip.png` to `folder`; returns the table."""
        folder.mkdir(parents=True, exist_ok=True)
        text = self.table()
        (folder / "card.md").write_text(text, encoding="utf-8")
        plain = {
            name: {key: value for key, value in asdict(each).items() if key != "shown"}
            for name, each in self.figures.items()
        }
        facts = {
            "model_id": self.spec.model_id,
            "weights": self.spec.weights_hash,
            "pictures": plain,
            "crowd": self.crowd._asdict(),
            "beside_the_truth": None if self.beside_the_truth is None else asdict(self.beside_the_truth),
        }
        (folder / "card.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        self._plot(folder / "card.png")
        save_contact_sheet(folder / "card_strip.png", [list(each.shown) for each in self.figures.values()])
        return text

    def table(self) -> str:
        spec = self.spec
        head = (
            f"{spec.title} ({spec.model_id}, weights {spec.weights_hash[:12]}), {spec.width}x{spec.height}, in "
            f"{len(self.figures)} pictures: {', '.join(self.figures)}."
        )
        parts = [head, self._facts(), self._control(), self._returning(), self._course()]
        if self.beside_the_truth is not None:
            parts.append(render(self.beside_the_truth))
        return "\n\n".join(parts) + "\n"

    def _facts(self) -> str:
        spec, found = self.spec, list(self.figures.values())
        p50, p95 = (float(np.mean([each.pass_ms[n] for each in found])) for n in range(2))
        rows = [
            ("control granularity", f"{1000.0 * spec.pass_interval_s:.0f} ms ({spec.frames_per_pass} frames a pass)"),
            (f"a pass on this machine ({_load()}), p50 / p95", f"{p50:.1f} / {p95:.1f} ms"),
            ("a frame, p50", f"{p50 / spec.frames_per_pass:.1f} ms, for {1000.0 / spec.fps:.1f} ms of play"),
            (f"{self.crowd.worlds} worlds on {THREADS} threads", f"{self.crowd.frames_per_s:.1f} frames/s each"),
            ("state of a world", f"{max(each.state_bytes for each in found) / 1024.0:.1f} KiB"),
            (
                "without input, change of 255: each frame / in all",
                " / ".join(
                    f"{255.0 * float(np.mean([getattr(each, name) for each in found])):.2f}"
                    for name in ("idle_change", "idle_drift")
                ),
            ),
        ]
        return table("Facts", ("", ""), rows)

    def _control(self) -> str:
        rows: list[tuple[str, ...]] = []
        for axis in AXES:
            control = mean_control([each.control for each in self.figures.values()], axis)
            rows.append((axis, *_cells(control), _UNITS[axis]))
        columns = ("", "right sign", "correlation", "gain", "delay, frames", "unit of the gain")
        return table("What frames showed against what the hand did", columns, rows)

    def _returning(self) -> str:
        found = [each.returned for each in self.figures.values()]
        away = list(found[0].turned)

        def row(told: str, part: Callable[[Returns], dict[float, float]]) -> tuple[str, ...]:
            return told, *(f"{float(np.mean([part(each)[at] for each in found])):.1f}" for at in away)

        rows = [
            row("a look away, and back", lambda each: each.turned),
            row("steps ahead, and back", lambda each: each.walked),
        ]
        title = "Return after so many seconds: PSNR against what was there, dB"
        return table(title, ("", *(f"{at:g}" for at in away)), rows)

    def _course(self) -> str:
        rows: list[tuple[str, ...]] = []
        for name in _SHARES:
            plays: list[list[float]] = [getattr(each.course, name) for each in self.figures.values()]
            means = np.mean(plays, axis=0)
            rows.append((name, *(f"{means[at]:.2f}" for at in _ends(len(means))), farthest(plays), steady(plays)))
        torn = [each.course.fragments for each in self.figures.values()]
        means = np.mean(torn, axis=0)
        worst = max((count for play in torn for count in play), key=abs)
        rows.append(("torn fragments", *(f"{means[at]:+.0f}" for at in _ends(len(means))), f"{worst:+.0f}", NOTHING))
        columns = ("", "first window", "middle", "last", "worst window of all", "within 15 %")
        return table(f"Long play, each over {WINDOW} frames, against the picture it began with", columns, rows)

    def _plot(self, path: Path) -> None:
        from matplotlib.figure import Figure  # a second to import, and only wanted here

        figure: Any = Figure(figsize=(12, 3.2), layout="constrained")  # matplotlib is typed in parts only
        for axes, name in zip(figure.subplots(1, 3), _SHARES, strict=True):
            for picture, each in self.figures.items():
                windows: list[float] = getattr(each.course, name)
                axes.plot([WINDOW * (window + 0.5) for window in range(len(windows))], windows, label=picture)
            axes.set(title=f"{name}, of the first picture's", xlabel="frames", ylim=(0.0, 2.0))
            axes.axhline(1.0, color="grey", linewidth=0.8)
        figure.axes[0].legend()
        figure.savefig(path, dpi=90, metadata={"Software": None})


def _ends(windows: int) -> tuple[int, int, int]:
    return 0, windows // 2, windows - 1


def _load() -> str:
    """How busy the machine is: figures of pace are of a quiet one only."""
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores, {platform.machine()}{busy}"


def _cells(control: Control) -> tuple[str, ...]:
    def cell(value: float | None, form: Callable[[float], str]) -> str:
        return NOTHING if value is None else form(value)

    return (
        cell(control.sign, lambda value: f"{value:.0%}"),
        cell(control.correlation, lambda value: f"{value:.2f}"),
        cell(control.gain, lambda value: f"{value:.4f}"),
        cell(control.delay_frames, lambda value: f"{value:.0f}"),
    )
