"""An engine of another package: loaded where it can do no harm, and guarded there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.world_engine.engine_card import EngineCard, ModelLoadError
from services.world_engine.plugins.card_reader import resolve
from services.world_engine.plugins.guard import guarded

if TYPE_CHECKING:
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.plugins.entry_points import EnginePoint
    from services.world_engine.world_engine import WorldEngine


@dataclass(frozen=True, slots=True)
class ForeignEngine:
    """The plug-in of another package, of which the server knows the card and has imported nothing."""

    point: EnginePoint
    card: EngineCard

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        if quant not in self.card.quants:
            offered = ", ".join(self.card.quants)
            raise ModelLoadError(f"{self.card.title} has no quantisation “{quant}”. It has: {offered}.")
        return load_guarded(self.point.value, self.card.title, quant, report)


def load_guarded(value: str, title: str, quant: str, report: LoadReport) -> WorldEngine:
    """Import `module:name`, load the engine, and guard what it returns.

    Raises:
        ModelLoadError: whatever the package raised, or its engine is not what its card says.
    """
    try:
        plugin: Any = resolve(value)
        card: EngineCard = plugin.card
        engine: WorldEngine = plugin.load(quant, report)
    except ModelLoadError:
        raise
    except Exception as error:
        raise ModelLoadError(f"{title} could not be loaded: its package raised {type(error).__name__}.") from error
    return guarded(engine, card)
