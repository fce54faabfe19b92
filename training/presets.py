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
    """A run from clips to weights."""

    autoencoder: StagePlan
    motion: StagePlan
    dynamics: StagePlan
    depth: StagePlan
    pool: int  # rollouts that are under way at a time
    longest_rollout: int  # frames that the model lives on its own pictures, at the end of training
    clips: int  # that the run needs
    model: ModelConfig = field(default_factory=ModelConfig)


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        # A minute on any processor: shows that the parts fit, not what they can do.
        "smoke": Preset(
            autoencoder=StagePlan(steps=60, batch=8, learning_rate=2e-3),
            motion=StagePlan(steps=60, batch=64, learning_rate=2e-3),
            dynamics=StagePlan(steps=40, batch=8, learning_rate=1e-3),
            depth=StagePlan(steps=40, batch=8, learning_rate=2e-3),
            pool=24,
            longest_rollout=8,
            clips=4,
            model=MICRO,
        ),
        # Some two hours on two quiet cores with bf16 units, by the time of its steps; never run as a whole.
        "cpu": Preset(
            autoencoder=StagePlan(steps=2400, batch=24, learning_rate=1.5e-3),
            motion=StagePlan(steps=2500, batch=256, learning_rate=2e-3),
            dynamics=StagePlan(steps=6000, batch=32, learning_rate=5e-4),
            depth=StagePlan(steps=6000, batch=16, learning_rate=1e-3, cool_down=0.4),
            pool=384,
            longest_rollout=64,
            clips=640,
        ),
        # Two to three hours on one data-centre GPU, in as many pieces as it takes.
        "gpu": Preset(
            autoencoder=StagePlan(steps=40_000, batch=128, learning_rate=1e-3),
            motion=StagePlan(steps=20_000, batch=512, learning_rate=2e-3),
            dynamics=StagePlan(steps=150_000, batch=192, learning_rate=5e-4),
            depth=StagePlan(steps=30_000, batch=128, learning_rate=1e-3),
            pool=4096,
            longest_rollout=90,
            clips=10_000,
        ),
    }
)
