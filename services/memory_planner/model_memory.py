"""What a model on this machine takes, and where it can live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

# On the device; in RAM, each part on the device while it works; in RAM, without a device.
Placement: TypeAlias = Literal["resident", "offloaded", "cpu"]


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Bytes of weights: all of them, and those of the largest part that is needed at one time."""

    total: int
    largest_part: int


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """`work` is what it takes besides its weights while it works, in bytes. `placements` are what may be chosen for it,
    the fastest first. `placement` is where it is, or is being loaded to; None: nowhere."""

    size: ModelSize
    work: int
    placements: tuple[Placement, ...] = ("resident", "offloaded")
    placement: Placement | None = None
