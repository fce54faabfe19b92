"""The shipped weights: ONNX graphs and a manifest, checked and loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT: Final = 2  # of the graphs' inputs and outputs; a change of those changes this
GRAPHS: Final = ("start", "walk", "see")
PLAYED: Final = (
    "walk",
    "see",
)  # by terrarium/moss; `start` tells depth to others, and the scene network begins with it
_MANIFEST: Final = "manifest.json"
_REMEDY: Final = "Put back the folder from a fresh copy of this repository or release, or export the weights again."


class WeightsError(Exception):
    """Weights are missing, damaged or of another version. The message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Manifest:
    config: ModelConfig
    files: Mapping[str, str]  # SHA-256 by graph; of those of `GRAPHS` that are there

    @property
    def weights_hash(self) -> str:
        """One hash of what plays, as far as it is there."""
        return hashlib.sha256("".join(self.files.get(name, "") for name in PLAYED).encode()).hexdigest()


def graph_path(folder: Path, graph: str) -> Path:
    """Where the folder of weights has this one of the `GRAPHS`."""
    return folder / f"{graph}.onnx"


def read_weights(folder: Path, names: Iterable[str] = GRAPHS) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest, and the graphs of these names.

    Raises:
        WeightsError: a file is missing, unreadable, damaged or of another version.
    """
    manifest = read_manifest(folder)
    graphs: dict[str, bytes] = {}
    for name in names:
        path = graph_path(folder, name)
        if name not in manifest.files:
            raise WeightsError(f"The manifest in {folder} does not know {path.name}. {_REMEDY}")
        graphs[name] = _read(path)
        if hashlib.sha256(graphs[name]).hexdigest() != manifest.files[name]:
            raise WeightsError(f"The weights file {path} is damaged or not the one that belongs here. {_REMEDY}")
    return manifest, graphs


def write_manifest(folder: Path, config: ModelConfig) -> Manifest:
    """Describe the graphs that lie in `folder`."""
    there = (name for name in GRAPHS if graph_path(folder, name).exists())
    files = {name: hashlib.sha256(graph_path(folder, name).read_bytes()).hexdigest() for name in there}
    told = {"format": FORMAT, "config": config.to_plain(), "files": files}
    (folder / _MANIFEST).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return Manifest(config, files)


def read_manifest(folder: Path) -> Manifest:
    """Raises: WeightsError, it is missing, damaged or of another version."""
    path = folder / _MANIFEST
    try:
        told: dict[str, Any] = json.loads(_read(path))
        version = told["format"]
        if version != FORMAT:
            raise WeightsError(f"The weights at {path} have format {version}; this version reads {FORMAT}. {_REMEDY}")
        files = {name: str(told["files"][name]) for name in GRAPHS if name in told["files"]}
        return Manifest(ModelConfig.from_plain(told["config"]), files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"The manifest {path} is damaged. {_REMEDY}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"The weights file {path} is missing. {_REMEDY}") from None
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}). {_REMEDY}") from error
