"""What the library says of a model before it is loaded, and of what it took when it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from api_types import LibraryFit, LibraryMeasured, LibraryNeeds
from services.memory_planner.engine_fit import DoesNotFit, EngineFit, Fits, FitUnknown, Tight
from state.app_state_types import EngineKey

if TYPE_CHECKING:
    from handlers.engines.fitting import EngineNeedsBook
    from handlers.engines.ledger import MemoryLedger
    from services.engine_measurements.engine_measurements import EngineMeasurement
    from services.world_engine.catalogue import CatalogueEntry


@dataclass(frozen=True, slots=True)
class FitFacts:
    """`measured` is None where this machine has measured nothing of the model."""

    needs: LibraryNeeds
    fit: LibraryFit
    measured: LibraryMeasured | None


class EngineFits:
    """Of each model at its first quantisation, the best."""

    def __init__(self, ledger: MemoryLedger, book: EngineNeedsBook) -> None:
        self._ledger = ledger
        self._book = book

    def facts_of(self, entry: CatalogueEntry) -> FitFacts:
        """Blocks: the device's driver is asked what is free."""
        quant = entry.quants[0]
        needs = self._book.needs(entry, quant)
        measured = self._book.measured(EngineKey(entry.model_id, quant))
        return FitFacts(
            needs=LibraryNeeds(ram_bytes=needs.ram, vram_bytes=needs.vram, disk_bytes=_on_disk(entry)),
            fit=_told(self._ledger.fit(entry, quant)),
            measured=_measured(measured),
        )


def _on_disk(entry: CatalogueEntry) -> int:
    return sum(repository.size_bytes for repository in entry.repositories) or entry.size_bytes or 0


def _told(fit: EngineFit) -> LibraryFit:
    match fit:
        case Fits():
            return LibraryFit(kind="fits", reason=None)
        case Tight(reason):
            return LibraryFit(kind="tight", reason=reason)
        case DoesNotFit(reason):
            return LibraryFit(kind="does_not_fit", reason=reason)
        case FitUnknown(reason):
            return LibraryFit(kind="unknown", reason=reason)
        case _:
            assert_never(fit)


def _measured(measured: EngineMeasurement) -> LibraryMeasured | None:
    if measured.ram is None and measured.vram is None and measured.pace is None:
        return None
    fps = None if measured.pace is None else measured.pace.fps
    return LibraryMeasured(ram_bytes=measured.ram, vram_bytes=measured.vram, fps=fps)
