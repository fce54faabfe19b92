"""The interface of system monitors: fixed facts about the machine, and its current use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MachinePayload:
    """Facts that do not change while the process runs."""

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
    """What is in use at this moment. None: unknown."""

    process_rss_bytes: int | None
    ram_used_bytes: int | None
    ram_total_bytes: int | None
    vram_used_bytes: int | None
    vram_reserved_bytes: int | None
    gpu_util_percent: int | None


class SystemMonitor(Protocol):
    def machine(self) -> MachinePayload: ...

    def usage(self) -> UsagePayload: ...

    def taken_ram_bytes(self) -> int | None:
        """What this process and the processes that it has started hold of the memory. None: unknown. Blocks."""
        ...

    def release_free_memory(self) -> None:
        """Give memory that the process has freed, and its allocator still holds, back to the system. Blocks."""
        ...
