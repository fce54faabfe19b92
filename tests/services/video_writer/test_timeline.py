"""Frames get the times at which they were seen."""

from __future__ import annotations

from itertools import pairwise

import pytest

from services.video_writer._timeline import Timeline

A, B, C, D = b"a", b"b", b"c", b"d"


def shown(
    timeline: Timeline[bytes], *passes: tuple[list[bytes], float, float], ended_at: float | None = None
) -> list[float]:
    """Times in seconds of everything that comes out."""
    frames = [frame for one in passes for frame in timeline.add(*one)]
    return [frame.at_us / 1_000_000 for frame in (*frames, *timeline.end(ended_at))]


def test_the_frames_of_a_pass_spread_over_the_time_until_the_next() -> None:
    times = shown(Timeline[bytes](20), ([A, B], 50.0, 0.1), ([C, D], 50.14, 0.1), ended_at=50.24)
    assert times == pytest.approx([0.0, 0.07, 0.14, 0.19])


def test_a_pass_before_a_gap_keeps_its_length_and_its_last_frame_is_held() -> None:
    timeline = Timeline[bytes](20)
    times = shown(timeline, ([A, B], 0.0, 0.1), ([C], 5.0, 0.05), ended_at=9.0)
    assert times == pytest.approx([0.0, 0.05, 5.0, 8.95])
    assert timeline.duration_s == pytest.approx(9.0)
    assert timeline.frames == 4


def test_without_an_end_the_last_pass_has_its_planned_length() -> None:
    timeline = Timeline[bytes](10)
    assert shown(timeline, ([A, B], 3.0, 0.2)) == pytest.approx([0.0, 0.1])
    assert timeline.duration_s == pytest.approx(0.2)


def test_times_increase_whatever_comes() -> None:
    passes = [([A, B, C], 1.0, 0.3), ([A, B], 1.0, 0.1), ([A], 1.0005, 0.1), ([B], 0.5, 0.1), ([C], 1.2, 0.0)]
    times = shown(Timeline[bytes](30), *passes, ended_at=0.0)
    assert len(times) == 8
    assert all(later > earlier for earlier, later in pairwise(times))


def test_the_clock_of_the_recording_begins_with_its_first_frame() -> None:
    timeline = Timeline[bytes](30)
    assert timeline.since_start_us(7.0) == 0
    assert timeline.add([], 6.0, 0.1) == []
    timeline.add([A], 7.0, 0.1)
    assert timeline.since_start_us(8.5) == 1_500_000
    assert timeline.since_start_us(6.0) == 0


def test_a_timeline_without_passes_is_empty() -> None:
    timeline = Timeline[bytes](30)
    assert timeline.end(5.0) == []
    assert (timeline.duration_s, timeline.frames) == (0.0, 0)


def test_an_hour_does_not_drift() -> None:
    timeline, times = Timeline[bytes](30), list[int]()
    for at in range(54_000):
        times += [frame.at_us for frame in timeline.add([A, B], 1e6 + at / 15, 2 / 30)]
    times += [frame.at_us for frame in timeline.end(1e6 + 3600)]
    assert len(times) == 108_000
    assert times[-1] == pytest.approx(3600e6 - 1e6 / 30, abs=1000)
