"""Textures cover each surface by itself."""

from __future__ import annotations

import numpy as np
import torch

from training.scenes.textures import textured
from world_model.layers import GROUND, SKY

PICTURE = torch.full((1, 3, 32, 64), 0.5)
LAYERS = torch.full((1, 32, 64), SKY)
LAYERS[:, 16:] = GROUND


def test_the_same_random_numbers_give_the_same_texture() -> None:
    one, same, other = (textured(PICTURE, LAYERS, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_surfaces_get_textures_of_their_own() -> None:
    """Over many draws each of two surfaces is at times textured alone, and colours stay within their range."""
    alone = {"sky": 0, "ground": 0}
    for seed in range(40):
        made = textured(PICTURE, LAYERS, np.random.default_rng(seed))
        assert float(made.min()) >= 0.0
        assert float(made.max()) <= 1.0
        sky, ground = (bool((part != 0.5).any()) for part in (made[:, :, :16], made[:, :, 16:]))
        alone["sky"] += sky and not ground
        alone["ground"] += ground and not sky
    assert min(alone.values()) > 2
