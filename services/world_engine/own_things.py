"""What is an engine's own: its snapshots, its worlds and their specs, and a step of one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from services.world_engine.world_engine import EngineFaultError, SnapshotMismatchError

if TYPE_CHECKING:
    from services.world_engine.world_engine import (
        BatchedEngine,
        ControlPayload,
        Frames,
        Picture,
        World,
        WorldEngine,
        WorldSnapshot,
        WorldSpec,
    )

OwnWorld = TypeVar("OwnWorld")


def check_own_snapshot(snapshot: WorldSnapshot, spec: WorldSpec, hint: str = "") -> None:
    """`hint`: what else may be the reason, for the sentence.

    Raises:
        SnapshotMismatchError: the snapshot is of another model, or of other weights.
    """
    if (snapshot.model_id, snapshot.weights_hash) != (spec.model_id, spec.weights_hash):
        raise SnapshotMismatchError(
            f"The snapshot is of {snapshot.model_id}, weights {snapshot.weights_hash[:12]}, but this is "
            f"{spec.model_id}, weights {spec.weights_hash[:12]}.{hint and ' '}{hint}"
        )


def spec_of(engine: WorldEngine, snapshot: WorldSnapshot) -> WorldSpec:
    """The spec of the world that this snapshot is of. Part of an engine may have failed since that world was opened, so
    that worlds in other pictures have other weights."""
    return replace(engine.spec, weights_hash=snapshot.weights_hash)


def own_world(world: World, kind: type[OwnWorld]) -> OwnWorld:
    """Raises: TypeError, it is a world of another engine."""
    if not isinstance(world, kind):
        raise TypeError("A world of another engine cannot be stepped by this one.")
    return world


def step_alone(engine: BatchedEngine, world: World, control: ControlPayload) -> Frames:
    """A batch of one.

    Raises:
        EngineFaultError: the world could not be stepped.
    """
    (told,) = engine.step_together([(world, control)])
    if isinstance(told, EngineFaultError):
        raise told
    return told


def grey_picture(spec: WorldSpec) -> Picture:
    """For a world that is played before anybody looks, so that what is loaded late is loaded."""
    return np.full((spec.height, spec.width, 3), 128, dtype=np.uint8)
