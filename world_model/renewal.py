"""Tells when a generated view has degenerated, so that the world can begin anew where it stands.

Errors of a view are carried into all that are made from it. Mostly the next views mend them; but a walker that runs
into a thing that is not there, or sinks into a ground that is not where it seems, sees ever less, or ever more
splinters, and nothing in view leads back. Such a view has another amount of detail, less contrast or another light than
the picture that the world began with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from world_model.config import DISPARITY

if TYPE_CHECKING:
    from world_model.memory import Pose
    from world_model.runtime import Bytes

EVERY: Final = 8  # frames, of which one is looked at
_LEVEL: Final = 0.25  # slope; who looks up into the sky or down at the feet sees little anyway
_LEAST_DETAIL: Final = 0.4  # of home's
_MOST_DETAIL: Final = 1.8
_LEAST_CONTRAST: Final = 0.4
_LIGHT: Final = 0.55  # of home's, or home of it


def has_come_apart(view: Bytes, pose: Pose, home: Bytes) -> bool:
    """Whether nothing good can come of a view [4, h, w] seen from `pose`, in a world that began with `home`."""
    if abs(pose.slope) > _LEVEL:
        return False
    seen, first = _looks(view), _looks(home)
    return (
        not _LEAST_DETAIL * first.detail <= seen.detail <= _MOST_DETAIL * first.detail
        or seen.contrast < _LEAST_CONTRAST * first.contrast
        or min(seen.light, first.light) < _LIGHT * max(seen.light, first.light)
    )


class _Looks(NamedTuple):
    """Grey levels: mean slope, standard deviation, mean."""

    detail: float
    contrast: float
    light: float


def _looks(view: Bytes) -> _Looks:
    grey = view[:DISPARITY, ::2, ::2].mean(axis=0, dtype=np.float32)
    slope = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return _Looks(float(slope), float(grey.std()), float(grey.mean()))
