"""Depth Anything V2 small on this machine: which files it has, and whether it can be used. Nothing heavy is imported.

The model: Yang et al. 2024, "Depth Anything V2". Of its sizes, small alone has weights under Apache-2.0.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from services.local_models.model_folder import read_mapping
from services.machine import is_installed
from services.model_hub.cached_models import find_model
from services.model_hub.hub_cache import content_hash
from services.model_hub.model_hub import Absent, Damaged, OnDisk, Partly
from services.model_hub.repository import HOW_TO_PULL, Repository
from services.model_hub.safetensors_header import tensor_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.model_hub.model_hub import Found

TITLE: Final = "Depth Anything V2"
_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
REPOSITORY: Final = Repository(
    "depth-anything/Depth-Anything-V2-Small-hf",
    files=(_CONFIG, _WEIGHTS),
    size_bytes=99_200_000,
    licence="Apache-2.0",
)
RUNTIME: Final = "terrarium depth anything 1"  # a change of ours that changes maps counts this up
_SOME_TENSORS: Final = frozenset(
    {"backbone.embeddings.patch_embeddings.projection.weight", "head.conv3.weight"}
)  # one of the first, and the last
_PACKAGES: Final = ("torch", "transformers", "safetensors")
_NO_PACKAGES: Final = (
    f"{TITLE} is on this machine, but needs packages that are not installed. "
    "Install the extra models: pip install -c constraints.txt -e '.[models]'"
)


@dataclass(frozen=True, slots=True)
class DepthAnythingUsable:
    """All is there, as far as can be seen without reading the weights."""

    folder: Path


@dataclass(frozen=True, slots=True)
class DepthAnythingNotPulled:
    """Nobody has asked for it yet. `reason` is a sentence, and what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class DepthAnythingUnusable:
    """It was pulled, and cannot be used. `reason` is a sentence, and what to do."""

    reason: str


DepthAnythingState: TypeAlias = DepthAnythingUsable | DepthAnythingNotPulled | DepthAnythingUnusable


@dataclass(frozen=True, slots=True)
class DepthAnythingFiles:
    """`cache_dir` is the hub's cache; `models_dir` holds models as OWNER/NAME and comes before it."""

    cache_dir: Path
    models_dir: Path | None = None
    has_package: Callable[[str], bool] = is_installed

    def look(self) -> DepthAnythingState:
        """Blocks: it reads directories, the config and the header of the weights."""
        return state_of(find_model(self.cache_dir, REPOSITORY, self.models_dir), self.has_package)


def state_of(found: Found, has_package: Callable[[str], bool] = is_installed) -> DepthAnythingState:
    """What that means for who wants to know depth. Blocks: it reads the config and the header of the weights."""
    match found:
        case Absent():
            return DepthAnythingNotPulled(f"{TITLE} is not on this machine. {HOW_TO_PULL}")
        case Partly():
            return DepthAnythingNotPulled(f"{TITLE} is on this machine only in part. {HOW_TO_PULL}")
        case Damaged(reason):
            return DepthAnythingUnusable(f"{reason} Remove {TITLE}, and pull it again.")
        case OnDisk(folder):
            if not _is_such_a_model(folder):
                return DepthAnythingUnusable(
                    f"The folder of {TITLE} holds another model. Remove it, and pull it again."
                )
            if not all(has_package(package) for package in _PACKAGES):
                return DepthAnythingUnusable(_NO_PACKAGES)
            return DepthAnythingUsable(folder)


def _is_such_a_model(folder: Path) -> bool:
    """By its config and some of its tensors. There are sisters that tell metres, which is another thing."""
    config = read_mapping(folder / _CONFIG)
    kind = config.get("model_type"), config.get("depth_estimation_type", "relative")
    try:
        return kind == ("depth_anything", "relative") and tensor_names(folder / _WEIGHTS) >= _SOME_TENSORS
    except OSError:
        return False


def weights_hash(folder: Path) -> str:
    """SHA-256 (hex) over the config, the weights and the version of what we make of them.

    Raises:
        OSError: a file cannot be read.
    """
    parts = (RUNTIME, *(content_hash(folder / name) for name in (_CONFIG, _WEIGHTS)))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
