"""Tables in Markdown, and cells that more than one of them has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING: Final = "-"
_STEADY: Final = 0.15  # of what there was
_LEAST: Final = 1e-3  # share; logarithms are of more than nothing


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])


def farthest(runs: Sequence[Sequence[float]]) -> str:
    """Of all windows of all runs, the share that is farthest from 1."""
    return f"{max((share for run in runs for share in run), key=_distance):.2f}"


def steady(runs: Sequence[Sequence[float]]) -> str:
    """How many windows of how many have a share that is near 1."""
    shares = [share for run in runs for share in run]
    return f"{sum(abs(share - 1.0) <= _STEADY for share in shares)} of {len(shares)}"


def _distance(share: float) -> float:
    return abs(math.log(max(share, _LEAST)))
