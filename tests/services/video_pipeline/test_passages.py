"""Which frames of a source are seen, and which are made."""

from __future__ import annotations

import pytest

from services.video_pipeline import _passage
from services.video_pipeline.film_order import Extension, Joining, Retake, Side
from services.video_pipeline.video_specs import frames_for, frames_of
from services.video_reader.source_media import SourceError

FPS = 24.0
SOURCE = __file__  # no passage reads it


@pytest.mark.parametrize("source_frames", [9, 17, 48, 100, 1001])
@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.2), (0.1, 0.3), (0.0, 0.375)])
def test_a_retake_is_within_its_window_and_the_window_within_the_source(
    source_frames: int, start_s: float, end_s: float
) -> None:
    frames = frames_for(Retake(SOURCE, start_s, end_s), 0, FPS)  # pyright: ignore[reportArgumentType] - never opened
    made = _passage.retake(source_frames, FPS, start_s, end_s, frames)
    assert made.frames % 8 == 1
    assert made.source_begin >= 0
    assert made.source_begin + made.frames <= source_frames
    assert (made.source_begin + made.begin, made.source_begin + made.end) == (round(start_s * 24), round(end_s * 24))


@pytest.mark.parametrize(("start_s", "end_s"), [(1.5, 2.5), (2.0, 2.0), (5.0, 6.0)])
def test_a_retake_outside_of_the_source_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(SourceError, match=r"which lasts 2\.00 seconds"):
        _passage.retake(48, FPS, start_s, end_s, 41)


def test_a_source_of_one_frame_is_refused() -> None:
    for call in (
        lambda: _passage.retake(1, FPS, 0, 0.04, 9),
        lambda: _passage.extension(1, FPS, Side.END, 1.0, 33),
        lambda: _passage.joining(48, 1, FPS, 1.0, 73),
    ):
        with pytest.raises(SourceError, match="9 are needed"):
            call()


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("source_frames", [9, 10, 24, 500])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.0])
def test_an_extension_is_as_long_as_it_was_asked_for(side: Side, source_frames: int, seconds: float) -> None:
    frames = frames_for(Extension(SOURCE, side, seconds), 0, FPS)  # pyright: ignore[reportArgumentType] - never opened
    made = _passage.extension(source_frames, FPS, side, seconds, frames)
    assert made.frames % 8 == 1
    assert made.end - made.begin == max(1, round(seconds * FPS))
    seen = made.before if side is Side.END else made.after
    assert 0 < seen <= source_frames


@pytest.mark.parametrize(("before", "after"), [(9, 9), (500, 500), (9, 500), (500, 12)])
def test_a_joining_sees_both_sources(before: int, after: int) -> None:
    frames = frames_for(Joining(SOURCE, SOURCE, 0.5), 0, FPS)  # pyright: ignore[reportArgumentType] - never opened
    made = _passage.joining(before, after, FPS, 0.5, frames)
    assert made.frames % 8 == 1
    assert 0 < made.before <= before
    assert 0 < made.after <= after
    assert made.end - made.begin >= 12


@pytest.mark.parametrize(("seconds", "frames"), [(0, 1), (1, 25), (17 / 24, 17), (5, 121), (float("nan"), 0)])
def test_lengths_are_those_that_can_be_made(seconds: float, frames: int) -> None:
    assert frames_of(seconds, FPS) == frames
