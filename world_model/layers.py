"""Soft layers: what a keyframe is taken apart into, from the sky in the back to the nearest things.

Each layer has a colour and an alpha for every pixel of the keyframe, and a *relief*: inverse depth on a coarse grid,
read bilinearly. Because a relief is smooth, a frame that is drawn from layers cannot be torn, however wrong the
relief is.

| layer | what it holds | relief |
| --- | --- | --- |
| 0 | the sky | inverse depth 0 |
| 1 | everything beyond 40 m | a grid |
| 2 | things 24 to 40 m away | a value for each column of the grid: things stand upright |
| 3 | the ground within 40 m | a grid, added to the inverse depth of a level plane below the eye |
| 4 to 9 | things 14 to 24, 9 to 14, 6 to 9, 4 to 6, 2.5 to 4 and under 2.5 m away | a value for each column |

*Inverse depth* is 1 / metres along the look, so it is linear in the picture on any plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

LAYERS: Final = 10
SKY: Final = 0
FAR: Final = 1
GROUND: Final = 3
THINGS: Final = (2, 4, 5, 6, 7, 8, 9)  # back to front
MIDDLE_THINGS: Final = 2, 4  # what nearer things hide of both is one picture

FAR_FROM_M: Final = 40.0
THING_EDGES_M: Final = (24.0, 14.0, 9.0, 6.0, 4.0, 2.5)  # between the layers of things, back to front
NEAREST_M: Final = 0.8
EYE_HEIGHT_M: Final = 1.62  # above the plane that the ground's relief is added to
CELL: Final = 8  # pixels of a 224x128 picture in a cell of the relief, along each axis
CLOSEST: Final = 1.25  # largest inverse depth that is drawn
HIDDEN: Final = 5  # layers, from the back, of which it is known what nearer ones hide; the others show the picture
MARGIN: Final = 2  # pixels of a layer beside a nearer one in which the picture shows a little of that
FINE: Final = 2  # pixels of a keyframe's picture in one of its layers, along each axis: resampled, it loses little

# Inverse depth at the far and the near end of each layer. The ground's is a residual and has no ends.
INVERSE_DEPTH_FAR: Final = (0.0, 0.0, 1 / 40.0, 0.0, *tuple(1.0 / edge for edge in THING_EDGES_M))
INVERSE_DEPTH_NEAR: Final = (0.0, 1 / 40.0, 1 / 24.0, 0.0, *INVERSE_DEPTH_FAR[5:], 1.0 / NEAREST_M)

# Peels of a training view, by the distance under which things are left out, and the layers that are left in each. What
# hides behind near things is learnt from them.
PEELS_M: Final = (0.0, 14.0, FAR_FROM_M)
PEEL_LAYERS: Final = (tuple(range(LAYERS)), tuple(range(HIDDEN)), (SKY, FAR, GROUND))

_BACK_PROJECTIONS: Final = 2  # each takes what is lost in halving back into the larger picture (Irani and Peleg 1991)


@dataclass(frozen=True, slots=True)
class Layers:
    """A keyframe's soft layers, back to front. Arrays are never written again.

    A layer shows the picture where it is what one sees from the keyframe, and its hidden colours where nearer layers
    cover it.
    """

    alpha: Bytes  # [LAYERS, h, w]
    hidden: tuple[Bytes, ...]  # [h, w, 3] each, of the first `HIDDEN` layers; the others hide nothing that is known
    picture: Bytes  # [FINE * h, FINE * w, 3]: the keyframe itself
    wide: Bytes  # [*WideView.shape, 3]: what lies around the picture
    relief: Floats  # [LAYERS, rows, columns]: inverse depth; the ground's is added to the plane below the eye
    slope: float  # tangent of looking up, of the keyframe
    doubt: float = 0.0  # of the distances, as `world_model.certainty` tells it


def layer_sized(picture: Bytes) -> Bytes:
    """A keyframe's picture at the size of its layers."""
    size = picture.shape[1] // FINE, picture.shape[0] // FINE
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def picture_sized(picture: Bytes) -> Bytes:
    """A picture of the size of layers as large as a keyframe's; `layer_sized` gives it back nearly unchanged."""
    size = picture.shape[1] * FINE, picture.shape[0] * FINE
    wanted = picture.astype(np.float32)
    large = np.zeros((*size[::-1], 3), dtype=np.float32)
    for _ in range(_BACK_PROJECTIONS):
        small = cv2.resize(large, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_AREA)
        large += cv2.resize(wanted - small, size, interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(large, 0.0, 255.0)).astype(np.uint8)
