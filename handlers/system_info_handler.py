"""Facts about the machine, for diagnostics: what it is, and how it is at the moment of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire_protocol import ErrorSnapshot, SystemInfo

if TYPE_CHECKING:
    from services.system_monitor.system_monitor import SystemMonitor


class SystemInfoHandler:
    def __init__(self, monitor: SystemMonitor) -> None:
        self._monitor = monitor

    def get_system_info(self) -> SystemInfo:
        machine = self._monitor.machine()
        return SystemInfo(
            cpu_name=machine.cpu_name,
            gpu_name=machine.gpu_name,
            vram_total_bytes=machine.vram_total_bytes,
            runtime_version=machine.runtime_version,
            driver_version=machine.driver_version,
            torch_version=machine.torch_version,
            gpu_count=machine.gpu_count,
        )

    def error_snapshot(self) -> ErrorSnapshot:
        usage = self._monitor.usage()
        return ErrorSnapshot(
            process_rss_bytes=usage.process_rss_bytes,
            ram_used_bytes=usage.ram_used_bytes,
            ram_total_bytes=usage.ram_total_bytes,
            vram_used_bytes=usage.vram_used_bytes,
            vram_reserved_bytes=usage.vram_reserved_bytes,
            gpu_util_percent=usage.gpu_util_percent,
        )
