"""Cells of the tables that sum up windows of play."""

from __future__ import annotations

from training.evaluation.tables import farthest, steady, table


def test_the_worst_window_is_the_farthest_from_one_by_its_ratio() -> None:
    assert farthest([[0.9, 1.2]]) == "1.20"
    assert farthest([[0.4, 1.0], [2.0, 1.0]]) == "0.40"
    assert farthest([[0.0, 9.0]]) == "0.00"


def test_windows_within_15_percent_are_counted() -> None:
    assert steady([[1.0, 0.86, 0.84], [1.14, 1.16]]) == "3 of 5"


def test_a_table_is_markdown() -> None:
    assert table("T", ("", "a"), [("x", "1")]) == "**T**\n\n|  | a |\n| --- | --- |\n| x | 1 |"
