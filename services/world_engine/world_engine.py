"""The interface of world engines: a loaded model turns a seed picture and controls into frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    snapshot_bytes: int = 0  # the most that a snapshot may have; 0: a few megabytes
    draws_any_size: bool = False  # its worlds are `DrawnWorld`s
    can_park: bool = False  # whether the engine can leave its device and come back: `engine_parking.py`

    @property
    def pass_interval_s(self) -> float:
        """Seconds of world time that one pass covers."""
        return self.frames_per_pass / self.fps


@dataclass(frozen=True, slots=True)
class WorldSnapshot:
    """The state of a world at one moment. Only the engine that wrote `state` can interpret it.

    A large state is a read-only view of memory that the server holds for it. That memory is free once the last user of
    the view is gone. `bytes(state)` copies such a view, and is free of cost for bytes.
    """

    model_id: str
    weights_hash: str
    state: bytes | memoryview

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.state)


class WorldClosedError(RuntimeError):
    """A world was used after `close`."""


class SnapshotMismatchError(ValueError):
    """A snapshot is damaged, or belongs to another model or other weights."""


class EngineFaultError(RuntimeError):
    """An engine failed in play. `str()` of it is a sentence for the player."""


class EngineDiedError(EngineFaultError):
    """The process that held the engine has ended, and the engine's worlds with it."""


class EngineOutOfMemoryError(EngineFaultError):
    """The engine found no memory for what it was asked. It can be asked again once memory is free."""


class BadFramesError(EngineFaultError):
    """What the engine returned is no pass of frames of its spec: another shape or type, or numbers that are none."""


class SceneNotTakenError(EngineFaultError):
    """The engine cannot go on from this picture now. The world is as it was, and can be played."""


class StepTimeoutError(EngineFaultError):
    """The engine did not return in time. It may still be busy, so its thread or process is given up."""


class World(Protocol):
    """One player's world. It should be cheap to hold and to snapshot.

    One thread at a time uses a world, but different worlds of one engine may be stepped at the same time.
    """

    def step(self, control: ControlPayload) -> Frames:
        """Advance by one pass. The engine never writes to the returned array again."""
        ...

    def continue_from(self, picture: Picture) -> None:
        """Go on from `picture`, an edited scene. The player keeps their position if the model has one.

        Raises:
            SceneNotTakenError: it cannot; nothing has changed.
        """
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


class PromptedWorld(World, Protocol):
    """A world that words can steer."""

    def set_prompt(self, words: str) -> None:
        """Steer every following pass by `words`; if there are none, as a world begins that nobody has said anything to.

        Snapshots hold the words, so `restore` brings them back. To set words again that are set changes nothing.
        """
        ...


class StateCopy(Protocol):
    """The state of a world at one moment, on its way to memory of the server."""

    @property
    def size(self) -> int:
        """Bytes that it takes there."""
        ...

    @property
    def is_detached(self) -> bool:
        """Whether the world may go on before the state was written, which then happens on another thread."""
        ...

    def write(self, place: memoryview) -> None:
        """Write it all. `place` is as long as `size`."""
        ...


class LargeWorld(World, Protocol):
    """A world whose state is so large that it is written once, to where it stays. Its spec has `snapshot_bytes`.

    `restore` gets a view of that memory, from which the state is read, and which is not kept.
    """

    def copy_state(self) -> StateCopy:
        """As `snapshot`, before it is written."""
        ...


def is_large(world: World) -> TypeGuard[LargeWorld]:
    return hasattr(world, "copy_state")


class DrawnWorld(World, Protocol):
    """A world that goes on without its frames, which it draws from where it stands: in any size, or not at all."""

    def advance(self, control: ControlPayload) -> None:
        """Go on by one pass exactly as `step` does, and draw nothing."""
        ...

    def draw(self, *, width: int, height: int, only_last: bool = False) -> Frames:
        """The frames of the newest pass, or its last one alone: uint8 [count, height, width, 3].

        They show what those of `step` show, stretched to that size. In the spec's size they are those of `step`. A
        world that made no pass since it was opened, restored or given another picture has one frame, of where it is.
        """
        ...


def is_drawn(world: World) -> TypeGuard[DrawnWorld]:
    return hasattr(world, "draw")


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


class PromptedEngine(WorldEngine, Protocol):
    """An engine that takes long to read words."""

    def read_prompt(self, words: str) -> None:
        """Read words ahead of `set_prompt`, which returns at once then. Called on another thread than the steps are,
        while they go on."""
        ...


class BatchedEngine(WorldEngine, Protocol):
    """An engine whose worlds can be stepped together."""

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        """Advance each of these worlds by one pass, in one batch where it can.

        The results are in the order of `turns`, which names each world once. A world that could not be stepped has its
        error in its place, and the others go on.
        """
        ...
