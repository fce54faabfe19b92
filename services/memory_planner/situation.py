"""What the memory planner decides from: the machine, the engine on it, and the models that want a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from runtime_config.runtime_config import UnloadEngine
    from services.memory_planner.model_memory import ModelMemory, Placement

Asked: TypeAlias = "Placement | Literal['auto']"


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Bytes that are free now. `vram` is None without a device that could be used, `ram` where nobody knows."""

    vram: int | None
    ram: int | None


@dataclass(frozen=True, slots=True)
class EngineOnDevice:
    """The world engine that has the device, or whose room there is kept, and the bytes of it.

    `stays` says why it cannot give way, as the end of a sentence; None: it can, for a while.
    """

    title: str
    vram: int
    stays: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """`promised_*` are bytes for an engine that is not in memory yet and will be: they are free, but not for models."""

    free: FreeMemory
    engine: EngineOnDevice | None = None
    promised_vram: int = 0
    promised_ram: int = 0
    unload_engine: UnloadEngine = "auto"


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that wants a place. `name` begins sentences; `asked` is what the settings say of it.

    Models for scenes work one at a time, and may be refused. The others work at any time, and have to run: on the CPU,
    if there is no room elsewhere.
    """

    name: str
    memory: ModelMemory
    asked: Asked = "auto"
    is_loaded: bool = False
    is_for_scenes: bool = True
