"""Gives relative depth a scale and a shift, by the ground that the picture shows below its horizon.

A network of relative depth says a / z + b for a point that is z metres ahead, with an `a` and a `b` that it keeps to
itself. The diorama knows where a picture's horizon is, and what follows for flat ground: a point of it that the camera
sees v pixels below the horizon is z = focal * eye height / v metres ahead. So 1 / z of the ground grows in proportion
to v, and what the network says of it is a straight line over that, whose slope is `a` and whose value at the horizon
is `b`.

Of each row the median counts, since most of a row below the horizon shows ground. The line through the medians is that
of Theil and Sen (the median of the slopes of all pairs), which takes no notice of rows that things fill, as long as
they are fewer than three in ten. How far the medians are from the line tells whether there is such ground at all.

The horizon is only an estimate, and a few rows of it are as much as what is 30 metres away. So what is farthest above
it is taken for infinity, as a sky is, if the horizon need not move by more than `_HORIZON_DOUBT` for that. Otherwise
the picture shows no sky, and the ground's line alone counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_engine.depth.depth import Floats
    from services.world_engine.world_engine import Picture

_LEAST_BELOW: Final = 0.1  # of the height, below the horizon; nearer to it a row spans too much ground
_HORIZON_DOUBT: Final = 0.05  # of the height
_FARTHEST: Final = 5.0  # percentile of what is above the horizon
_MOST_ROWS: Final = 96  # that are looked at, of those there are
_LEAST_ROWS: Final = 12


@dataclass(frozen=True, slots=True)
class Camera:
    """How a picture was taken, as far as that is assumed. `half_fov` is half the width's angle in radians, `eye_height`
    metres above the ground. `find_horizon` gives a picture's row of the horizon, in pixels."""

    half_fov: float
    eye_height: float
    find_horizon: Callable[[Picture], float]


@dataclass(frozen=True, slots=True)
class GroundFit:
    """`relative` = `scale` * (1 / metres ahead) + `shift`. `misfit` is the median distance of the ground from its line,
    as a share of the ground's range in the picture; 0 for a plane, and infinite where something would be farther away
    than infinity."""

    scale: float
    shift: float
    misfit: float

    def inverse_depth(self, relative: Floats, half_fov: float) -> Floats:
        """1 / metres on the map, at least 0, of relative depths [rows, columns]."""
        ahead = np.maximum((relative - np.float32(self.shift)) / np.float32(self.scale), np.float32(0.0))
        aside = np.linspace(-math.tan(half_fov), math.tan(half_fov), relative.shape[1], dtype=np.float32)
        return (ahead / np.hypot(np.float32(1.0), aside)[None, :]).astype(np.float32)


def fit_to_ground(relative: Floats, horizon: float, camera: Camera) -> GroundFit | None:
    """The fit of finite relative depths, [rows, columns], larger where nearer; None: nothing there is like ground.

    `horizon` is a share of the picture's height.
    """
    rows, columns = relative.shape
    below = np.arange(rows, dtype=np.float64) + 0.5 - horizon * rows
    (low,) = np.nonzero(below > _LEAST_BELOW * rows)
    if len(low) < _LEAST_ROWS:
        return None
    chosen = low[np.linspace(0, len(low) - 1, min(len(low), _MOST_ROWS)).round().astype(np.intp)]
    focal = columns / 2 / math.tan(camera.half_fov)
    plane = below[chosen] / (focal * camera.eye_height)
    ground = np.median(relative[chosen].astype(np.float64), axis=1)
    first, second = np.triu_indices(len(chosen), k=1)
    scale = float(np.median((ground[second] - ground[first]) / (plane[second] - plane[first])))
    shift = float(np.median(ground - scale * plane))
    ranged = scale * float(plane[-1] - plane[0])
    if not ranged > 1e-6 * max(1.0, float(np.abs(relative).max())):
        return None
    misfit = float(np.median(np.abs(ground - scale * plane - shift))) / ranged
    above = relative[: max(0, math.floor(horizon * rows))]
    if above.size:
        farthest = float(np.percentile(above, _FARTHEST))
        doubt = scale * _HORIZON_DOUBT * rows / (focal * camera.eye_height)
        if farthest < shift - doubt:
            misfit = math.inf
        shift = farthest if abs(farthest - shift) <= doubt else shift
    return GroundFit(scale, shift, misfit)
