"""The registry of world engines by model id: what can be loaded, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from services.world_engine.world_engine import WorldEngine

Placement: TypeAlias = Literal["cpu", "device"]


class LoadStep(Enum):
    """What a loader is busy with; reported so that a waiting person can be told."""

    READING = "reading"  # weights from disk
    BUILDING = "building"  # the engine in memory
    WARMING_UP = "warming_up"  # the first passes, compilation


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Bytes that an engine takes while it is loaded, its worlds and what it works with included.

    `can_be_unloaded_in_play`: `close` gives them back, and when the engine is loaded again a world goes on from its
    snapshot as if nothing had been. Not so where a library never lets go of the device, or a snapshot loses something.
    """

    ram: int
    vram: int = 0
    can_be_unloaded_in_play: bool = True


LoadReport: TypeAlias = Callable[[LoadStep], None]


class ModelLoadError(RuntimeError):
    """A model could not be loaded. The text is for the person who asked: what failed, and what to do."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model that this server can load.

    `load(quant, report)` blocks, runs on a worker thread and raises `ModelLoadError` with a sentence for the user.
    `placement` says what the engine occupies: CPU engines live side by side, device engines one at a time.
    `size_bytes` is what its files take on the disk.
    One that is not ready lacks something on this machine: it is offered all the same, as `load` tells what to do about
    it, but it is no default.
    """

    model_id: str
    title: str
    description: str
    model_type: str
    licence: str  # of the weights, or of the code of an engine without weights; an SPDX identifier
    quants: tuple[str, ...]  # "none" is full precision
    placement: Placement
    size_bytes: int | None
    memory: EngineMemory
    load: Callable[[str, LoadReport], WorldEngine]
    is_ready: bool = True


class WorldEngineCatalogue:
    """Entries in the order in which they are offered; the first one that is ready is the default."""

    def __init__(self, entries: Iterable[CatalogueEntry]) -> None:
        by_id = {entry.model_id: entry for entry in entries}
        if not by_id:
            raise ValueError("A catalogue needs at least one engine.")
        self._entries: Mapping[str, CatalogueEntry] = MappingProxyType(by_id)

    def entries(self) -> tuple[CatalogueEntry, ...]:
        return tuple(self._entries.values())

    def find(self, model_id: str) -> CatalogueEntry | None:
        return self._entries.get(model_id)

    @property
    def default(self) -> CatalogueEntry:
        entries = self.entries()
        return next((entry for entry in entries if entry.is_ready), entries[0])
