"""Models as the model picker sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import ModelInfoResponse, PickerModel
from wire_protocol import SERVED_BACKEND, EngineBackend

if TYPE_CHECKING:
    from handlers.engines.pool import EnginePool
    from handlers.library.library_handler import LibraryHandler
    from handlers.library.removal import ModelRemoval
    from services.world_engine.catalogue import WorldEngineCatalogue


class ModelsHandler:
    def __init__(
        self,
        catalogue: WorldEngineCatalogue,
        engines: EnginePool,
        library: LibraryHandler,
        removal: ModelRemoval,
    ) -> None:
        self._catalogue = catalogue
        self._engines = engines
        self._library = library
        self._removal = removal

    def list_models(self, backend: EngineBackend | None) -> list[PickerModel]:
        """What can be played, in the order in which it is offered."""
        if backend not in (None, SERVED_BACKEND):
            return []
        loaded, parked = self._engines.loaded_models(), self._engines.parked_models()
        return [
            PickerModel(
                id=entry.model_id,
                size_bytes=self._library.size_of(entry),
                is_local=entry.is_ready,
                model_type=entry.model_type,
                title=entry.title,
                description=entry.description,
                licence=entry.licence,
                loaded=entry.model_id in loaded,
                parked=entry.model_id in parked,
                takes_words=entry.takes_words,
            )
            for entry in self._catalogue.entries()
        ]

    def get_info(self, model_id: str) -> ModelInfoResponse:
        """Facts about one id; what is wrong with it is part of the answer."""
        entry = self._catalogue.find(model_id)
        if entry is None:
            return ModelInfoResponse(
                id=model_id, size_bytes=None, exists=False, is_local=False, error="Model not found"
            )
        return ModelInfoResponse(
            id=model_id, size_bytes=self._library.size_of(entry), exists=True, is_local=entry.is_ready, error=None
        )

    def delete_cached(self, model_id: str) -> None:
        """Remove a downloaded model from the disk; nothing happens when it is not there.

        Raises:
            DomainError: it is part of the server or in use, no model id, or its files cannot be removed.
        """
        self._removal.remove(model_id)
