"""The catalogue of world engines: which models the server can load, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from runtime_config.runtime_config import RuntimeConfig
    from services.world_engine.world_engine import WorldEngine

Placement: TypeAlias = Literal["cpu", "device"]


class LoadStep(Enum):
    """The stage of loading an engine, reported so that the waiting person can see it."""

    READING = "reading"  # weights from disk
    BUILDING = "building"  # the engine in memory
    WARMING_UP = "warming_up"  # the first passes, compilation


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Bytes that an engine takes while it is loaded, including its worlds and working memory.

    `can_be_unloaded_in_play` promises two things: `close` frees this memory, and after the engine is loaded again, a
    world goes on exactly from its snapshot. It is False if a library never releases the device, or if a snapshot is
    incomplete.
    """

    ram: int
    vram: int = 0
    can_be_unloaded_in_play: bool = True


LoadReport: TypeAlias = Callable[[LoadStep], None]


class ModelLoadError(RuntimeError):
    """A model could not be loaded. `str()` of it tells the person what failed and what to do about it."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model that this server can load.

    `load(quant, report)` blocks. It runs on a worker thread and raises `ModelLoadError` with a sentence for the user.
    `placement` says where the engine runs: several CPU engines can be loaded at a time, but only one device engine.
    `size_bytes` is the size of its files on disk. `at_home_in` names the worlds whose views it plays better than others
    do. If `is_ready` is False, something is missing on this machine. Such a model is still offered, because `load` then
    explains what to do, but nothing opens in it by default.
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
    at_home_in: frozenset[str] = frozenset()


class WorldEngineCatalogue:
    """The entries in the order in which they are offered. The first one that is ready is the default."""

    def __init__(
        self,
        entries: Iterable[CatalogueEntry],
        renewed: Callable[[RuntimeConfig], Iterable[CatalogueEntry]] = lambda _: (),
    ) -> None:
        """`renewed` makes those entries that depend on settings which may change while the server runs. It blocks."""
        by_id = {entry.model_id: entry for entry in entries}
        if not by_id:
            raise ValueError("A catalogue needs at least one engine.")
        self._entries: Mapping[str, CatalogueEntry] = MappingProxyType(by_id)
        self._renewed = renewed

    def renew(self, config: RuntimeConfig) -> None:
        """Offer what these settings ask for, each in the place of the entry with its id. Blocks."""
        fresh = {entry.model_id: entry for entry in self._renewed(config)}
        self._entries = MappingProxyType({name: fresh.get(name, entry) for name, entry in self._entries.items()})

    def entries(self) -> tuple[CatalogueEntry, ...]:
        return tuple(self._entries.values())

    def find(self, model_id: str) -> CatalogueEntry | None:
        return self._entries.get(model_id)

    @property
    def default(self) -> CatalogueEntry:
        entries = self.entries()
        return next((entry for entry in entries if entry.is_ready), entries[0])

    def best_for(self, view_of: str | None) -> CatalogueEntry:
        """What to play a picture in when nobody chose. `view_of` names the world that it shows; None: it is unknown."""
        at_home = (entry for entry in self.entries() if entry.is_ready and view_of in entry.at_home_in)
        return next(at_home, self.default)
