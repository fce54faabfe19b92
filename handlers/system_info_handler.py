"""Facts about the machine, for diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import SystemInfoResponse

if TYPE_CHECKING:
    from services.system_monitor.system_monitor import SystemMonitor


class SystemInfoHandler:
    def __init__(self, monitor: SystemMonitor) -> None:
        self._monitor = monitor

    def get_system_info(self) -> SystemInfoResponse:
        machine = self._monitor.machine()
        return SystemInfoResponse(
            cpu_name=machine.cpu_name,
            gpu_name=machine.gpu_name,
            vram_total_bytes=machine.vram_total_bytes,
            runtime_version=machine.runtime_version,
            driver_version=machine.driver_version,
            torch_version=machine.torch_version,
            gpu_count=machine.gpu_count,
            world_engine=None,
            quark=None,
        )
