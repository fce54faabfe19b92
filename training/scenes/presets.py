"""How long and how large a training of the scene network is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from training.presets import StagePlan
from world_model.config import MICRO, ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ScenePreset:
    plan: StagePlan
    rendered: int  # of a batch: rendering costs more than all else
    walks: int  # that the run is made for
    model: ModelConfig = field(default_factory=ModelConfig)
    minutes: float | None = None  # of training, after which the run ends, however many steps that were


_WIDE: Final = ModelConfig(depth_widths=(64, 128, 192, 320))

SCENE_PRESETS: Final[Mapping[str, ScenePreset]] = MappingProxyType(
    {
        # Half a minute on any processor: shows that the parts fit, not what they can do.
        "smoke": ScenePreset(StagePlan(steps=30, batch=4, learning_rate=2e-3), rendered=2, walks=16, model=MICRO),
        # A step takes 0.33 s on a core with bf16 units; `--begin-with assets/moss` goes on from what ships.
        "cpu": ScenePreset(
            StagePlan(steps=60_000, batch=8, learning_rate=1e-3, warm_up=0.003, cool_down=0.25), rendered=2, walks=2000
        ),
        # The training in `training.scenes.lease`, which ends by its time; the steps only shape the learning rate. It
        # has not been run yet.
        "lease": ScenePreset(
            StagePlan(steps=3000, batch=64, learning_rate=1.5e-3, warm_up=0.03, cool_down=0.5),
            rendered=16,
            walks=4000,
            model=_WIDE,
            minutes=6.0,
        ),
        # Not run yet. An estimate: an hour on one data-centre GPU.
        "gpu": ScenePreset(StagePlan(steps=40_000, batch=64, learning_rate=1e-3), rendered=24, walks=8000, model=_WIDE),
    }
)
