"""A world whose engine is in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

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
from services.engine_host._state_arena import SMALL_STATE
from services.world_engine.world_engine import EngineFaultError, WorldClosedError, WorldSnapshot

if TYPE_CHECKING:
    from services.engine_host._frame_slots import FrameSlots
    from services.engine_host._host_life import HostLife
    from services.engine_host._messages import Answer, HostCall
    from services.engine_host._pace_meter import PaceMeter
    from services.engine_host._state_arena import StateArena
    from services.engine_host.host_settings import HostLimits
    from services.world_engine.world_engine import ControlPayload, Frames, Picture

Expected = TypeVar("Expected")


@dataclass(frozen=True, slots=True)
class WorldMemory:
    """Where the frames and the states of a world come to lie. A state has `state_bytes` at most; 0: few."""

    slots: FrameSlots
    states: StateArena
    state_bytes: int


class HostedWorld:
    """A `World`. It ends with the life of the process in which it was opened: from then on it raises why that ended."""

    def __init__(self, life: HostLife, number: int, memory: WorldMemory, pace: PaceMeter, limits: HostLimits) -> None:
        self._life = life
        self._number = number
        self._memory = memory
        self._slots = memory.slots
        self._pace = pace
        self._limits = limits
        self._is_closed = False
        memory.states.enter()

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
        """A large state is written by the process to where it stays, and a small one comes with the answer."""
        states, size = self._memory.states, self._memory.state_bytes
        place = states.take(size) if size > SMALL_STATE else None
        try:
            taken = expect(SnapshotTaken, self._call(TakeSnapshot(self._number, place), self._limits.other_s))
        except BaseException:
            if place is not None:
                states.give_back(place)
            raise
        if place is not None and isinstance(taken.state, Region):
            state = states.hand_over(place, taken.state.size)
            return WorldSnapshot(taken.model_id, taken.weights_hash, state)
        if place is not None:
            states.give_back(place)
        if isinstance(taken.state, Region):
            raise EngineFaultError("The engine's process wrote a state to where it was not asked to.")
        return WorldSnapshot(taken.model_id, taken.weights_hash, taken.state)

    def restore(self, snapshot: WorldSnapshot) -> None:
        """The process reads a large state where it lies. One that came from elsewhere is copied there for this."""
        states, state = self._memory.states, snapshot.state
        if (place := states.find(state)) is not None:
            self._restore(snapshot, place)
        elif len(state) <= SMALL_STATE or (taken := states.take(len(state))) is None:
            self._restore(snapshot, bytes(state))
        else:
            try:
                np.copyto(states.memory.array(taken.offset, len(state)), np.frombuffer(state, np.uint8))
                self._restore(snapshot, Region(taken.offset, len(state)))
            finally:
                states.give_back(taken)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._memory.states.leave()
            if self._life.end is None:
                try:
                    self._life.call(CloseWorld(self._number), self._limits.other_s)
                except EngineFaultError:
                    if self._life.end is None:  # otherwise the world has gone with its process
                        raise

    def _restore(self, snapshot: WorldSnapshot, state: bytes | Region) -> None:
        self._call(Restore(self._number, snapshot.model_id, snapshot.weights_hash, state), self._limits.other_s)

    def _call(self, what: HostCall, limit_s: float) -> Answer:
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
