"""The page of an engine's card: table, figures, plot and film strip."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from training.evaluation.engine_card import AXES, WINDOW, mean_control
from training.pictures import save_contact_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.world_engine.world_engine import WorldSpec
    from training.evaluation.engine_card import Control, EngineFigures

_NOTHING: Final = "-"
_UNITS: Final = MappingProxyType(
    {"yaw": "rad a pixel", "pitch": "rad a pixel", "forward": "m a pass", "strafe": "rad a pass"}
)


@dataclass(frozen=True, slots=True)
class EngineCardPage:
    """One engine, in pictures by name."""

    spec: WorldSpec
    figures: Mapping[str, EngineFigures]

    def write(self, folder: Path) -> str:
        """Write `card.md`, `card.json`, `card.png` and `card_strip.png` to `folder`; returns the table."""
        folder.mkdir(parents=True, exist_ok=True)
        table = self.table()
        (folder / "card.md").write_text(table, encoding="utf-8")
        plain = {
            name: {key: value for key, value in asdict(each).items() if key != "shown"}
            for name, each in self.figures.items()
        }
        facts = {"model_id": self.spec.model_id, "weights": self.spec.weights_hash, "pictures": plain}
        (folder / "card.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        self._plot(folder / "card.png")
        save_contact_sheet(folder / "card_strip.png", [list(each.shown) for each in self.figures.values()])
        return table

    def table(self) -> str:
        spec, found = self.spec, list(self.figures.values())
        head = (
            f"{spec.title} ({spec.model_id}, weights {spec.weights_hash[:12]}), {spec.width}x{spec.height}, in "
            f"{len(found)} pictures: {', '.join(self.figures)}."
        )
        return "\n\n".join([head, self._facts(), self._control(), self._returning(), self._course()]) + "\n"

    def _facts(self) -> str:
        spec, found = self.spec, list(self.figures.values())
        p50, p95 = (float(np.mean([each.pass_ms[n] for each in found])) for n in range(2))
        rows = [
            ("control granularity", f"{1000.0 * spec.pass_interval_s:.0f} ms ({spec.frames_per_pass} frames a pass)"),
            ("a pass on this machine, p50 / p95", f"{p50:.1f} / {p95:.1f} ms"),
            ("a frame, p50", f"{p50 / spec.frames_per_pass:.1f} ms, for {1000.0 / spec.fps:.1f} ms of play"),
            ("state of a world", f"{max(each.state_bytes for each in found) / 1024.0:.1f} KiB"),
            (
                "without input, change of 255: each frame / in all",
                " / ".join(
                    f"{255.0 * float(np.mean([getattr(each, name) for each in found])):.2f}"
                    for name in ("idle_change", "idle_drift")
                ),
            ),
        ]
        return _table("Facts", ("", ""), rows)

    def _control(self) -> str:
        rows: list[tuple[str, ...]] = []
        for axis in AXES:
            control = mean_control([each.control for each in self.figures.values()], axis)
            rows.append((axis, *_cells(control), _UNITS[axis]))
        columns = ("", "right sign", "correlation", "gain", "delay, frames", "unit of the gain")
        return _table("What pictures showed against what the hand did", columns, rows)

    def _returning(self) -> str:
        found = list(self.figures.values())
        away = list(found[0].returned)
        rows = [("PSNR, dB", *(f"{float(np.mean([each.returned[at] for each in found])):.1f}" for at in away))]
        return _table("Return after so many seconds away", ("", *(f"{at:g}" for at in away)), rows)

    def _course(self) -> str:
        rows: list[tuple[str, ...]] = []
        for name in ("brightness", "contrast", "detail"):
            windows = np.mean([getattr(each.course, name) for each in self.figures.values()], axis=0)
            worst = [each.course.worst()[name] for each in self.figures.values()]
            farthest = max(worst, key=lambda share: abs(float(np.log(max(share, 1e-3)))))
            rows.append(
                (
                    name,
                    f"{windows[0]:.2f}",
                    f"{windows[len(windows) // 2]:.2f}",
                    f"{windows[-1]:.2f}",
                    f"{farthest:.2f}",
                )
            )
        columns = ("", "first window", "middle", "last", "worst window of a picture")
        return _table(f"Long play, each over {WINDOW} frames, as shares of the first picture", columns, rows)

    def _plot(self, path: Path) -> None:
        from matplotlib.figure import Figure  # a second to import, and only wanted here

        figure: Any = Figure(figsize=(12, 3.2), layout="constrained")  # matplotlib is typed in parts only
        for axes, name in zip(figure.subplots(1, 3), ("brightness", "contrast", "detail"), strict=True):
            for picture, each in self.figures.items():
                windows: list[float] = getattr(each.course, name)
                axes.plot([WINDOW * (window + 0.5) for window in range(len(windows))], windows, label=picture)
            axes.set(title=f"{name}, of the first picture's", xlabel="frames", ylim=(0.0, 2.0))
            axes.axhline(1.0, color="grey", linewidth=0.8)
        figure.axes[0].legend()
        figure.savefig(path, dpi=90, metadata={"Software": None})


def _cells(control: Control) -> tuple[str, ...]:
    def cell(value: float | None, form: Callable[[float], str]) -> str:
        return _NOTHING if value is None else form(value)

    return (
        cell(control.sign, lambda value: f"{value:.0%}"),
        cell(control.correlation, lambda value: f"{value:.2f}"),
        cell(control.gain, lambda value: f"{value:.4f}"),
        cell(control.delay_frames, lambda value: f"{value:.0f}"),
    )


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])
