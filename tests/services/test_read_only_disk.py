"""A disk that becomes read-only in play, as after an error of the drive: what is there is read, the rest is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.full_disk import run_on_small_disk

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_refused_is_said_and_what_is_there_is_read(tmp_path: Path) -> None:
    assert run_on_small_disk("tests.services.read_only_process", tmp_path, 8 * 1024 * 1024).endswith(
        "everything was said\n"
    )
