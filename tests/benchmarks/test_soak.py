"""The soak at toy size: it runs without an error and reports every row. What it measures there means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from benchmarks.soak import Plan, run
from benchmarks.soak_report import Row, draw, line, verdict

if TYPE_CHECKING:
    from pathlib import Path


def row(minute: float, rss_mb: float, *errors: str) -> Row:
    return Row(minute, rss_mb, 100.0, 20, 18, 900, 0.2, 30, errors)


@pytest.mark.trial
def test_a_toy_soak_plays_and_reports() -> None:
    seen: list[Row] = []
    rows = run(Plan(minutes=0.2, players=1, seed=3, models=("terrarium/diorama",), row_s=6.0), on_row=seen.append)
    assert rows == seen
    assert [each.minute for each in rows] == [0.1, 0.2]
    assert [error for each in rows for error in each.errors] == []
    assert sum(each.frames for each in rows) > 0
    assert all(each.rss_mb > 0 and each.descriptors > 0 and each.threads > 0 for each in rows)


def test_memory_is_compared_with_where_it_had_settled() -> None:
    rows = [row(1, 100), row(5, 400), row(10, 500), row(11, 520), row(12, 510, "a refusal")]
    assert verdict(rows) == (
        "Memory rose by 20.0 MB above minute 10.0 (aim: 60), by +5.00 MB a minute on average; 1 errors."
    )
    assert len(line(rows[-1]).split()) == 9


def test_the_picture_shows_every_row(tmp_path: Path) -> None:
    draw([row(1, 100), row(2, 200)], tmp_path / "soak.png")
    draw([row(1, 100), row(2, 100)], tmp_path / "flat.png")
    with Image.open(tmp_path / "soak.png") as soak, Image.open(tmp_path / "flat.png") as flat:
        assert soak.format == "PNG"
        assert soak.tobytes() != flat.tobytes()
