"""Models as the model picker sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_types import ModelInfoResponse, PickerModel
from error_types import DomainError, ErrorCode
from handlers.service_errors import service_errors_translated
from services.image_classifier import classifier_files
from services.image_editor import flux_files
from services.prompt_writer import writer_files
from wire_protocol import SERVED_BACKEND, EngineBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handlers.engines.pool import EnginePool
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.model_hub.model_hub import ModelHub
    from services.world_engine.catalogue import WorldEngineCatalogue


class ModelsHandler:
    def __init__(
        self,
        catalogue: WorldEngineCatalogue,
        hub: ModelHub,
        engines: EnginePool,
        config: Current[RuntimeConfig],
        *,
        after_deletion: Callable[[], None],
    ) -> None:
        """`after_deletion` blocks, and is called when files of a model may have gone."""
        self._catalogue = catalogue
        self._hub = hub
        self._engines = engines
        self._after_deletion = after_deletion
        self._config = config

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
                licence=entry.licence,
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
            DomainError: it is part of the server or used by it, no model id, or its files cannot be removed.
        """
        if self._catalogue.find(model_id) is not None:
            raise DomainError(f"{model_id} is part of the server and cannot be removed.", ErrorCode.MODEL_BUILT_IN)
        # Some file systems know one folder by names in either case.
        uses = {used.casefold(): use for used, use in _uses_of_cached_models(self._config.now).items()}
        use = uses.get(model_id.casefold())
        if use is not None:
            raise DomainError(f"{model_id} {use}, so it is not removed.", ErrorCode.MODEL_IN_USE)
        try:
            with service_errors_translated():
                self._hub.delete_cached(model_id)
        finally:
            self._after_deletion()


def _uses_of_cached_models(config: RuntimeConfig) -> Mapping[str, str]:
    """The models of the Hugging Face cache that the settings have the server use, each with what for."""
    uses: dict[str, str] = {}
    if config.seed_safety != "off":
        uses[classifier_files.MODEL_ID] = "checks the pictures of this server"
    authoring = config.authoring
    if authoring.writer is None and authoring.local_writer != "off" and authoring.local_writer_folder is None:
        uses[writer_files.MODEL_ID] = "writes the prompts of scenes on this server"
    if authoring.images is None and authoring.local_images != "off" and authoring.local_image_folder is None:
        uses[flux_files.MODEL_ID] = "paints the scenes of this server"
    return uses
