"""Whether the image model could be loaded: its files in the Hugging Face cache, and the packages it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.local_models.model_folder import quantising_needs, read_mapping
from services.local_models.weight_files import weight_bytes
from services.machine import is_installed
from services.memory_planner.model_memory import ModelSize
from services.model_hub.hub_cache import main_snapshot
from services.model_hub.repository import HOW_TO_PULL, Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import Quantisation

MODEL_ID: Final = "black-forest-labs/FLUX.2-klein-4B"
_INDEX: Final = "model_index.json"
_QUANTISED_PARTS: Final = ("text_encoder", "transformer")
_PARTS: Final = (*_QUANTISED_PARTS, "vae")
REPOSITORY: Final = Repository(
    MODEL_ID,
    files=(_INDEX, "scheduler/*", "text_encoder/*", "tokenizer/*", "transformer/*", "vae/*"),
    size_bytes=15_980_000_000,
    licence="Apache-2.0",
    takes_own_folder=False,
)
_PACKAGES: Final = ("torch", "diffusers", "transformers", "accelerate")


@dataclass(frozen=True, slots=True)
class FluxFiles:
    """A pipeline's folder: `given`, else what the cache holds of `model_id`'s main branch."""

    cache_dir: Path
    given: Path | None = None
    model_id: str = MODEL_ID
    quant: Quantisation = "none"
    has_package: Callable[[str], bool] = is_installed

    @property
    def folder(self) -> Path | None:
        return self.given or main_snapshot(self.cache_dir, self.model_id)

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when all is there. Nothing heavy is imported."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return "The image model needs packages that are not installed. Install the extra models."
        if self.quant != "none" and not self.has_package("torchao"):
            return f"The image model is to be quantised. {quantising_needs('TERRARIUM_LOCAL_IMAGES_QUANT')}"
        folder = self.folder
        if folder is None or not (folder / _INDEX).is_file():
            return f"The image model is not on this machine. {HOW_TO_PULL}"
        if read_mapping(folder / _INDEX).get("_class_name") != "Flux2KleinPipeline":
            return "The folder of the image model holds another kind of model than FLUX.2 klein."
        if not all(any((folder / part).glob("*.safetensors")) for part in _PARTS):
            return f"The image model is on this machine in part. {HOW_TO_PULL}"
        return None

    def size(self) -> ModelSize:
        folder = self.folder or Path()
        parts = [weight_bytes(folder / part, self.quant if part in _QUANTISED_PARTS else "none") for part in _PARTS]
        return ModelSize(sum(parts), max(parts))
