"""The interface of world engines: a loaded model turns a seed picture and controls into frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]  # [height, width, 3], RGB, C-contiguous
Frames: TypeAlias = NDArray[np.uint8]  # [frames_per_pass, height, width, 3], RGB, C-contiguous


@dataclass(frozen=True, slots=True)
class ControlPayload:
    """What the player did during one pass.

    `buttons` are key codes (`wire_protocol.KEY_CODES`): every button that was down at any moment of the pass.
    `mouse_dx` and `mouse_dy` are pixels, summed over the pass; right and down are positive. Both are finite.
    """

    buttons: frozenset[int]
    mouse_dx: float
    mouse_dy: float


NO_CONTROL = ControlPayload(buttons=frozenset(), mouse_dx=0.0, mouse_dy=0.0)


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """The fixed facts of a loaded engine."""

    model_id: str
    title: str
    height: int
    width: int
    frames_per_pass: int
    fps: int
    weights_hash: str  # hex; an engine without weights hashes the version of its code
    max_worlds: int | None = None  # how many worlds may be open at a time; None: as many as there are sessions

    @property
    def pass_interval_s(self) -> float:
        """Seconds of world time that one pass covers."""
        return self.frames_per_pass / self.fps


@dataclass(frozen=True, slots=True)
class WorldSnapshot:
    """The state of a world at one moment. Only the engine that wrote `state` can interpret it."""

    model_id: str
    weights_hash: str
    state: bytes


class WorldClosedError(RuntimeError):
    """A world was used after `close`."""


class SnapshotMismatchError(ValueError):
    """A snapshot is damaged, or belongs to another model or other weights."""


class World(Protocol):
    """One player's world. It should be cheap to hold and to snapshot.

    One thread at a time uses a world, but different worlds of one engine may be stepped at the same time.
    """

    def step(self, control: ControlPayload) -> Frames:
        """Advance by one pass. The engine never writes to the returned array again."""
        ...

    def continue_from(self, picture: Picture) -> None:
        """Go on from `picture`, an edited scene. The player keeps their position if the model has one."""
        ...

    def snapshot(self) -> WorldSnapshot:
        """The exact state of this moment.

        It need not contain pictures. It can therefore only be restored into a world that was opened from the same seed
        and has gone on from the same picture, if any.
        """
        ...

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Return to a snapshot of this engine.

        Raises:
            SnapshotMismatchError: it is damaged, or was written by another model or with other weights.
        """
        ...

    def close(self) -> None:
        """Free the world's memory. Idempotent. Every other method raises `WorldClosedError` afterwards."""
        ...


class WorldEngine(Protocol):
    """A loaded model. All of its worlds share its weights."""

    @property
    def spec(self) -> WorldSpec: ...

    def open_world(self, seed: Picture, *, rng_seed: int) -> World:
        """Open a world that starts in `seed`, a picture of the spec's height and width.

        The same seed, `rng_seed` and controls always give the same frames.
        """
        ...

    def close(self) -> None:
        """Free what the engine holds. The caller has closed its worlds before."""
        ...
