"""A disk that is really full: new jobs are refused with a sentence, and no job loses what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.full_disk import run_on_small_disk

if TYPE_CHECKING:
    from pathlib import Path


def test_jobs_go_on_when_the_disk_has_room_again(tmp_path: Path) -> None:
    printed = run_on_small_disk("tests.handlers.jobs.small_disk", tmp_path, 4 * 1024 * 1024).splitlines()
    assert "refused 507, running, done at attempt 1" in printed
    assert "jobNotKept: The disk is full. The job can be tried again when there is room." in printed
