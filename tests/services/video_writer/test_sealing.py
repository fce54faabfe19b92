"""What is kept of an encoded part, before the frames that still wait on disk."""

from __future__ import annotations

import pytest

from services.video_writer._sealing import packets_before


@pytest.mark.parametrize(
    ("missing", "decoded", "kept"),
    [
        pytest.param(None, [0, 3, 1, 2, 6, 4, 5], 7, id="all frames are there"),
        pytest.param(7, [0, 3, 1, 2, 6, 4, 5], 7, id="the part ends before the first missing frame"),
        pytest.param(2, [0, 3, 1], 1, id="a frame is shown after the missing one, on which others build"),
        pytest.param(5, [0, 3, 1, 2, 6, 4], 4, id="the last group of frames lacks one"),
        pytest.param(4, [0, 3, 1, 2, 6], 4, id="the last group of frames has only its end"),
        pytest.param(7, [0, 3, 1, 2, 4, 6, 8], 6, id="a gap that play has left"),
        pytest.param(0, [1, 2], 0, id="not even the first"),
        pytest.param(0, [], 0, id="no frames"),
    ],
)
def test_packets_are_kept_that_leave_no_gap_and_show_nothing_twice(
    missing: int | None, decoded: list[int], kept: int
) -> None:
    assert packets_before(missing, decoded) == kept
