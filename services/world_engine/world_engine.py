"""What a world engine is: a loaded model that turns a picture and controls into frames."""

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
    weights_hash: str  # hex; of the code's own version for an engine without weights
    max_worlds: int | None = None  # how many worlds may be open at a time; None: as many as there are sessions

    @property
    def pass_interval_s(self) -> float:
        """Seconds of world time that one pass covers."""
        return self.frames_per_pass / self.fps


@dataclass(frozen=True, slots=True)
class WorldSnapshot:
    """A moment of a world. `state` is opaque to everyone but the engine that wrote it."""

    model_id: str
    weights_hash: str
    state: bytes


class WorldClosedError(RuntimeError):
    """A world was used after `close`."""


class SnapshotMismatchError(ValueError):
    """A snapshot of another model, or of other weights, was offered to `restore`."""


class World(Protocol):
    """One player's state: cheap to hold, to snapshot and to fork.

    A world is used by one thread at a time; different worlds of one engine may be stepped side by side.
    """

    def step(self, control: ControlPayload) -> Frames:
        """Advance by one pass. The returned array belongs to the caller: the engine never writes to it again."""
        ...

    def continue_from(self, picture: Picture) -> None:
        """Go on from `picture` (an edited scene), keeping the player's place where the model has one."""
        ...

    def snapshot(self) -> WorldSnapshot:
        """This moment, exactly. It need not hold the picture: restore it into a world that was opened from the same
        seed, after the same `continue_from`."""
        ...

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Return to a snapshot of this engine.

        Raises:
            SnapshotMismatchError: it was written by another model or other weights.
        """
        ...

    def close(self) -> None:
        """Free the world. Idempotent; every other method raises `WorldClosedError` afterwards."""
        ...


class WorldEngine(Protocol):
    """A loaded model. Its weights are shared by all of its worlds."""

    @property
    def spec(self) -> WorldSpec: ...

    def open_world(self, seed: Picture, *, rng_seed: int) -> World:
        """Start a world in `seed`, a picture of the spec's height and width.

        The same seed, `rng_seed` and controls give the same frames again.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds. Its worlds are closed by then."""
        ...
