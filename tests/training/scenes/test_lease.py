"""From nothing to weights within a time, with the smallest network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.config import WorldConfig
from training.scenes.lease import lease
from training.scenes.presets import SCENE_PRESETS
from training.scenes.run import SceneRunFolder
from world_model.config import MICRO
from world_model.runtime import load_runtime

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.trial


def test_a_lease_ends_by_its_time_and_goes_on_when_it_gets_more(tmp_path: Path) -> None:
    config = WorldConfig(height=MICRO.height, width=MICRO.width, supersample=1)
    preset = replace(SCENE_PRESETS["smoke"], minutes=0.02, walks=1)
    steps: list[int] = []
    spent_minutes = 0.0
    for _ in range(2):
        minutes = spent_minutes + 0.02  # however long the steps before have taken
        lease(replace(preset, minutes=minutes), tmp_path, views_minutes=1.0, workers=1, config=config)
        checkpoint = SceneRunFolder(tmp_path / "run").load()
        assert checkpoint is not None
        assert checkpoint.spent_s >= 60.0 * minutes
        steps.append(checkpoint.step)
        spent_minutes = checkpoint.spent_s / 60.0
    assert 0 < steps[0] < steps[1]
    picture = np.full((MICRO.height, MICRO.width, 3), 100, dtype=np.uint8)
    assert load_runtime(tmp_path / "weights", ("see",)).see(picture, 0.0)[0].shape[1:3] == (MICRO.height, MICRO.width)
