"""An engine of another package: loaded in a process of its own, and guarded there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.engine_host.host_settings import HostLimits, HostSettings
from services.world_engine.engine_card import EngineCard, ModelLoadError
from services.world_engine.plugins.card_reader import resolve
from services.world_engine.plugins.guard import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_config.runtime_config import RuntimeConfig
    from services.world_engine.engine_card import LoadReport
    from services.world_engine.world_engine import WorldEngine

_CPU_NICENESS: Final = 5  # the server sends frames on the same processor
_KERNELS: Final = "kernels"  # in the data folder


@dataclass(frozen=True, slots=True)
class ForeignEngine:
    """The plug-in of another package, of which the server knows the card and has imported nothing.

    `value` is `module:name` of its class. `kernels` keeps compiled kernels from start to start.
    """

    value: str
    card: EngineCard
    kernels: Path | None = None
    limits: HostLimits = field(default_factory=HostLimits)

    def configured(self, config: RuntimeConfig) -> ForeignEngine:
        return ForeignEngine(self.value, self.card, config.data_dir / _KERNELS, self.limits)

    def load(self, quant: str, report: LoadReport) -> WorldEngine:
        """Start the process that imports the package.

        Raises:
            ModelLoadError: whatever the package raised, or its engine is not what its card says.
        """
        from services.engine_host.engine_host import host_engine

        card = self.card
        if quant not in card.quants:
            offered = ", ".join(card.quants)
            raise ModelLoadError(f"{card.title} has no quantisation “{quant}”. It has: {offered}.")
        niceness = _CPU_NICENESS if card.placement == "cpu" else 0
        settings = HostSettings(card.title, kernels=self.kernels, niceness=niceness, limits=self.limits)
        return host_engine(f"{__name__}:load_guarded", {"value": self.value}, quant, report, settings)


def load_guarded(*, value: str, quant: str, report: LoadReport) -> WorldEngine:
    """Import `module:name`, load its engine, and guard what it returns. Runs in the engine's process.

    Raises:
        Exception: whatever the package raises. The host tells a sentence of it.
    """
    plugin: Any = resolve(value)
    return guarded(plugin.load(quant, report), plugin.card)
