"""Where new frames meet those of a source, in picture and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.video_pipeline._seams import fading_from, fading_into, turning_from, turning_into

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

DARK = np.zeros((2, 4, 3), np.uint8)
LIGHT = np.full((4, 2, 4, 3), 250, np.uint8)  # what a model made of four frames


def levels(frames: Iterable[npt.NDArray[np.uint8]]) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]


def test_the_end_of_a_source_turns_into_what_the_model_saw() -> None:
    assert levels(turning_into([DARK] * 6, 6, LIGHT)) == [0, 0, 50, 100, 150, 200]


def test_the_beginning_of_a_source_turns_back_into_it() -> None:
    assert levels(turning_from([DARK] * 6, LIGHT)) == [200, 150, 100, 50, 0, 0]


def test_without_a_seam_every_frame_stays() -> None:
    nothing = LIGHT[:0]
    assert levels(turning_into([DARK] * 3, 3, nothing)) == levels(turning_from([DARK] * 3, nothing)) == [0, 0, 0]


def test_a_source_of_fewer_frames_than_were_counted_loses_none() -> None:
    assert len(levels(turning_into([DARK] * 5, 6, LIGHT))) == 5


@pytest.mark.parametrize("count", [0, 4, 100])
def test_sound_fades_without_a_jump(count: int) -> None:
    silence, tone = np.zeros((2, 10), np.float32), np.ones((2, count), np.float32)
    into, back = fading_into(silence, tone), fading_from(silence, tone)
    assert into.shape == back.shape == (2, 10)
    steps: npt.NDArray[np.float32] = np.abs(np.diff(into[0]))
    assert np.all(steps <= 1 / (min(count, 10) + 1) + 1e-6)
    assert np.allclose(into[0], back[0, ::-1])
