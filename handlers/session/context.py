"""What every session needs of the server around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.engines_handler import EnginesHandler
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.sessions_handler import SessionsHandler
    from handlers.system_info_handler import SystemInfoHandler
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.metrics.metrics import Metrics


@dataclass(frozen=True, slots=True)
class PlayContext:
    config: RuntimeConfig
    sessions: SessionsHandler
    engines: EnginesHandler
    seeds: SeedsHandler
    safety: SafetyHandler
    encoder: FrameEncoder
    system_info: SystemInfoHandler
    metrics: Metrics
    clock: Clock
    engine_threads: Executor  # steps of worlds, one thread for each session at most
    work_threads: Executor  # decoding, hashing, parsing of what clients send
