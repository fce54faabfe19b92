"""What a soak prints and draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_AIM_MB: Final = 60.0
_SETTLED_MIN: Final = 10.0  # models are loaded and caches filled by then
_WIDTH: Final = 1000
_PANEL: Final = 150
_LEFT: Final = 90
_MARGIN: Final = 24
_INK: Final = (40, 44, 52)
_GRID: Final = (220, 222, 226)
_LINE: Final = (36, 98, 180)


@dataclass(frozen=True, slots=True)
class Row:
    """One stretch of a soak, up to `minute`. `longest_gap_s` is between two messages with frames during a walk."""

    minute: float
    rss_mb: float
    helpers_mb: float  # what the processes that the server has started hold
    descriptors: int
    threads: int
    frames: int
    longest_gap_s: float
    actions: int
    errors: tuple[str, ...]


def head() -> str:
    return "  minute    RSS MB  helpers MB  descriptors  threads  frames  longest gap s  actions  errors"


def line(row: Row) -> str:
    return (
        f"  {row.minute:6.1f}  {row.rss_mb:8.1f}  {row.helpers_mb:10.1f}  {row.descriptors:11}  {row.threads:7}"
        f"  {row.frames:6}  {row.longest_gap_s:13.2f}  {row.actions:7}  {len(row.errors):6}"
    )


def verdict(rows: Sequence[Row]) -> str:
    """How far memory rose above where it had settled."""
    settled = next((row for row in rows if row.minute >= _SETTLED_MIN), rows[0])
    rise = max(row.rss_mb for row in rows if row.minute >= settled.minute) - settled.rss_mb
    slope = _slope_mb([row for row in rows if row.minute >= settled.minute])
    errors = sum(len(row.errors) for row in rows)
    return (
        f"Memory rose by {rise:.1f} MB above minute {settled.minute:.1f} (aim: {_AIM_MB:.0f}),"
        f" by {slope:+.2f} MB a minute on average; {errors} errors."
    )


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write a PNG with a panel for each of the figures that could rise."""
    panels: list[tuple[str, Callable[[Row], float]]] = [
        ("RSS MB", lambda row: row.rss_mb),
        ("helpers MB", lambda row: row.helpers_mb),
        ("descriptors", lambda row: row.descriptors),
        ("threads", lambda row: row.threads),
        ("longest gap s", lambda row: row.longest_gap_s),
        ("errors", lambda row: len(row.errors)),
    ]
    image = Image.new("RGB", (_WIDTH, _PANEL * len(panels) + _MARGIN), "white")
    canvas = ImageDraw.Draw(image)
    for number, (title, value) in enumerate(panels):
        _panel(canvas, number * _PANEL + _MARGIN, title, [(row.minute, float(value(row))) for row in rows])
    image.save(path, "PNG")


def _panel(canvas: ImageDraw.ImageDraw, top: int, title: str, points: Sequence[tuple[float, float]]) -> None:
    """A line from zero to the most, over the minutes."""
    height, width = _PANEL - _MARGIN - 14, _WIDTH - _LEFT - _MARGIN
    most = max(value for _, value in points) or 1.0
    last = points[-1][0]

    def at(minute: float, value: float) -> tuple[float, float]:
        return _LEFT + width * minute / last, top + height * (1 - value / (most * 1.1))

    for share in (0.0, 0.5, 1.0):
        _, y = at(0.0, most * share)
        canvas.line([(_LEFT, y), (_LEFT + width, y)], fill=_GRID)
        canvas.text((8, y - 6), f"{most * share:.4g}", fill=_INK)
    canvas.line([at(*point) for point in points], fill=_LINE, width=2)
    canvas.text((_LEFT, top - 14), f"{title}, over {last:.0f} minutes", fill=_INK)


def _slope_mb(rows: Sequence[Row]) -> float:
    """MB a minute, by least squares."""
    middle = sum(row.minute for row in rows) / len(rows)
    mean = sum(row.rss_mb for row in rows) / len(rows)
    spread = sum((row.minute - middle) ** 2 for row in rows)
    return sum((row.minute - middle) * (row.rss_mb - mean) for row in rows) / spread if spread else 0.0
