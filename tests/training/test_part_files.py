"""Large values in small files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.part_files import PartFilesError, read_parts, write_parts

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(100))


def test_a_value_comes_back_whole(tmp_path: Path) -> None:
    write_parts(tmp_path, "state", 7, DATA, part_bytes=30)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"state.000000007.{part:03}" for part in range(4)),
        "state.json",
    ]
    assert max(path.stat().st_size for path in tmp_path.glob("state.0*")) == 30
    assert read_parts(tmp_path, "state") == DATA


def test_a_newer_value_takes_the_place_of_the_older(tmp_path: Path) -> None:
    write_parts(tmp_path, "state", 1, DATA, part_bytes=10)
    write_parts(tmp_path, "state", 2, b"new", part_bytes=10)
    assert read_parts(tmp_path, "state") == b"new"
    assert [path.name for path in tmp_path.glob("state.0*")] == ["state.000000002.000"]


def test_a_value_that_was_never_written_is_none(tmp_path: Path) -> None:
    assert read_parts(tmp_path, "state") is None


@pytest.mark.parametrize("damage", ["missing", "changed", "index"])
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    write_parts(tmp_path, "state", 1, DATA, part_bytes=60)
    path = tmp_path / ("state.json" if damage == "index" else "state.000000001.001")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"{}")
    with pytest.raises(PartFilesError, match=path.name):
        read_parts(tmp_path, "state")
