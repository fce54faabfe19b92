"""What every session needs of the server around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.engine_leaves import EngineLeaves
    from handlers.engines_handler import EnginesHandler
    from handlers.recorder_handler import RecorderHandler
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.server_handler import ServerHandler
    from handlers.sessions_handler import SessionsHandler
    from handlers.world_files_handler import WorldFilesHandler
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.input_log.input_log import InputLogs
    from services.metrics.metrics import Metrics


@dataclass(frozen=True, slots=True)
class PlayContext:
    config: RuntimeConfig
    sessions: SessionsHandler
    engines: EnginesHandler
    leaves: EngineLeaves
    seeds: SeedsHandler
    safety: SafetyHandler
    authoring: AuthoringHandler
    painter: ScenePainter
    recorder: RecorderHandler
    world_files: WorldFilesHandler
    input_logs: InputLogs
    encoder: FrameEncoder
    system_info: ServerHandler
    metrics: Metrics
    clock: Clock
    engine_threads: Executor  # steps of worlds, one thread for each session at most
    work_threads: Executor  # decoding, hashing, parsing of what clients send
    check_threads: Executor  # what waits for verdicts on pictures
