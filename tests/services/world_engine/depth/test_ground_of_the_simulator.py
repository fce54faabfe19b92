"""The scale and the shift that the ground gives, against views whose true depth is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from services.machine import is_installed
from services.world_engine.depth.depth_anything import FITS_BELOW
from services.world_engine.depth.ground_fit import fit_to_ground
from services.world_engine.diorama.depths import CAMERA
from simulator.config import WorldConfig

HEIGHT, WIDTH = 360, 640


@pytest.mark.trial
@pytest.mark.skipif(not is_installed("numba"), reason="the extra simulator is not installed")
def test_a_rough_relative_depth_comes_out_in_the_proportions_of_the_truth() -> None:
    """40 views of held-out walks, hills and bent heads among them; 10 % of smooth noise, any scale and any shift."""
    from simulator.renderer import Renderer
    from training.recorder import Recipe, Recorder

    config = WorldConfig(height=HEIGHT, width=WIDTH, fov_deg=math.degrees(2.0 * CAMERA.half_fov))
    recorder, rng = Recorder(Recipe("heldout", frames=4, config=config)), np.random.default_rng(1)
    aside = np.hypot(1.0, np.linspace(-math.tan(CAMERA.half_fov), math.tan(CAMERA.half_fov), WIDTH))[None, :]
    spreads: list[float] = []
    for number in range(0, 160, 4):
        walk = recorder.walk(number)
        picture, away = np.empty((HEIGHT, WIDTH, 3), np.uint8), np.empty((HEIGHT, WIDTH), np.float32)
        Renderer(walk.around).draw(walk.states[0], picture, away)
        true = 1.0 / np.maximum(away, 0.3)  # 0 for the sky
        noise = np.asarray(cv2.GaussianBlur(rng.normal(0.0, 1.0, true.shape), (0, 0), 16))
        scale, shift = math.exp(rng.normal(1.0, 0.8)), rng.normal(0.0, 0.5)
        relative = (scale * true * aside * (1.0 + 0.1 * noise / noise.std()) + shift).astype(np.float32)
        fit = fit_to_ground(relative, CAMERA.find_horizon(picture) / HEIGHT, CAMERA)
        if fit is None or fit.misfit >= FITS_BELOW:
            continue
        near = true > 1 / 25
        ratio = fit.inverse_depth(relative, CAMERA.half_fov)[near] / true[near]
        spreads.append(float(np.median(np.abs(ratio / np.median(ratio) - 1.0))))
    assert len(spreads) >= 15, "most views show ground"
    assert np.median(spreads) < 0.1, "the proportions are those of the truth, as far as the noise lets them"
    assert np.percentile(spreads, 90) < 0.4
