"""The catalogue of world engines: which models the server can load, and how."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from services.world_engine.engine_card import EngineCard, LoadReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runtime_config.runtime_config import RuntimeConfig
    from services.world_engine.world_engine import WorldEngine


class EnginePlugin(Protocol):
    """An engine as the catalogue takes it in: usually the engine's own class, with `load` as a class method."""

    @property
    def card(self) -> EngineCard: ...

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        """Load the engine with one of the card's quantisations. Blocks; runs on a worker thread.

        Raises:
            ModelLoadError: with a sentence for the person who chose it.
        """
        ...


def nothing_to_pull() -> str | None:
    """Of an engine that has all it needs from its installation on."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry(EngineCard):
    """One model that this server can load.

    `load(quant, report)` blocks. It runs on a worker thread and raises `ModelLoadError` with a sentence for the user.
    `not_pulled()` looks at the disk, so it blocks too: a sentence that says how to get the model's files, or None if
    they are there. It is asked before a session waits for the engine, while `missing` is what lists show.
    """

    load: Callable[[str, LoadReport], WorldEngine]
    not_pulled: Callable[[], str | None] = nothing_to_pull

    @property
    def is_ready(self) -> bool:
        return self.missing is None


def entry_of(plugin: EnginePlugin) -> CatalogueEntry:
    """The entry of an engine: its card, and the way to load it.

    A plug-in whose files have to be pulled has `not_pulled` as well.
    """
    card = plugin.card
    facts = {field.name: getattr(card, field.name) for field in fields(EngineCard)}
    if card.missing is not None:
        facts["description"] = f"Cannot be played now. {card.missing}"
    return CatalogueEntry(**facts, load=plugin.load, not_pulled=getattr(plugin, "not_pulled", nothing_to_pull))


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
