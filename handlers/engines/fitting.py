"""What a model will take of this machine, and whether that fits: by measurement, or else by its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.engine_measurements.engine_measurements import EngineMeasurement, MeasurementKey, name_of_machine
from services.memory_planner.engine_fit import EngineFit, EngineNeeds, MemoryRoom, fit_of
from services.memory_planner.parking_plan import VRAM_LEFT
from services.memory_planner.situation import FreeMemory
from state.app_state_types import EngineKey, EngineParked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.engine_measurements.engine_measurements import EngineMeasurements
    from services.system_monitor.system_monitor import SystemMonitor
    from services.world_engine.catalogue import CatalogueEntry
    from state.app_state_types import EngineState


@dataclass(frozen=True, slots=True)
class ParkedMemory:
    """Bytes that would be free without the engines that wait in host memory."""

    vram: int
    ram: int


class EngineNeedsBook:
    """Every method blocks: the machine is asked for its name, and a file is read."""

    def __init__(self, measurements: EngineMeasurements, monitor: SystemMonitor) -> None:
        self._measurements = measurements
        self._monitor = monitor

    def measured(self, key: EngineKey) -> EngineMeasurement:
        """With nothing in it where this machine has measured nothing."""
        return self._measurements.find(self._name(key)) or EngineMeasurement()

    def keep(self, key: EngineKey, measurement: EngineMeasurement) -> None:
        self._measurements.keep(self._name(key), measurement)

    def needs(self, entry: CatalogueEntry, quant: str) -> EngineNeeds:
        measured = self.measured(EngineKey(entry.model_id, quant))
        return EngineNeeds(
            ram=entry.memory.ram if measured.ram is None else measured.ram,
            vram=entry.memory.vram if measured.vram is None else measured.vram,
            is_measured=measured.ram is not None,
        )

    def room(self) -> MemoryRoom:
        return room_of(self._monitor)

    def fit(self, entry: CatalogueEntry, quant: str, room: MemoryRoom) -> EngineFit:
        return fit_of(self.needs(entry, quant), room)

    def _name(self, key: EngineKey) -> MeasurementKey:
        return MeasurementKey(key.model_id, key.quant, name_of_machine(self._monitor.machine()))


def room_of(monitor: SystemMonitor) -> MemoryRoom:
    """The memory of a machine on which this server has loaded nothing. Blocks."""
    machine, usage = monitor.machine(), monitor.usage()
    return MemoryRoom(
        free=FreeMemory(
            vram=_difference(machine.vram_total_bytes, usage.vram_used_bytes),
            ram=_difference(usage.ram_total_bytes, usage.ram_used_bytes),
        ),
        total_vram=machine.vram_total_bytes,
        total_ram=usage.ram_total_bytes,
    )


def parked_memory(engines: Mapping[EngineKey, EngineState]) -> ParkedMemory:
    parked = [state.ram for state in engines.values() if isinstance(state, EngineParked)]
    return ParkedMemory(vram=VRAM_LEFT * len(parked), ram=sum(parked))


def _difference(total: int | None, used: int | None) -> int | None:
    return None if total is None or used is None else max(0, total - used)
