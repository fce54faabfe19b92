"""What the memory planner decides from: the machine, the engine on it, and what each model requires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from runtime_config.authoring_config import UnloadEngine
    from services.memory_planner.model_memory import ModelMemory, Placement

Asked: TypeAlias = "Placement | Literal['auto']"


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Bytes that are free now. `vram` is None without a device that could be used, `ram` where nobody knows."""

    vram: int | None
    ram: int | None


@dataclass(frozen=True, slots=True)
class EngineOnDevice:
    """The world engine on the device, or the one whose room there is kept. `vram` is in bytes.

    `stays` says why it cannot be unloaded for a while, as the end of a sentence; None: it can.
    """

    title: str
    vram: int
    stays: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """`promised_*` are bytes that are free now, but kept for an engine that is about to be loaded."""

    free: FreeMemory
    engine: EngineOnDevice | None = None
    promised_vram: int = 0
    promised_ram: int = 0
    unload_engine: UnloadEngine = "auto"


@dataclass(frozen=True, slots=True)
class ModelRequirement:
    """A model that has to be placed. `name` begins sentences; `asked` is the place that the settings name.

    Models for scenes work one at a time and may be refused. Other models may work at any time and must run, on the CPU
    if there is no room elsewhere.
    """

    name: str
    memory: ModelMemory
    asked: Asked = "auto"
    is_loaded: bool = False
    is_for_scenes: bool = True
