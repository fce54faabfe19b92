"""Models of the library in memory, as the owner wants them: loaded ahead of play, and unloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from services.memory_planner.engine_fit import DoesNotFit
from state.app_state_types import EngineKey

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.engines.ledger import MemoryLedger
    from handlers.engines.pool import EnginePool
    from services.world_engine.catalogue import CatalogueEntry


class LibraryEngines:
    def __init__(self, pool: EnginePool, ledger: MemoryLedger, threads: Executor) -> None:
        self._pool = pool
        self._ledger = ledger
        self._threads = threads

    async def load(self, model_id: str, quant: str | None, *, anyway: bool) -> None:
        """Begin to load a model, at its first quantisation if none is named. How it went is in the library.

        Raises:
            DomainError: there is no such model, it lacks something, others use the device, or it does not fit; `anyway`
                tries it where it does not.
        """
        entry = self._pool.entry(model_id)
        key = self.key_of(entry, quant)
        if entry.missing is not None:
            raise DomainError(entry.missing, ErrorCode.MODEL_LOAD_FAILED)
        fit = await in_thread(self._threads, lambda: self._ledger.fit(entry, key.quant))
        if isinstance(fit, DoesNotFit) and not anyway:
            raise DomainError(f"{entry.title} does not fit here. {fit.reason}", ErrorCode.MODEL_DOES_NOT_FIT)
        await self._pool.keeping.load(key, entry, anyway=anyway)

    async def unload(self, model_id: str) -> None:
        """Begin to unload a model, at every quantisation that is loaded; nothing happens if none is.

        Raises:
            DomainError: there is no such model, somebody plays on it, or it is on its way to the device or from it.
        """
        entry = self._pool.entry(model_id)
        for quant in entry.quants:
            self._pool.keeping.unload(EngineKey(model_id, quant), entry)

    def key_of(self, entry: CatalogueEntry, quant: str | None) -> EngineKey:
        """Raises: DomainError, the model does not come in that quantisation."""
        if quant is not None and quant not in entry.quants:
            message = (
                f"{entry.model_id} does not come in the quantisation “{quant}”. It has: {', '.join(entry.quants)}."
            )
            raise DomainError(message, ErrorCode.UNSUPPORTED_QUANT)
        return EngineKey(entry.model_id, quant or entry.quants[0])
