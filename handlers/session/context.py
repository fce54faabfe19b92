"""What every session needs of the server around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire_protocol import ErrorSnapshot, SystemInfo

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.engines_handler import EnginesHandler
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.sessions_handler import SessionsHandler
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.metrics.metrics import Metrics
    from services.system_monitor.system_monitor import SystemMonitor


@dataclass(frozen=True, slots=True)
class PlayContext:
    config: RuntimeConfig
    sessions: SessionsHandler
    engines: EnginesHandler
    seeds: SeedsHandler
    safety: SafetyHandler
    encoder: FrameEncoder
    monitor: SystemMonitor
    metrics: Metrics
    clock: Clock
    engine_threads: Executor  # steps of worlds, one thread for each session at most
    work_threads: Executor  # decoding, hashing, parsing of what clients send

    def system_info(self) -> SystemInfo:
        machine = self.monitor.machine()
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
        usage = self.monitor.usage()
        return ErrorSnapshot(
            process_rss_bytes=usage.process_rss_bytes,
            ram_used_bytes=usage.ram_used_bytes,
            ram_total_bytes=usage.ram_total_bytes,
            vram_used_bytes=usage.vram_used_bytes,
            vram_reserved_bytes=usage.vram_reserved_bytes,
            gpu_util_percent=usage.gpu_util_percent,
        )
