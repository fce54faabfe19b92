"""What engines were measured to take and to do on this machine, kept from one start of the server to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.system_monitor.system_monitor import MachinePayload


@dataclass(frozen=True, slots=True)
class MeasurementKey:
    """`machine` names the processor and the card: a folder may move to another machine, and a card be exchanged."""

    model_id: str
    quant: str
    machine: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a world was played alone. `fps` are frames a second; steps are passes, in milliseconds."""

    fps: float
    step_p50_ms: float
    step_p95_ms: float


@dataclass(frozen=True, slots=True)
class EngineMeasurement:
    """`ram` and `vram` are bytes that a load took; None: nobody could tell. `pace` is that of the last benchmark."""

    ram: int | None = None
    vram: int | None = None
    pace: Pace | None = None


class EngineMeasurements(Protocol):
    """Both methods block, and are safe to call from any thread."""

    def find(self, key: MeasurementKey) -> EngineMeasurement | None: ...

    def keep(self, key: MeasurementKey, measurement: EngineMeasurement) -> None:
        """In the place of what was kept before. Where the disk refuses, it is logged and kept for this run alone."""
        ...


def name_of_machine(machine: MachinePayload) -> str:
    card = "no card" if machine.gpu_name is None else f"{machine.gpu_name}, {machine.vram_total_bytes} bytes"
    return f"{machine.cpu_name or 'unknown processor'} x {machine.cpu_count}; {card}"
