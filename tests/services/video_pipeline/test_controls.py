"""What a film follows of another one: found by the real code, of pictures whose depth is known or cannot be."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from runtime_config.constants import SHIPPED_SEEDS_DIR
from services.child_process.child_main import import_function
from services.video_pipeline._controls import control_frames
from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline.film_order import Control
from services.video_pipeline.video_pipeline import VideoFault
from services.world_engine.depth.moss_source import moss_depth_source
from tests.fakes.fake_depth import FakeDepth

if TYPE_CHECKING:
    import numpy.typing as npt

    from services.world_engine.depth.depth import DepthMap

needs_onnx = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="ONNX Runtime is missing")


def view(name: str) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(SHIPPED_SEEDS_DIR / f"{name}.jpg"))
    assert picture is not None
    return np.asarray(cv2.cvtColor(cv2.resize(picture, (192, 96)), cv2.COLOR_BGR2RGB), np.uint8)


def never() -> None:
    """Nobody cancels."""


def no_depth() -> FakeDepth:
    raise AssertionError("no depth was needed")


def test_edges_are_white_on_black_and_what_is_a_control_already_stays() -> None:
    frames = [view("blossom_hill")] * 2
    edges = control_frames(frames, Control.EDGES, no_depth, never)
    assert len(edges) == 2
    assert set(np.unique(edges[0])) == {0, 255}
    as_is = control_frames(frames, Control.AS_IS, no_depth, never)
    assert all(np.array_equal(one, other) for one, other in zip(as_is, frames, strict=True))


@needs_onnx
def test_depth_is_bright_near_the_walker_and_dark_in_the_sky() -> None:
    source = moss_depth_source()
    assert source.what_is_missing() is None
    frames = [view("blossom_hill"), view("savanna_gold")]
    for drawn in control_frames(frames, Control.DEPTH, import_function(source.make), never):
        assert (drawn.shape, drawn.dtype) == ((96, 192, 3), np.uint8)
        light = drawn.astype(np.float32).sum(axis=2)
        assert light[-8:].mean() > 3 * light[:8].mean() + 30


@needs_onnx
def test_a_film_whose_depth_cannot_be_told_is_refused_in_words() -> None:
    frames = [view("neon_street"), view("forest_path"), view("blossom_hill")]
    with pytest.raises(FilmRefusedError, match="unsure of 2 of 3 frames") as refused:
        control_frames(frames, Control.DEPTH, import_function(moss_depth_source().make), never)
    assert refused.value.fault is VideoFault.SOURCE_UNUSABLE


def test_all_frames_have_one_scale() -> None:
    near = np.linspace(0.0, 0.5, 64, dtype=np.float32).reshape(8, 8)
    maps = [near, near / 2]

    class Walking(FakeDepth):
        def estimate(self, picture: npt.NDArray[np.uint8]) -> DepthMap:
            self.inverse_depth = maps.pop(0)
            return super().estimate(picture)

    first, second = control_frames([np.zeros((16, 16, 3), np.uint8)] * 2, Control.DEPTH, Walking, never)
    assert int(first.sum()) > int(second.sum()), "the second is further away, and has to look so"


def test_a_cancel_is_seen_between_two_frames() -> None:
    seen = 0

    def cancelled() -> None:
        nonlocal seen
        seen += 1
        if seen > 3:
            raise KeyboardInterrupt

    frames = [np.zeros((16, 16, 3), np.uint8)] * 3
    with pytest.raises(KeyboardInterrupt):
        control_frames(frames, Control.DEPTH, lambda: FakeDepth(np.ones((8, 8), np.float32)), cancelled)
    assert seen == 4, "reading and looking for depth both ask"
