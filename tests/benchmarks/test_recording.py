"""The recording benchmark at toy size: it runs, and reports everything. What it measures there means nothing."""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
import pytest

from benchmarks.recording import Plan, render, run
from benchmarks.scenery import SceneSpec, make_passes

TOY: Final = SceneSpec(width=128, height=72, frames_per_pass=2, fps=30, passes=5, is_walk=True)


@pytest.mark.trial
@pytest.mark.skipif(sys.platform == "win32", reason="the slow encoder is a script that is started by its first line")
def test_a_toy_run_measures_everything() -> None:
    results = run(Plan((TOY,), seconds=1.0, rounds=1, slow_encoder_s=2.0, slow_encoder_speed=0.5))
    (only,) = results
    for cost in (*only.off, *only.on, *only.video_off, *only.video_on):
        assert cost.frames_per_s > 0
        assert cost.input_to_frame.p50 > 0
        assert cost.cpu_s_per_1000 > 0
    assert only.writer.encode_cpu_s_per_1000 > 0
    assert only.slow_encoder.written == only.slow_encoder.in_file
    assert len(only.slow_encoder.samples) > 4
    assert "nan" not in render(results)


def test_a_walk_goes_somewhere() -> None:
    passes = make_passes(TOY)
    assert [frames.shape for frames in passes] == [(2, 72, 128, 3)] * 5
    assert not np.array_equal(passes[0], passes[1])
