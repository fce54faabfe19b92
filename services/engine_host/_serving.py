"""The host's process serves its engine: calls of worlds one by one, their steps together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    Park,
    Region,
    Restore,
    Resume,
    SetPrompt,
    SnapshotTaken,
    Step,
    Stepped,
    TakeSnapshot,
    UsePrompt,
    Warm,
)
from services.world_engine.engine_parking import can_park
from services.world_engine.world_engine import (
    BadFramesError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    is_large,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from services.engine_host._inbox import Inbox, Round
    from services.engine_host._messages import Answer, Blob, FromHost
    from services.engine_host._shared_memory import HostMemory
    from services.world_engine.engine_parking import ParkableEngine
    from services.world_engine.world_engine import (
        BatchedEngine,
        ControlPayload,
        Frames,
        PromptedEngine,
        PromptedWorld,
        StateCopy,
        World,
        WorldEngine,
    )

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_BESIDE_THREADS: Final = 2  # for what goes on beside play


class HostedWorlds:
    """The worlds that are open in the process, each by the number that the server gave it. Used by one thread, but that
    words are read on another one."""

    def __init__(
        self,
        engine: WorldEngine,
        memory: HostMemory,
        inbox: Inbox,
        send: Callable[[FromHost], None],
    ) -> None:
        """`send` is called from any thread."""
        self._engine = engine
        self._spec = engine.spec
        self._memory = memory
        self._inbox = inbox
        self._send = send
        self._worlds: dict[int, World] = {}
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="prompts")
        self._beside = ThreadPoolExecutor(_BESIDE_THREADS, "host-beside")

    def serve(self) -> None:
        """Until the server asks to close the engine."""
        while True:
            todo = self._inbox.next_round()
            self._step(todo)
            for call in todo.others:
                self._answer(call)
            if todo.is_last:
                self._reading.shutdown(wait=False, cancel_futures=True)
                self._beside.shutdown()
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
            self._send(Answered(call.number, Stepped(result, worlds, seconds)))
            return
        slot = self._memory.frames.array(step.slot, result.nbytes).reshape(result.shape)
        np.copyto(slot, result)
        self._send(Answered(call.number, Stepped(None, worlds, seconds)))

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
        match call.what:
            case SetPrompt() as asked if reads_prompts(self._engine):
                self._reading.submit(self._read_prompt, self._engine, call.number, asked)
            case Warm(region):
                self._beside.submit(self._tell, call, lambda: self._made_warm(region))
            case TakeSnapshot(number, Region() as place):
                self._take_snapshot(call, number, place)
            case _:
                self._tell(call, lambda: self._perform(call))

    def _tell(self, call: Call, work: Callable[[], Answer]) -> None:
        """Do the work, and send its answer or its error."""
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
        else:
            self._send(Answered(call.number, answer))

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
                return SnapshotTaken(snapshot.model_id, snapshot.weights_hash, bytes(snapshot.state))
            case Restore(number, model_id, weights_hash, state):
                world = self._world(number)
                world.restore(WorldSnapshot(model_id, weights_hash, self._given(state, world)))
            case CloseWorld(number):
                world = self._worlds.pop(number, None)
                if world is not None:
                    world.close()
            case Park():
                self._parkable().park()
            case Resume():
                self._parkable().resume()
            case Step() | Warm():
                raise AssertionError("These calls have a way of their own.")
            case _:
                assert_never(call.what)
        return Done()

    def _parkable(self) -> ParkableEngine:
        """Raises: EngineFaultError."""
        if not can_park(self._engine):
            raise EngineFaultError(f"{self._spec.title} cannot leave its device.")
        return self._engine

    def _world(self, number: int) -> World:
        """Raises: WorldClosedError."""
        world = self._worlds.get(number)
        if world is None:
            raise WorldClosedError("This world is closed.")
        return world

    # --------------------------------------------------------------------------------------------- states

    def _take_snapshot(self, call: Call, number: int, place: Region) -> None:
        """Write the state to its place. Where the engine lets its world go on meanwhile, that is done beside."""
        try:
            world = self._world(number)
            state = world.copy_state() if is_large(world) else None
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
            return
        if state is None:
            self._tell(call, lambda: self._written(_plain_state(world), place))
        elif state.is_detached:
            self._beside.submit(self._tell, call, lambda: self._written(state, place))
        else:
            self._tell(call, lambda: self._written(state, place))

    def _written(self, state: StateCopy, place: Region) -> SnapshotTaken:
        spec, size = self._spec, state.size
        if size > place.size:  # the engine's spec says too little of them
            whole = bytearray(size)
            state.write(memoryview(whole))
            return SnapshotTaken(spec.model_id, spec.weights_hash, bytes(whole))
        state.write(self._view(Region(place.offset, size)))
        return SnapshotTaken(spec.model_id, spec.weights_hash, Region(place.offset, size))

    def _made_warm(self, region: Region) -> Answer:
        self._memory.states.populate(region.offset, region.size)
        return Done()

    def _given(self, state: Blob, world: World) -> bytes | memoryview:
        """Engines of small worlds get bytes."""
        if isinstance(state, bytes):
            return state
        view = self._view(state)
        return view if is_large(world) else bytes(view)

    def _view(self, region: Region) -> memoryview:
        return self._memory.states.view(region.offset, region.size)

    def _fail(self, call: Call, error: Exception) -> None:
        self._send(Failed(call.number, *explained(error, self._spec.title)))


def is_batched(engine: WorldEngine) -> TypeGuard[BatchedEngine]:
    return hasattr(engine, "step_together")


def reads_prompts(engine: WorldEngine) -> TypeGuard[PromptedEngine]:
    return hasattr(engine, "read_prompt")


@dataclass(frozen=True, slots=True)
class _PlainState:
    """A state that an engine has as bytes."""

    state: bytes | memoryview
    is_detached: bool = True

    @property
    def size(self) -> int:
        return len(self.state)

    def write(self, place: memoryview) -> None:
        np.copyto(np.frombuffer(place, np.uint8), np.frombuffer(self.state, np.uint8))


def _plain_state(world: World) -> StateCopy:
    return _PlainState(world.snapshot().state)


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
