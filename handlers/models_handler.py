"""Models as the model picker sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import ModelInfoResponse, PickerModel
from error_types import DomainError, ErrorCode
from handlers.service_errors import service_errors_translated
from wire_protocol import SERVED_BACKEND, EngineBackend

if TYPE_CHECKING:
    from handlers.engines_handler import EnginesHandler
    from services.model_hub.model_hub import ModelHub
    from services.world_engine.catalogue import WorldEngineCatalogue


class ModelsHandler:
    def __init__(self, catalogue: WorldEngineCatalogue, hub: ModelHub, engines: EnginesHandler) -> None:
        self._catalogue = catalogue
        self._hub = hub
        self._engines = engines

    def list_models(self, backend: EngineBackend | None) -> list[PickerModel]:
        """What can be played, in the order in which it is offered."""
        if backend not in (None, SERVED_BACKEND):
            return []
        loaded = self._engines.loaded_models()
        return [
            PickerModel(
                id=entry.model_id,
                size_bytes=entry.size_bytes,
                is_local=entry.is_ready,
                model_type=entry.model_type,
                title=entry.title,
                description=entry.description,
                loaded=entry.model_id in loaded,
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
            id=model_id, size_bytes=entry.size_bytes, exists=True, is_local=entry.is_ready, error=None
        )

    def delete_cached(self, model_id: str) -> None:
        """Remove a downloaded model from the disk; nothing happens when it is not there.

        Raises:
            DomainError: it is part of the server, no model id, or its files cannot be removed.
        """
        if self._catalogue.find(model_id) is not None:
            raise DomainError(f"{model_id} is part of the server and cannot be removed.", ErrorCode.MODEL_BUILT_IN)
        with service_errors_translated():
            self._hub.delete_cached(model_id)
