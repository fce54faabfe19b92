"""What a system monitor is: facts about the machine, fixed and current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MachinePayload:
    """Facts that do not change while the process runs. Bytes for memory."""

    cpu_name: str | None
    cpu_count: int
    gpu_name: str | None
    gpu_count: int
    vram_total_bytes: int | None
    driver_version: str | None
    runtime_version: str | None  # of the GPU runtime (CUDA, ROCm)
    torch_version: str  # "not installed" without torch


@dataclass(frozen=True, slots=True)
class UsagePayload:
    """What is used at this moment. None: unknown."""

    process_rss_bytes: int | None
    ram_used_bytes: int | None
    ram_total_bytes: int | None
    vram_used_bytes: int | None
    vram_reserved_bytes: int | None
    gpu_util_percent: int | None


class SystemMonitor(Protocol):
    def machine(self) -> MachinePayload: ...

    def usage(self) -> UsagePayload: ...
