"""How long and how large a training run is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from world_model.config import MICRO, ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage of training: AdamW with a warm-up, a constant rate and a straight way down to zero at the end."""

    steps: int
    batch: int
    learning_rate: float
    warm_up: float = 0.02  # fraction of the steps
    cool_down: float = 0.3


@dataclass(frozen=True, slots=True)
class Preset:
    """A run from clips to the weights of depth and motion."""

    motion: StagePlan
    depth: StagePlan
    clips: int  # that the run needs
    model: ModelConfig = field(default_factory=ModelConfig)


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        # Half a minute on any processor: shows that the parts fit, not what they can do.
        "smoke": Preset(
            motion=StagePlan(steps=60, batch=64, learning_rate=2e-3),
            depth=StagePlan(steps=40, batch=8, learning_rate=2e-3),
            clips=4,
            model=MICRO,
        ),
        # Less than an hour on two quiet cores with bf16 units, by the time of its steps; never run as a whole.
        "cpu": Preset(
            motion=StagePlan(steps=6000, batch=256, learning_rate=2e-3),
            depth=StagePlan(steps=6000, batch=16, learning_rate=1e-3, cool_down=0.4),
            clips=640,
        ),
        # Not run yet.
        "gpu": Preset(
            motion=StagePlan(steps=20_000, batch=512, learning_rate=2e-3),
            depth=StagePlan(steps=30_000, batch=128, learning_rate=1e-3),
            clips=10_000,
        ),
    }
)
