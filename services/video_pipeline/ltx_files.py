"""Whether the video model could be loaded: its files in the Hugging Face cache, and the packages it needs.

Sizes are estimates from the numbers of parameters. Nothing of this was ever downloaded by those who wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.local_models.model_folder import quantising_needs, read_mapping
from services.local_models.weight_files import weight_bytes
from services.machine import is_installed
from services.memory_planner.model_memory import ModelSize
from services.model_hub.hub_cache import CachedModel, main_snapshot
from services.model_hub.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import Quantisation
    from services.video_pipeline.film_order import Camera

MODEL_ID: Final = "diffusers/LTX-2.3-Distilled-Diffusers"
UPSCALER_ID: Final = "rootonchair/LTX-2.3-spatial-upscaler-x2-v1.1-Diffusers"
LICENCE: Final = "LicenseRef-LTX-2-Community"  # free of charge for those who earn less than 10 M USD a year
UPSCALER: Final = "latent_upsampler"
_INDEX: Final = "model_index.json"
_QUANTISED_PARTS: Final = ("text_encoder", "transformer")
_PARTS: Final = (*_QUANTISED_PARTS, "vae", "audio_vae", "connectors", "vocoder")
REPOSITORY: Final = Repository(
    MODEL_ID,
    files=(_INDEX, "scheduler/*", "tokenizer/*", *(f"{part}/*" for part in _PARTS)),
    size_bytes=70_500_000_000,
    licence=LICENCE,
    takes_own_folder=False,
)
UPSCALER_REPOSITORY: Final = Repository(
    UPSCALER_ID, files=(f"{UPSCALER}/*",), size_bytes=1_000_000_000, licence=LICENCE, takes_own_folder=False
)
_PACKAGES: Final = ("torch", "diffusers", "transformers", "accelerate", "av")
_LORA_FOLDER: Final = "loras"


@dataclass(frozen=True, slots=True)
class LtxFiles:
    """A pipeline's folder: `given`, else what the cache holds of `model_id`'s main branch.

    The folder may have `latent_upsampler`, and `loras` with files named for a camera (`camera_dolly_in.safetensors`) or
    a control (`control_edges.safetensors`, or `control.safetensors` for all).
    """

    cache_dir: Path
    given: Path | None = None
    model_id: str = MODEL_ID
    quant: Quantisation = "none"
    has_package: Callable[[str], bool] = is_installed

    @property
    def folder(self) -> Path | None:
        return self.given or main_snapshot(self.cache_dir, self.model_id)

    @property
    def revision(self) -> str | None:
        """The commit; None for a folder of a person's own."""
        return None if self.given is not None else CachedModel(self.cache_dir, self.model_id).commit_of("main")

    @property
    def upscaler(self) -> Path | None:
        """The folder of the upscaler, if it is on this machine."""
        candidates = [self.folder]
        if self.given is None:
            candidates.append(main_snapshot(self.cache_dir, UPSCALER_ID))
        found = (folder / UPSCALER for folder in candidates if folder is not None)
        return next((folder for folder in found if any(folder.glob("*.safetensors"))), None)

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when all is there. Nothing heavy is imported."""
        if not all(self.has_package(package) for package in _PACKAGES):
            return "The video model needs packages that are not installed. Install the extras models and video."
        if self.quant != "none" and not self.has_package("torchao"):
            return f"The video model is to be quantised. {quantising_needs('TERRARIUM_LOCAL_FILMS_QUANT')}"
        folder = self.folder
        if folder is None or not (folder / _INDEX).is_file():
            return f"The video model is not on this machine. Download it with: hf download {self.model_id}"
        if read_mapping(folder / _INDEX).get("_class_name") != "LTX2Pipeline":
            return "The folder of the video model holds another kind of model than LTX-2."
        if not all(any((folder / part).glob("*.safetensors")) for part in _PARTS):
            return f"The video model is on this machine in part. Download the rest with: hf download {self.model_id}"
        return None

    def why_no_loras(self) -> str | None:
        return (
            None if self.has_package("peft") else "LoRAs need a package that is not installed. Install the extra video."
        )

    def camera_lora(self, camera: Camera) -> Path | None:
        return self._lora(f"camera_{camera}")

    def control_lora(self, control: str) -> Path | None:
        """The in-context LoRA for a control; None: there is none."""
        return self._lora(f"control_{control}") or self._lora("control")

    def _lora(self, name: str) -> Path | None:
        file = None if self.folder is None else self.folder / _LORA_FOLDER / f"{name}.safetensors"
        return file if file is not None and file.is_file() else None

    def size(self) -> ModelSize:
        folder = self.folder or Path()
        parts = [weight_bytes(folder / part, self.quant if part in _QUANTISED_PARTS else "none") for part in _PARTS]
        upscaler = self.upscaler
        more = 0 if upscaler is None else weight_bytes(upscaler)
        return ModelSize(sum(parts) + more, max(parts))
