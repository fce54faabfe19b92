"""A guard around an engine that others wrote: what leaves it is a pass of frames, a snapshot, or a typed error."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from services.world_engine.engine_card import ModelLoadError
from services.world_engine.own_things import check_own_snapshot
from services.world_engine.world_engine import (
    BadFramesError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from services.world_engine.engine_card import EngineCard
    from services.world_engine.world_engine import (
        BatchedEngine,
        ControlPayload,
        Frames,
        Picture,
        World,
        WorldEngine,
    )

_LARGEST_SIDE: Final = 4096  # pixels


def guarded(engine: WorldEngine, card: EngineCard) -> WorldEngine:
    """The engine behind a guard. It takes part in batches, and its worlds in prompts, if they do without.

    Raises:
        ModelLoadError: the engine has no spec, or another one than its card says.
    """
    spec = _checked_spec(getattr(engine, "spec", None), card)
    if hasattr(engine, "step_together"):
        return _GuardedBatchedEngine(engine, spec)
    return _GuardedEngine(engine, spec)


def check_frames(frames: object, spec: WorldSpec) -> Frames:
    """`frames`, if they are one pass of the spec.

    Raises:
        BadFramesError: they are not.
    """
    shape = (spec.frames_per_pass, spec.height, spec.width, 3)
    if not isinstance(frames, np.ndarray):
        raise BadFramesError(f"{spec.title} returned {type(frames).__name__} where an array of frames is expected.")
    array = cast("NDArray[Any]", frames)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadFramesError(f"{spec.title} returned frames that hold NaN or infinity.")
    if array.dtype != np.uint8:
        raise BadFramesError(f"{spec.title} returned frames of {array.dtype}, not of uint8.")
    if array.shape != shape:
        raise BadFramesError(f"{spec.title} returned frames of the shape {array.shape}, not {shape}.")
    if not array.flags.c_contiguous:
        raise BadFramesError(f"{spec.title} returned frames that do not lie in memory in a row (C-contiguous).")
    return array


class _GuardedEngine:
    def __init__(self, engine: WorldEngine, spec: WorldSpec) -> None:
        self._engine = engine
        self._spec = spec

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    def open_world(self, seed: Picture, *, rng_seed: int) -> World:
        with _faults(self._spec, "opening a world"):
            world = self._engine.open_world(seed, rng_seed=rng_seed)
        if hasattr(world, "set_prompt"):
            return _GuardedPromptedWorld(world, self._spec)
        return _GuardedWorld(world, self._spec)

    def read_prompt(self, words: str) -> None:
        """Does nothing where the engine has no such method."""
        read: Any = getattr(self._engine, "read_prompt", None)
        if read is not None:
            with _faults(self._spec, "reading a prompt"):
                read(words)

    def park(self) -> None:
        """Called where the engine's spec says that it can."""
        engine: Any = self._engine
        with _faults(self._spec, "leaving its device"):
            engine.park()

    def resume(self) -> None:
        engine: Any = self._engine
        with _faults(self._spec, "coming back to its device"):
            engine.resume()

    def close(self) -> None:
        with _faults(self._spec, "closing"):
            self._engine.close()


class _GuardedBatchedEngine(_GuardedEngine):
    _engine: BatchedEngine

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        inner = [(world.inner if isinstance(world, _GuardedWorld) else world, control) for world, control in turns]
        with _faults(self._spec, "making the next frames"):
            results: Any = self._engine.step_together(inner)
        if not isinstance(results, list) or len(cast("list[object]", results)) != len(turns):
            raise BadFramesError(f"{self._spec.title} did not return a list with a result for each world.")
        return [self._checked(result) for result in cast("list[object]", results)]

    def _checked(self, result: object) -> Frames | EngineFaultError:
        if isinstance(result, EngineFaultError):
            return result
        try:
            return check_frames(result, self._spec)
        except BadFramesError as error:
            return error


class _GuardedWorld:
    """Also keeps what an engine would otherwise have to check in every method: that the world is open, and whose
    snapshots it gets."""

    def __init__(self, world: World, spec: WorldSpec) -> None:
        self._world: World | None = world
        self._spec = spec

    @property
    def inner(self) -> World:
        if self._world is None:
            raise WorldClosedError("This world is closed.")
        return self._world

    def step(self, control: ControlPayload) -> Frames:
        world = self.inner
        with _faults(self._spec, "making the next frames"):
            frames = world.step(control)
        return check_frames(frames, self._spec)

    def continue_from(self, picture: Picture) -> None:
        world = self.inner
        with _faults(self._spec, "taking over a picture"):
            world.continue_from(picture)

    def snapshot(self) -> WorldSnapshot:
        world, spec = self.inner, self._spec
        with _faults(spec, "keeping a moment"):
            snapshot: object = world.snapshot()
        match snapshot:
            case WorldSnapshot(model_id=spec.model_id, weights_hash=spec.weights_hash, state=bytes()):
                return snapshot
            case _:
                raise EngineFaultError(f"{spec.title} returned something else than a snapshot of its own.")

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Whatever the engine raises at the sight of a snapshot means that it cannot use it."""
        world, spec = self.inner, self._spec
        check_own_snapshot(snapshot, spec)
        try:
            with _faults(spec, "returning to a moment"):
                world.restore(snapshot)
        except EngineOutOfMemoryError:
            raise
        except EngineFaultError as error:
            raise SnapshotMismatchError(str(error)) from error

    def close(self) -> None:
        world, self._world = self._world, None
        if world is not None:
            with _faults(self._spec, "closing a world"):
                world.close()


class _GuardedPromptedWorld(_GuardedWorld):
    def set_prompt(self, words: str) -> None:
        world: Any = self.inner
        with _faults(self._spec, "taking a prompt"):
            world.set_prompt(words)


def _checked_spec(spec: object, card: EngineCard) -> WorldSpec:
    match spec:
        case WorldSpec(model_id=card.model_id, frames_per_pass=card.frames_per_pass, fps=card.fps, weights_hash=str()):
            sides: list[Any] = [spec.height, spec.width]
        case WorldSpec():
            raise ModelLoadError(f"{card.title} was loaded, but its spec says something else than its card.")
        case _:
            raise ModelLoadError(f"{card.title} was loaded, but has no `spec` that is a WorldSpec.")
    if not all(isinstance(side, int) and 1 <= side <= _LARGEST_SIDE for side in sides):
        raise ModelLoadError(f"{card.title} was loaded, but makes pictures of {spec.width} x {spec.height}.")
    return replace(spec, draws_any_size=False)  # only whole passes come out of its process


@contextmanager
def _faults(spec: WorldSpec, doing: str) -> Generator[None]:
    """Turns whatever the engine raises into a fault whose sentence says what it did."""
    try:
        yield
    except (EngineFaultError, SnapshotMismatchError, WorldClosedError):
        raise
    except Exception as error:
        if _is_of_memory(error):
            raise EngineOutOfMemoryError(f"{spec.title} ran out of memory while {doing}.") from error
        raise EngineFaultError(f"{spec.title} failed while {doing}: {type(error).__name__}.") from error


def _is_of_memory(error: Exception) -> bool:
    """torch has an error of its own, and is not imported for the sake of its name."""
    return isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
