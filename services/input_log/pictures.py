"""Pictures and snapshots by the hash of what they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture, WorldSnapshot


def pixels_hash(picture: Picture) -> str:
    """SHA-256 (hex) of the RGB bytes, row by row. Blocks."""
    return hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()


def snapshot_hash(snapshot: WorldSnapshot) -> str:
    return hashlib.sha256(snapshot.state).hexdigest()
