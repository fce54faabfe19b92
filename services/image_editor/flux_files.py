"""Whether the image model could be loaded: its files in the Hugging Face cache, and the packages it needs."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from services.image_editor.memory_plan import ModelSize

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL_ID: Final = "black-forest-labs/FLUX.2-klein-4B"
_INDEX: Final = "model_index.json"
_PARTS: Final = ("text_encoder", "transformer", "vae")
_PACKAGES: Final = ("torch", "diffusers", "transformers", "accelerate")


def is_installed(package: str) -> bool:
    """Without importing it."""
    return importlib.util.find_spec(package) is not None


@dataclass(frozen=True, slots=True)
class FluxFiles:
    """A pipeline's folder: `folder` if it is given, else what the cache holds of `model_id`'s main branch."""

    cache_dir: Path
    given: Path | None = None
    model_id: str = MODEL_ID
    has_package: Callable[[str], bool] = is_installed

    @property
    def folder(self) -> Path | None:
        if self.given is not None:
            return self.given
        repository = self.cache_dir / ("models--" + self.model_id.replace("/", "--"))
        try:
            commit = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return repository / "snapshots" / Path(commit).name

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when all is there. Nothing heavy is imported."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return "The image model needs packages that are not installed. Install the extra models."
        folder = self.folder
        if folder is None or not (folder / _INDEX).is_file():
            return f"The image model is not on this machine. Download it with: hf download {self.model_id}"
        if not _is_klein(folder):
            return "The folder of the image model holds another kind of model than FLUX.2 klein."
        if not all(any((folder / part).glob("*.safetensors")) for part in _PARTS):
            return f"The image model is on this machine in part. Download the rest with: hf download {self.model_id}"
        return None

    def size(self) -> ModelSize:
        folder = self.folder or Path()
        parts = [sum(file.stat().st_size for file in (folder / part).glob("*.safetensors")) for part in _PARTS]
        return ModelSize(sum(parts), max(parts))


def _is_klein(folder: Path) -> bool:
    try:
        index: Any = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(index, dict) and cast("dict[str, Any]", index).get("_class_name") == "Flux2KleinPipeline"
