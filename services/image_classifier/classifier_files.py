"""Whether the picture check could be loaded: its files in the Hugging Face cache, and the packages it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.local_models.model_folder import read_mapping
from services.machine import is_installed
from services.memory_planner.model_memory import ModelSize
from services.model_hub.hub_cache import snapshots_folder
from services.model_hub.repository import HOW_TO_PULL, Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL_ID: Final = "Freepik/nsfw_image_detector"
# The commit of the model's repository whose answers `LABELS` and the rule were written for.
REVISION: Final = "15b85477e4fd2000db76ae9aae0f89a72f95e2e3"
_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
REPOSITORY: Final = Repository(
    MODEL_ID,
    files=(_CONFIG, _WEIGHTS),
    size_bytes=344_000_000,
    licence="MIT",
    revision=REVISION,
    takes_own_folder=False,
)
_PACKAGES: Final = ("torch", "transformers")
_EXTRA_PACKAGES: Final = ("timm", "torchvision")  # for models that transformers takes from timm
_EXTRAS: Final = "Install the extras models and safety to have pictures checked."


@dataclass(frozen=True, slots=True)
class ClassifierFiles:
    """One revision of one model in a cache."""

    cache_dir: Path
    model_id: str = MODEL_ID
    revision: str = REVISION
    has_package: Callable[[str], bool] = is_installed

    @property
    def folder(self) -> Path:
        return self._snapshots / self.revision

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when all is there. Nothing heavy is imported."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return f"torch and transformers are not installed. {_EXTRAS}"
        if not (self.folder / _CONFIG).is_file() or not (self.folder / _WEIGHTS).is_file():
            return f"{self._state()} {HOW_TO_PULL}"
        if self._is_from_timm() and not all(self.has_package(package) for package in _EXTRA_PACKAGES):
            return f"timm, or the torchvision that it needs, is not installed. {_EXTRAS}"
        return None

    def size(self) -> ModelSize:
        """All of it works at once."""
        size = (self.folder / _WEIGHTS).stat().st_size
        return ModelSize(size, size)

    @property
    def _snapshots(self) -> Path:
        return snapshots_folder(self.cache_dir, self.model_id)

    def _state(self) -> str:
        if self.folder.is_dir():
            return f"The model {self.model_id} is on this machine in part."
        if self._snapshots.is_dir():
            return f"The model {self.model_id} is on this machine in another version."
        return f"The model {self.model_id} is not on this machine."

    def _is_from_timm(self) -> bool:
        return read_mapping(self.folder / _CONFIG).get("model_type") == "timm_wrapper"
