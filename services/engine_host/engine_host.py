"""World engines in processes of their own, which the rest of the server sees as any other `WorldEngine`."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog

from services.engine_host._frame_slots import FrameSlots, frames_shape
from services.engine_host._host_life import HostLife
from services.engine_host._hosted_world import HostedPromptedWorld, HostedWorld, WorldMemory, expect
from services.engine_host._messages import HostSpec, Opened, OpenWorld, Option, Park, Region, Resume, Warm
from services.engine_host._pace_meter import PaceMeter
from services.engine_host._restarts import RestartBudget
from services.engine_host._shared_memory import FRAME_BYTES, state_bytes
from services.engine_host._state_arena import StateArena
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.engine_pace import EnginePace
from services.world_engine.world_engine import EngineDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.engine_host.host_settings import HostLimits, HostSettings
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import Picture, WorldSpec

_KERNELS: Final = MappingProxyType(
    {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "CUDA_CACHE_PATH": "cuda"}
)

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


def host_engine(
    factory: str, options: Mapping[str, Option], quant: str, report: LoadReport, settings: HostSettings
) -> HostedEngine:
    """Load an engine in a process of its own. Blocks.

    `factory` is `module:function`, which is imported there and called with `quant`, `report` and the options as keyword
    arguments. It returns a `WorldEngine`. If that has `step_together` as well, its worlds are stepped in batches.

    Raises:
        ModelLoadError: with a sentence for the person who chose the model.
    """
    spec = HostSpec(settings.name, factory, options, quant, _environment(settings), settings.niceness)
    engine = HostedEngine(spec, settings.limits)
    engine.load(report)
    return engine


class HostedEngine:
    """A `WorldEngine`. When its process ends, its worlds raise `EngineDiedError`, and the next one starts it again."""

    def __init__(self, spec: HostSpec, limits: HostLimits) -> None:
        self._host = spec
        self._limits = limits
        self._numbers = count(1)
        self._restarts = RestartBudget(limits.restarts, limits.restarts_window_s)
        self._starting = threading.Lock()  # one thread starts the process, and others wait for it
        self._current: _Current | None = None
        self._is_closed = False
        self._meter = PaceMeter()
        self._states = StateArena(state_bytes(), self._make_warm, spec.name)

    def load(self, report: LoadReport) -> None:
        """Raises: ModelLoadError."""
        with self._starting:
            try:
                self._current = self._start(report)
            except BaseException:  # whatever it is, nothing is left
                self._states.close()
                raise

    @property
    def spec(self) -> WorldSpec:
        return self._running.spec

    @property
    def pace(self) -> EnginePace:
        return EnginePace(self._meter.pass_s(), self._running.is_batched)

    @property
    def pid(self) -> int | None:
        """Of the process; None: it has ended."""
        return self._running.life.pid

    def open_world(self, seed: Picture, *, rng_seed: int) -> HostedWorld:
        """Raises: EngineDiedError, the process has ended and could not be started again."""
        now, number = self._revived(), next(self._numbers)
        opened = expect(Opened, now.life.call(OpenWorld(number, seed, rng_seed), self._limits.other_s))
        kind = HostedPromptedWorld if opened.takes_words else HostedWorld
        memory = WorldMemory(now.slots, self._states, now.spec.snapshot_bytes)
        return kind(now.life, number, memory, self._meter, self._limits)

    def park(self) -> None:
        """The process stays, and has left its device afterwards. Blocks.

        Raises:
            EngineFaultError: it has not, or has ended.
        """
        self._running.life.call(Park(), self._limits.other_s)

    def resume(self) -> None:
        """Raises:
        EngineOutOfMemoryError: the device has no room for it now.
        EngineFaultError: it could not come back, or the process has ended.
        """
        self._running.life.call(Resume(), self._limits.other_s)

    def when_ended(self, tell: Callable[[], None]) -> None:
        """See `MortalEngine`."""
        self._running.life.when_ended(tell)

    def close(self) -> None:
        self._is_closed = True
        with self._starting:
            if self._current is not None:
                self._current.life.close()
        self._states.close()

    # --------------------------------------------------------------------------------------------- parts

    @property
    def _running(self) -> _Current:
        if self._current is None:
            raise EngineDiedError(f"{self._host.name} was never loaded.")
        return self._current

    def _revived(self) -> _Current:
        """The process that runs, started again if it has ended.

        Raises:
            EngineDiedError: it cannot be started again, or not for now.
        """
        with self._starting:
            running = self._running
            end = running.life.end
            if end is None:
                return running
            if self._is_closed:
                raise EngineDiedError(f"{self._host.name} was unloaded.")
            if not self._restarts.take(time.monotonic()):
                raise EngineDiedError(f"{end} That has happened too often, so it is not started again for now.")
            logger.warning("The process of a model is started again", host=self._host.name, reason=str(end))
            running.life.close()
            try:
                self._current = self._start(_ignore)
            except ModelLoadError as error:
                raise EngineDiedError(str(error)) from error
            return self._current

    def _make_warm(self, region: Region) -> None:
        """Raises: EngineFaultError."""
        self._running.life.call(Warm(region), self._limits.other_s)

    def _start(self, report: LoadReport) -> _Current:
        life = HostLife(self._host, self._states.memory, report, self._limits.load_s)
        loaded = life.start()
        spec = loaded.spec
        shape = frames_shape(spec.frames_per_pass, spec.height, spec.width)
        return _Current(life, spec, loaded.is_batched, FrameSlots(life.frames, FRAME_BYTES, shape))


@dataclass(frozen=True, slots=True)
class _Current:
    """The life of the process that is the newest, and what it has loaded."""

    life: HostLife
    spec: WorldSpec
    is_batched: bool
    slots: FrameSlots


def _environment(settings: HostSettings) -> dict[str, str]:
    variables = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}
    if settings.kernels is not None:
        for variable, name in _KERNELS.items():  # whoever has set one knows where kernels are kept
            variables[variable] = os.environ.get(variable) or str(settings.kernels / name)
    return variables | dict(settings.environment)


def _ignore(_: LoadStep) -> None:
    """Nobody waits for this load in particular."""
