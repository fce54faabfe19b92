"""The engines of this machine as entries of the catalogue: those of the server, then those of other packages."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from services.world_engine.catalogue import CatalogueEntry, EnginePlugin, entry_of
from services.world_engine.engine_card import EngineCard, EngineMemory, ModelLoadError
from services.world_engine.plugins.card_reader import NoCard, read_cards, resolve
from services.world_engine.plugins.entry_points import built_in_points, foreign_points
from services.world_engine.plugins.foreign_engine import ForeignEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_config.runtime_config import RuntimeConfig
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.plugins.entry_points import EnginePoint
    from services.world_engine.world_engine import WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class BrokenEngine:
    """An engine that is installed but cannot be played, for the reason that its card gives."""

    card: EngineCard

    @classmethod
    def of(cls, point: EnginePoint, reason: str) -> BrokenEngine:
        package, name = (_NOT_IN_IDS.sub("-", part).strip("-") or "engine" for part in (point.package, point.name))
        card = EngineCard(
            model_id=f"{package}/{name}",
            title=point.name,
            description=f"An engine of the package {point.package}.",
            model_type="unknown",
            licence="NOASSERTION",
            memory=EngineMemory(ram=0),
            frames_per_pass=1,
            fps=1,
            missing=reason,
        )
        return cls(card)

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        del quant, report
        raise ModelLoadError(self.card.missing or "")


class InstalledEngines:
    """Found once, as packages come and go with restarts. A broken one takes nothing else with it."""

    def __init__(
        self, built_in: Sequence[EnginePoint] | None = None, foreign: Sequence[EnginePoint] | None = None
    ) -> None:
        """Blocks while other packages are imported elsewhere. Without arguments, this machine is searched."""
        own = built_in_points() if built_in is None else built_in
        others = foreign_points() if foreign is None else foreign
        self._found: list[tuple[EnginePoint, Any]] = [
            *((point, _imported(point)) for point in own),
            *((point, _foreign(point, card)) for point, card in zip(others, read_cards(others), strict=True)),
        ]
        self._lock = threading.Lock()
        self._last: dict[EnginePoint, tuple[EnginePlugin, CatalogueEntry]] = {}

    def entries(self, config: RuntimeConfig) -> list[CatalogueEntry]:
        """Every engine with these settings, each with an id of its own. Blocks.

        An engine that has not changed since the last call has the very same entry, so that it is not loaded again.
        """
        with self._lock:
            found: dict[str, CatalogueEntry] = {}
            for point, plugin in self._plugins(config):
                entry = self._known(point, plugin)
                first = found.get(entry.model_id)
                if first is None:
                    found[entry.model_id] = entry
                    continue
                why = f"The package {point.package} calls its engine {entry.model_id}, which is {first.title}."
                refused = self._known(replace(point, name=f"{point.name} (refused)"), BrokenEngine.of(point, why))
                found.setdefault(refused.model_id, refused)
            return list(found.values())

    def _known(self, point: EnginePoint, plugin: EnginePlugin) -> CatalogueEntry:
        """A new entry, or that of the last call if nothing has changed since."""
        entry, last = entry_of(plugin), self._last.get(point)
        if last is not None and last[0] == plugin and _facts(last[1]) == _facts(entry):
            return last[1]
        # Files that nobody wanted yet are no fault.
        if entry.missing is not None and entry.not_pulled() is None:
            logger.warning("An engine cannot be played", engine=entry.model_id, reason=entry.missing)
        self._last[point] = plugin, entry
        return entry

    def _plugins(self, config: RuntimeConfig) -> Iterable[tuple[EnginePoint, EnginePlugin]]:
        for point, target in self._found:
            yield point, target.configured(config) if hasattr(target, "configured") else target


def _facts(card: EngineCard) -> list[object]:
    return [getattr(card, field.name) for field in fields(EngineCard)]


def _imported(point: EnginePoint) -> Any:
    """A built-in engine's class. The modules that hold them import nothing heavy."""
    try:
        return resolve(point.value)
    except Exception as error:  # its engine is not offered, and everything else is
        logger.exception("A built-in engine could not be imported", engine=point.name, exc_info=error)
        return BrokenEngine.of(point, f"{point.name} could not be imported; the server's log has the details.")


def _foreign(point: EnginePoint, card: EngineCard | NoCard) -> ForeignEngine | BrokenEngine:
    match card:
        case EngineCard():
            return ForeignEngine(point.value, card)
        case NoCard(reason):
            return BrokenEngine.of(point, reason)
