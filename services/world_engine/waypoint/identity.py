"""Names the exact weights of a model, so that replays and snapshots are only used with the ones that made them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from services.model_hub.hub_cache import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNTIME: Final = "terrarium waypoint runtime 1"  # a change of the runtime that changes frames counts this up
_SUFFIXES: Final = (".safetensors", ".yaml", ".yml")


def weights_hash(model_folder: Path, vae_folder: Path) -> str:
    """SHA-256 (hex) over the contents of both folders' files and the version of the runtime. Reads them all, unless the
    hub's cache has named a file by its own hash.

    Raises:
        OSError: a file cannot be read.
    """
    whole = hashlib.sha256(RUNTIME.encode())
    for part, folder in (("model", model_folder), ("vae", vae_folder)):
        for path in _files(folder):
            whole.update(f"\n{part}/{path.name} {content_hash(path)}".encode())
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
