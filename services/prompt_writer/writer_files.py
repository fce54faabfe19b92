"""Whether the writer's model could be loaded: its files on this machine, and the packages it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from services.local_models.model_folder import quantising_needs, read_mapping
from services.local_models.weight_files import weight_bytes
from services.machine import is_installed
from services.memory_planner.model_memory import ModelSize
from services.model_hub.hub_cache import snapshots_folder
from services.model_hub.repository import HOW_TO_PULL, Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime_config.authoring_config import Quantisation

MODEL_ID: Final = "Qwen/Qwen3-VL-4B-Instruct"
# The commit of the model's repository whose files this was written for.
REVISION: Final = "ebb281ec70b05090aa6165b016eac8ec08e71b17"
_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
_WEIGHTS_INDEX: Final = "model.safetensors.index.json"  # of weights in several files
_TOKENIZER: Final = "tokenizer_config.json"
_IMAGE_PROCESSOR: Final = "preprocessor_config.json"
REPOSITORY: Final = Repository(
    MODEL_ID,
    files=("*.json", "*.safetensors", "*.txt"),
    size_bytes=8_890_000_000,
    licence="Apache-2.0",
    revision=REVISION,
    takes_own_folder=False,
)
_PACKAGES: Final = ("torch", "transformers", "accelerate")


@dataclass(frozen=True, slots=True)
class WriterFiles:
    """A model's folder: `given`, whatever model that holds, else one revision of one model in a cache."""

    cache_dir: Path
    given: Path | None = None
    model_id: str = MODEL_ID
    revision: str = REVISION
    quant: Quantisation = "none"
    has_package: Callable[[str], bool] = is_installed

    @property
    def name(self) -> str:
        return self.model_id if self.given is None else self.given.name

    @property
    def folder(self) -> Path:
        return self.given or self._snapshots / self.revision

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when all is there. Nothing heavy is imported."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return "The prompt writer's model needs packages that are not installed. Install the extra models."
        if self.quant != "none" and not self.has_package("torchao"):
            return f"The prompt writer's model is to be quantised. {quantising_needs('TERRARIUM_LOCAL_WRITER_QUANT')}"
        if all((self.folder / name).is_file() for name in self._needed_files()):
            return None
        if self.given is not None:
            return "The folder of the prompt writer's model lacks files of it. Download the model into it again."
        return f"{self._state()} {HOW_TO_PULL}"

    def size(self) -> ModelSize:
        """All of it works at once."""
        size = weight_bytes(self.folder, self.quant)
        return ModelSize(size, size)

    @property
    def _snapshots(self) -> Path:
        return snapshots_folder(self.cache_dir, self.model_id)

    def _needed_files(self) -> set[str]:
        shards: Any = read_mapping(self.folder / _WEIGHTS_INDEX).get("weight_map")
        weights = (
            {str(file) for file in cast("dict[str, Any]", shards).values()} if isinstance(shards, dict) else {_WEIGHTS}
        )
        sees = "vision_config" in read_mapping(self.folder / _CONFIG)
        return {_CONFIG, _TOKENIZER, *weights, *([_IMAGE_PROCESSOR] if sees else [])}

    def _state(self) -> str:
        if self.folder.is_dir():
            return f"The model {self.model_id} is on this machine in part."
        if self._snapshots.is_dir():
            return f"The model {self.model_id} is on this machine in another version."
        return f"The model {self.model_id} is not on this machine."
