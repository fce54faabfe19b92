"""What guides a film that follows another one: its frames as they are, or the edges or the depth in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

import cv2
import numpy as np

from services.video_pipeline._refusal import FilmRefusedError
from services.video_pipeline.film_order import Control
from services.video_pipeline.video_pipeline import VideoFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from services.world_engine.depth.depth import DepthEstimator

    Frame = npt.NDArray[np.uint8]

_WEAK: Final = 100
_STRONG: Final = 200
_MOST_UNSURE: Final = 0.25  # of the frames
_NEAREST: Final = 99.0  # percentile of the inverse depth that is drawn as the nearest


def control_frames(
    frames: Iterable[Frame], control: Control, open_depth: Callable[[], DepthEstimator], check: Callable[[], None]
) -> list[Frame]:
    """The control video of frames (height, width, 3). `check` is called between two of them, and may raise.

    Raises:
        FilmRefusedError: the depth of these frames cannot be told, or what is asked for cannot be found here.
    """
    match control:
        case Control.AS_IS:
            return [*_checked(frames, check)]
        case Control.EDGES:
            return [_edges(frame) for frame in _checked(frames, check)]
        case Control.DEPTH:
            return _depths([*_checked(frames, check)], open_depth(), check)
        case Control.POSE:  # the specs refuse it before
            raise FilmRefusedError(VideoFault.CANNOT, "Nothing here finds poses.")
        case _:
            assert_never(control)


def _checked(frames: Iterable[Frame], check: Callable[[], None]) -> Iterable[Frame]:
    for frame in frames:
        check()
        yield frame


def _edges(frame: Frame) -> Frame:
    edges = cv2.Canny(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), _WEAK, _STRONG)
    return np.repeat(np.asarray(edges, np.uint8)[..., None], 3, axis=2)


def _depths(frames: list[Frame], depth: DepthEstimator, check: Callable[[], None]) -> list[Frame]:
    """In the colours of OpenCV's "inferno", the nearest brightest, at one scale for all of them: a scale for each would
    flicker."""
    height, width = frames[0].shape[:2]
    found: list[npt.NDArray[np.float32]] = []
    unsure = 0
    for frame in _checked(frames, check):
        seen = depth.estimate(frame)
        found.append(seen.inverse_depth)
        unsure += not seen.is_sure
    if unsure > _MOST_UNSURE * len(frames):
        message = (
            "The depth of this film cannot be told: the network that finds it learnt open country, and is unsure of"
            f" {unsure} of {len(frames)} frames. Follow the edges, or bring a video of the depth along."
        )
        raise FilmRefusedError(VideoFault.SOURCE_UNUSABLE, message)
    nearest = max(float(np.median([np.percentile(each, _NEAREST) for each in found])), 1e-6)
    return [_drawn(each / nearest, width, height) for each in found]


def _drawn(nearness: npt.NDArray[np.float32], width: int, height: int) -> Frame:
    levels = np.asarray((nearness.clip(0, 1) * 255).round(), np.uint8)
    large = cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(large, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB), np.uint8)
