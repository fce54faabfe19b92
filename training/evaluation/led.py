"""World models that are led: they show what is to be seen from poses that somebody else decides.

So a model's pictures are judged by themselves, and not by where it thinks that the keys lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from training.samples import relative_poses_between
from world_model.certainty import CertainSeer
from world_model.keyframes import KeyframeKeeper
from world_model.layer_renderer import LayerRenderer
from world_model.pose import Pose
from world_model.scene_source import SceneSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.player import PlayerState
    from training.evaluation.trials import Picture
    from world_model.runtime import Runtime


class Led(Protocol):
    @property
    def name(self) -> str: ...

    def lead(self, first: Picture, poses: Sequence[Pose]) -> Iterator[Picture]:
        """`first`, which was seen from the first pose, and what is seen from each of the others. Pictures have the size
        of the first. May be called by several threads at a time."""
        ...


class LedMoss:
    """Soft layers of keyframes."""

    name = "Moss"

    def __init__(self, runtime: Runtime, height: int) -> None:
        """`height` of the pictures: the model's, or `FINE` times that."""
        config = runtime.config
        self._keeper = KeyframeKeeper(config, CertainSeer(config, SceneSource(runtime)), LayerRenderer(config, height))

    def lead(self, first: Picture, poses: Sequence[Pose]) -> Iterator[Picture]:
        state = self._keeper.begin(first, poses[0])
        yield first
        for pose in poses[1:]:
            picture, state = self._keeper.frame(state, pose)
            yield picture


def poses_of(states: Sequence[PlayerState]) -> list[Pose]:
    """From the first state on, which is at the origin and looks level and straight ahead."""
    rows = np.array([(state.x, state.eye, state.z, state.yaw, state.pitch) for state in states])
    relative_poses: list[list[float]] = (
        relative_poses_between(np.repeat(rows[:1], len(rows), axis=0), rows).numpy().tolist()
    )
    return [Pose(*moved[:4], slope=moved[5]) for moved in relative_poses]
