"""The kernel's own full disk: others fill it while ffmpeg records, and make room again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.full_disk import run_on_small_disk

if TYPE_CHECKING:
    from pathlib import Path


def test_a_recording_outlives_a_disk_that_others_fill_up(tmp_path: Path) -> None:
    printed = run_on_small_disk("tests.services.video_writer.full_disk_process", tmp_path, 4 * 1024 * 1024)
    said = dict(line.split("=", 1) for line in printed.splitlines())
    assert said["faults"] == "['diskFull']"
    assert (said["is_incomplete"], said["is_incomplete_still"], said["is_finished"]) == ("True", "True", "True")
    assert float(said["plays_s"]) > 0.4
    assert abs(float(said["plays_s"]) - float(said["said_s"])) < 0.1
    assert int(said["frames"]) > 12, "at least the fragment that was there before the disk was full"
    assert said["files"] == "['walk.mp4']"
