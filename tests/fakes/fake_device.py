"""A device of known size, with an engine and models on it. Taking more than there is fails, as it does for real."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.memory_planner.model_memory import ModelMemory, ModelSize, Placement
from services.world_engine.engine_card import EngineMemory, ModelLoadError
from services.world_engine.world_engine import EngineDiedError, EngineOutOfMemoryError
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_system_monitor import FAKE_MACHINE, FAKE_USAGE
from tests.fakes.fake_world_engine import HOLD_LIMIT_S, FakeWorldEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from services.system_monitor.system_monitor import MachinePayload, UsagePayload

GIB: Final = 1 << 30


class FakeOutOfMemoryError(RuntimeError):
    """More was taken than there is."""


class FakeDevice:
    """A `SystemMonitor` of a machine with a GPU.

    `history` has every loading (`+name`), unloading (`-name`), leaving for host memory (`<name`) and return (`>name`).

    Set `fail` to have the monitor raise it, `hold_closing` to keep engines from closing until the event is set.
    """

    def __init__(self, *, vram: float, ram: float = 64) -> None:
        """In GiB."""
        self.vram = int(vram * GIB)
        self.ram = int(ram * GIB)
        self.history: list[str] = []
        self.fail: Exception | None = None
        self.hold_closing: threading.Event | None = None
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[int, int]] = {}  # bytes of VRAM and of RAM
        self._moved: dict[str, int] = {}  # bytes of what was ever moved to host memory

    def machine(self) -> MachinePayload:
        return replace(FAKE_MACHINE, gpu_name="Fake GPU", gpu_count=1, vram_total_bytes=self.vram)

    def usage(self) -> UsagePayload:
        if self.fail is not None:
            raise self.fail
        with self._lock:
            vram, ram = self._used()
        return replace(FAKE_USAGE, vram_used_bytes=vram, ram_used_bytes=ram, ram_total_bytes=self.ram)

    def taken_ram_bytes(self) -> int | None:
        with self._lock:
            return self._used()[1]

    def release_free_memory(self) -> None:
        pass

    def take(self, name: str, *, vram: int = 0, ram: int = 0, is_noted: bool = True) -> None:
        with self._lock:
            used_vram, used_ram = self._used()
            if used_vram + vram > self.vram or used_ram + ram > self.ram:
                raise FakeOutOfMemoryError(f"{name} found {(self.vram - used_vram) / GIB:.1f} GiB free.")
            self._taken[name] = (vram, ram)
            if is_noted:
                self.history.append(f"+{name}")

    def give_back(self, name: str) -> None:
        with self._lock:
            if self._taken.pop(name, None) is not None and f"+{name}" in self.history:
                self.history.append(f"-{name}")

    def move(self, name: str, *, to_host: bool) -> None:
        """From the device to host memory (`<name`), or back (`>name`). Raises: FakeOutOfMemoryError."""
        with self._lock:
            vram, ram = self._taken[name]
            used_vram, used_ram = self._used()
            moved = vram or self._moved[name]
            if to_host and used_ram + moved > self.ram:
                raise FakeOutOfMemoryError(f"{name} found {(self.ram - used_ram) / GIB:.1f} GiB of memory.")
            if not to_host and used_vram + moved > self.vram:
                raise FakeOutOfMemoryError(f"{name} found {(self.vram - used_vram) / GIB:.1f} GiB free.")
            self._moved[name] = moved
            self._taken[name] = (0, ram + moved) if to_host else (moved, ram - moved)
            self.history.append(f"{'<' if to_host else '>'}{name}")

    def has(self, name: str) -> bool:
        with self._lock:
            return name in self._taken

    def engine(
        self,
        model_id: str,
        *,
        vram: float,
        stated_vram: float | None = None,
        can_be_unloaded_in_play: bool = True,
        max_worlds: int | None = None,
        ram: float = 0,
        can_park: bool = False,
    ) -> FakeModel:
        """The model of an engine that takes `vram` GiB here, and says that it takes `stated_vram`.

        One that `can_park` takes them of the host's memory while it is parked.
        """
        size, stated = int(vram * GIB), int((stated_vram or vram) * GIB)

        def make(model_id: str) -> FakeWorldEngine:
            try:
                self.take(model_id, vram=size, ram=int(ram * GIB))
            except FakeOutOfMemoryError as error:
                raise ModelLoadError(str(error)) from error
            return FakeEngineOnDevice(self, model_id, max_worlds, can_park=can_park)

        memory = EngineMemory(ram=int(ram * GIB), vram=stated, can_be_unloaded_in_play=can_be_unloaded_in_play)
        return FakeModel(model_id, make_engine=make, placement="device", memory=memory)

    def _used(self) -> tuple[int, int]:
        return sum(vram for vram, _ in self._taken.values()), sum(ram for _, ram in self._taken.values())


class FakeEngineOnDevice(FakeWorldEngine):
    """Set `fail_to_park` or `fail_to_resume` to have it raise that, and `hold_parking` or `hold_resuming` to have it
    wait until the event is set. `end` is the end of its process."""

    def __init__(self, device: FakeDevice, model_id: str, max_worlds: int | None, *, can_park: bool) -> None:
        super().__init__(model_id, max_worlds=max_worlds, can_park=can_park)
        self._device = device
        self.fail_to_park: Exception | None = None
        self.fail_to_resume: Exception | None = None
        self.hold_parking: threading.Event | None = None
        self.hold_resuming: threading.Event | None = None
        self.has_ended = False
        self._tell_of_end: Callable[[], None] | None = None

    def park(self) -> None:
        _wait_for(self.hold_parking)
        if self.fail_to_park is not None:
            raise self.fail_to_park
        super().park()
        self._device.move(self.spec.model_id, to_host=True)

    def resume(self) -> None:
        _wait_for(self.hold_resuming)
        if self.has_ended:
            raise EngineDiedError("The process has ended, as the test asked.")
        if self.fail_to_resume is not None:
            raise self.fail_to_resume
        try:
            self._device.move(self.spec.model_id, to_host=False)
        except FakeOutOfMemoryError as error:
            raise EngineOutOfMemoryError(str(error)) from error
        super().resume()

    def when_ended(self, tell: Callable[[], None]) -> None:
        self._tell_of_end = tell
        if self.has_ended:
            tell()

    def end(self) -> None:
        self.has_ended = True
        if self._tell_of_end is not None:
            self._tell_of_end()

    def close(self) -> None:
        _wait_for(self._device.hold_closing)
        super().close()
        self._device.give_back(self.spec.model_id)


def _wait_for(hold: threading.Event | None) -> None:
    if hold is not None and not hold.wait(HOLD_LIMIT_S):
        raise AssertionError("The test never let go of the engine.")


class FakeModelOnDevice:
    """The part of a fake writer or editor that takes memory. Sizes in GiB; `placements` are where it was loaded.

    Set `hold_unloading` to keep `unload` waiting until the event is set.
    """

    def __init__(self, device: FakeDevice, name: str, *, weights: float, largest: float, work: float) -> None:
        self.placements: list[Placement] = []
        self.hold_unloading: threading.Event | None = None
        self._device = device
        self._name = name
        self._size = ModelSize(int(weights * GIB), int(largest * GIB))
        self._work = int(work * GIB)
        self._placement: Placement | None = None

    @property
    def is_loaded(self) -> bool:
        return self._device.has(self._name)

    @property
    def memory(self) -> ModelMemory:
        return ModelMemory(self._size, self._work, placement=self._placement if self.is_loaded else None)

    def place(self, placement: Placement) -> None:
        if not self.is_loaded:
            self._placement = placement

    def load(self) -> None:
        """Raises: FakeOutOfMemoryError."""
        if self.is_loaded:
            return
        if self._placement is None:
            raise AssertionError(f"{self._name} was used before it was told where to live.")
        size, on_device = self._size.total, self._placement == "resident"
        self._device.take(self._name, vram=size if on_device else 0, ram=0 if on_device else size)
        self.placements.append(self._placement)

    @contextmanager
    def working(self) -> Generator[None]:
        """Raises: FakeOutOfMemoryError."""
        self.load()
        part = self._size.largest_part if self._placement == "offloaded" else 0
        name = f"{self._name} at work"
        self._device.take(name, vram=0 if self._placement == "cpu" else part + self._work, is_noted=False)
        try:
            yield
        finally:
            self._device.give_back(name)

    def unload(self) -> None:
        if self.hold_unloading is not None and not self.hold_unloading.wait(HOLD_LIMIT_S):
            raise AssertionError("The test never let go of the model.")
        self._device.give_back(self._name)
