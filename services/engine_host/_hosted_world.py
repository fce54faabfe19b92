"""A world whose engine is in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from services.engine_host._messages import (
    CloseWorld,
    ContinueFrom,
    Region,
    Restore,
    SetPrompt,
    SnapshotTaken,
    Step,
    Stepped,
    TakeSnapshot,
)
from services.engine_host._shared_memory import copied_bytes
from services.world_engine.world_engine import EngineFaultError, WorldClosedError, WorldSnapshot

if TYPE_CHECKING:
    from services.engine_host._frame_slots import FrameSlots
    from services.engine_host._host_life import HostLife
    from services.engine_host._messages import Answer, WorldCall
    from services.engine_host._pace_meter import PaceMeter
    from services.engine_host.host_settings import HostLimits
    from services.world_engine.world_engine import ControlPayload, Frames, Picture

Expected = TypeVar("Expected")

_IN_MESSAGE: Final = 1 << 18  # bytes of a state that go with the message


class HostedWorld:
    """A `World`. It ends with the life of the process in which it was opened: from then on it raises why that ended."""

    def __init__(self, life: HostLife, number: int, slots: FrameSlots, pace: PaceMeter, limits: HostLimits) -> None:
        self._life = life
        self._number = number
        self._slots = slots
        self._pace = pace
        self._limits = limits
        self._is_closed = False

    def step(self, control: ControlPayload) -> Frames:
        slot = self._slots.take()
        try:
            stepped = expect(Stepped, self._call(Step(self._number, control, slot), self._limits.step_s))
        except BaseException:
            if slot is not None:
                self._slots.give_back(slot)
            raise
        self._pace.stepped(stepped.worlds, stepped.seconds)
        if slot is not None:
            return self._slots.hand_over(slot)
        if stepped.frames is None:
            raise EngineFaultError("The engine's process sent no frames.")
        return stepped.frames

    def continue_from(self, picture: Picture) -> None:
        self._call(ContinueFrom(self._number, picture), self._limits.other_s)

    def snapshot(self) -> WorldSnapshot:
        taken = expect(SnapshotTaken, self._call(TakeSnapshot(self._number), self._limits.other_s))
        return WorldSnapshot(taken.model_id, taken.weights_hash, self._read(taken.state))

    def restore(self, snapshot: WorldSnapshot) -> None:
        """The process reads a large state in the shared memory, where it stays until the answer."""
        state, states = snapshot.state, self._life.states
        offset = states.take(len(state)) if len(state) > _IN_MESSAGE else None
        if offset is None:
            self._restore(snapshot, state)
            return
        try:
            np.copyto(self._life.memory.array(offset, len(state)), np.frombuffer(state, np.uint8))
            self._restore(snapshot, Region(offset, len(state)))
        finally:
            states.give_back(offset)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            if self._life.end is None:
                try:
                    self._life.call(CloseWorld(self._number), self._limits.other_s)
                except EngineFaultError:
                    if self._life.end is None:  # otherwise the world has gone with its process
                        raise

    def _restore(self, snapshot: WorldSnapshot, state: bytes | Region) -> None:
        self._call(Restore(self._number, snapshot.model_id, snapshot.weights_hash, state), self._limits.other_s)

    def _read(self, state: bytes | Region) -> bytes:
        if isinstance(state, bytes):
            return state
        try:
            return copied_bytes(self._life.memory.array(state.offset, state.size))
        finally:
            self._life.release(state.offset)

    def _call(self, what: WorldCall, limit_s: float) -> Answer:
        if self._is_closed:
            raise WorldClosedError("This world is closed.")
        return self._life.call(what, limit_s)


class HostedPromptedWorld(HostedWorld):
    """A `PromptedWorld`."""

    def set_prompt(self, words: str) -> None:
        self._call(SetPrompt(self._number, words), self._limits.other_s)


def expect(kind: type[Expected], answer: Answer) -> Expected:
    """Raises: EngineFaultError, the process answered with something else, and cannot be trusted."""
    if isinstance(answer, kind):
        return answer
    raise EngineFaultError(f"The engine's process answered with {type(answer).__name__}.")
