"""The shipped weights: five ONNX graphs and a manifest, checked and loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from world_model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 1  # of the graphs' inputs and outputs; a change of those changes this
# Each graph, and what its file and its entry in the manifest are called. Those names are older than the graphs' own;
# they stay, so that weights which were exported before can still be read.
_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {"start": "start", "walk": "walk", "encode_context": "look", "denoise": "dream", "decode": "show"}
)
GRAPHS: Final = tuple(_FILES)
_MANIFEST: Final = "manifest.json"
_REMEDY: Final = "Put back the folder from a fresh copy of this repository or release, or export the weights again."


class WeightsError(Exception):
    """Weights are missing, damaged or of another version. The message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Manifest:
    config: ModelConfig
    files: Mapping[str, str]  # SHA-256 by graph

    @property
    def weights_hash(self) -> str:
        """One hash for all graphs."""
        return hashlib.sha256("".join(self.files[name] for name in GRAPHS).encode()).hexdigest()


def graph_path(folder: Path, graph: str) -> Path:
    """Where the folder of weights has this one of the `GRAPHS`."""
    return folder / f"{_FILES[graph]}.onnx"


def read_weights(folder: Path) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest and the graphs by name.

    Raises:
        WeightsError: a file is missing, unreadable, damaged or of another version.
    """
    manifest = _read_manifest(folder / _MANIFEST)
    graphs: dict[str, bytes] = {}
    for name, expected in manifest.files.items():
        path = graph_path(folder, name)
        graphs[name] = _read(path)
        if hashlib.sha256(graphs[name]).hexdigest() != expected:
            raise WeightsError(f"The weights file {path} is damaged or not the one that belongs here. {_REMEDY}")
    return manifest, graphs


def write_manifest(folder: Path, config: ModelConfig) -> Manifest:
    """Describe the graphs that lie in `folder`."""
    files = {name: hashlib.sha256(graph_path(folder, name).read_bytes()).hexdigest() for name in GRAPHS}
    told = {
        "format": FORMAT,
        "config": config.to_plain(),
        "files": {_FILES[name]: digest for name, digest in files.items()},
    }
    (folder / _MANIFEST).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return Manifest(config, files)


def _read_manifest(path: Path) -> Manifest:
    try:
        told: dict[str, Any] = json.loads(_read(path))
        version = told["format"]
        if version != FORMAT:
            raise WeightsError(f"The weights at {path} have format {version}; this version reads {FORMAT}. {_REMEDY}")
        files = {name: str(told["files"][file]) for name, file in _FILES.items()}
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
