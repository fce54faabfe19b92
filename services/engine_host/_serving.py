"""The host's process serves its engine: calls of worlds one by one, their steps together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeGuard, assert_never, cast

import numpy as np
import structlog

from services.child_process.child_main import is_out_of_memory
from services.engine_host._messages import (
    Answered,
    Call,
    CloseWorld,
    ContinueFrom,
    Done,
    Failed,
    HostFault,
    Opened,
    OpenWorld,
    Region,
    Restore,
    SetPrompt,
    SnapshotTaken,
    Step,
    Stepped,
    TakeSnapshot,
    UsePrompt,
)
from services.engine_host._shared_memory import copied_bytes
from services.world_engine.world_engine import (
    BadFramesError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from services.engine_host._inbox import Inbox, Round
    from services.engine_host._messages import Answer, Blob, FromHost
    from services.engine_host._regions import Regions
    from services.engine_host._shared_memory import SharedMemory
    from services.world_engine.world_engine import (
        BatchedEngine,
        ControlPayload,
        Frames,
        PromptedEngine,
        PromptedWorld,
        World,
        WorldEngine,
    )

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_IN_MESSAGE: Final = 1 << 18  # bytes of a state that go with the message


class HostedWorlds:
    """The worlds that are open in the process, each by the number that the server gave it. Used by one thread, but that
    words are read on another one."""

    def __init__(
        self,
        engine: WorldEngine,
        memory: SharedMemory,
        states: Regions,
        inbox: Inbox,
        tell: Callable[[FromHost], None],
    ) -> None:
        """`states` is the part of the memory in which states go to the server. `tell` is called from any thread."""
        self._engine = engine
        self._spec = engine.spec
        self._memory = memory
        self._states = states
        self._inbox = inbox
        self._tell = tell
        self._worlds: dict[int, World] = {}
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="prompts")

    def serve(self) -> None:
        """Until the server asks to close the engine."""
        while True:
            todo = self._inbox.next_round()
            self._step(todo)
            for call in todo.others:
                self._answer(call)
            if todo.is_last:
                self._engine.close()
                return

    # --------------------------------------------------------------------------------------------- steps

    def _step(self, todo: Round) -> None:
        turns: list[tuple[Call, Step, World]] = []
        for call, step in todo.steps:
            world = self._worlds.get(step.world)
            if world is None:
                self._fail(call, WorldClosedError("This world is closed."))
            else:
                turns.append((call, step, world))
        if not turns:
            return
        if is_batched(self._engine):
            self._step_together(self._engine, turns)
        else:
            for call, step, world in turns:
                started = time.monotonic()
                self._finish(call, step, _stepped(world, step.control), 1, time.monotonic() - started)

    def _step_together(self, engine: BatchedEngine, turns: Sequence[tuple[Call, Step, World]]) -> None:
        started = time.monotonic()
        results: Sequence[Frames | Exception]
        try:
            results = engine.step_together([(world, step.control) for _, step, world in turns])
            if len(results) != len(turns):
                raise BadFramesError(f"The engine was asked for {len(turns)} worlds and answered for {len(results)}.")
        except Exception as error:  # noqa: BLE001 - an engine may raise anything, and the process goes on
            results = [error] * len(turns)
        seconds = time.monotonic() - started
        for (call, step, _), result in zip(turns, results, strict=True):
            self._finish(call, step, result, len(turns), seconds)
        self._inbox.stepped_together(frozenset(step.world for _, step, _ in turns), seconds)

    def _finish(self, call: Call, step: Step, result: Frames | Exception, worlds: int, seconds: float) -> None:
        if isinstance(result, Exception):
            self._fail(call, result)
            return
        try:
            self._check(result)
        except BadFramesError as error:
            self._fail(call, error)
            return
        if step.slot is None:
            self._tell(Answered(call.number, Stepped(result, worlds, seconds)))
            return
        slot = self._memory.array(step.slot, result.nbytes).reshape(result.shape)
        np.copyto(slot, result)
        self._tell(Answered(call.number, Stepped(None, worlds, seconds)))

    def _check(self, frames: object) -> None:
        """Raises: BadFramesError."""
        spec = self._spec
        wanted = (spec.frames_per_pass, spec.height, spec.width, 3)
        if not isinstance(frames, np.ndarray):
            raise BadFramesError(f"The engine returned a {type(frames).__name__} instead of frames.")
        array = cast("NDArray[Any]", frames)
        if array.shape != wanted or array.dtype != np.uint8:
            raise BadFramesError(f"The engine returned {array.dtype} of {array.shape} instead of uint8 of {wanted}.")

    # ---------------------------------------------------------------------------------------- other calls

    def _answer(self, call: Call) -> None:
        if isinstance(call.what, SetPrompt) and reads_prompts(self._engine):
            self._reading.submit(self._read_prompt, self._engine, call.number, call.what)
            return
        try:
            answer = self._perform(call)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
        else:
            self._tell(Answered(call.number, answer))

    def _read_prompt(self, engine: PromptedEngine, number: int, asked: SetPrompt) -> None:
        """Beside the steps, on a thread of its own: it may take as long as a hundred of them."""
        call = Call(number, UsePrompt(asked.world, asked.words))
        try:
            engine.read_prompt(asked.words)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
        else:
            self._inbox.put(call)

    def _perform(self, call: Call) -> Answer:
        match call.what:
            case OpenWorld(number, seed, rng_seed):
                world = self._worlds[number] = self._engine.open_world(seed, rng_seed=rng_seed)
                return Opened(hasattr(world, "set_prompt"))
            case ContinueFrom(number, picture):
                self._world(number).continue_from(picture)
            case SetPrompt(number, words) | UsePrompt(number, words):
                cast("PromptedWorld", self._world(number)).set_prompt(words)
            case TakeSnapshot(number):
                snapshot = self._world(number).snapshot()
                return SnapshotTaken(snapshot.model_id, snapshot.weights_hash, self._sent(snapshot.state))
            case Restore(number, model_id, weights_hash, state):
                world = self._world(number)
                world.restore(WorldSnapshot(model_id, weights_hash, self._received(state)))
            case CloseWorld(number):
                world = self._worlds.pop(number, None)
                if world is not None:
                    world.close()
            case Step():
                raise AssertionError("Steps are no part of these calls.")
            case _:
                assert_never(call.what)
        return Done()

    def _world(self, number: int) -> World:
        """Raises: WorldClosedError."""
        world = self._worlds.get(number)
        if world is None:
            raise WorldClosedError("This world is closed.")
        return world

    def _sent(self, state: bytes) -> Blob:
        offset = self._states.take(len(state)) if len(state) > _IN_MESSAGE else None
        if offset is None:
            return state
        np.copyto(self._memory.array(offset, len(state)), np.frombuffer(state, np.uint8))
        return Region(offset, len(state))

    def _received(self, state: Blob) -> bytes:
        return state if isinstance(state, bytes) else copied_bytes(self._memory.array(state.offset, state.size))

    def _fail(self, call: Call, error: Exception) -> None:
        self._tell(Failed(call.number, *explained(error, self._spec.title)))


def is_batched(engine: WorldEngine) -> TypeGuard[BatchedEngine]:
    return hasattr(engine, "step_together")


def reads_prompts(engine: WorldEngine) -> TypeGuard[PromptedEngine]:
    return hasattr(engine, "read_prompt")


def _stepped(world: World, control: ControlPayload) -> Frames | Exception:
    try:
        return world.step(control)
    except Exception as error:  # noqa: BLE001 - as above
        return error


def explained(error: Exception, title: str) -> tuple[HostFault, str]:
    """What the server is told of an error: the kind, and a sentence for a person."""
    match error:
        case WorldClosedError():
            return HostFault.WORLD_CLOSED, str(error)
        case SnapshotMismatchError():
            return HostFault.SNAPSHOT_MISMATCH, str(error)
        case BadFramesError():
            return HostFault.BAD_FRAMES, str(error)
        case _ if isinstance(error, EngineOutOfMemoryError) or is_out_of_memory(error):
            logger.error("The engine ran out of memory", exc_info=error)
            return HostFault.OUT_OF_MEMORY, f"There was not enough memory for {title}."
        case ValueError():
            return HostFault.BAD_INPUT, str(error)
        case EngineFaultError():
            return HostFault.FAILED, str(error)
        case _:
            logger.error("The engine failed", exc_info=error)
            return HostFault.FAILED, f"{title} failed ({type(error).__name__}). The server's log has the details."
