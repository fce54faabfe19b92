"""The runtime against a second implementation that is written from the formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.diamond import FAST, FULL, LoadOptions, Picture, Sampling, WorldState, load_diamond
from engines.diamond.actions import ACTION_WIDTH, action_vector
from engines.diamond.config import read_config
from engines.diamond.denoiser import Denoiser
from engines.diamond.loading import load_networks
from tests.engines.diamond.oracle import Oracle
from tests.engines.diamond.plays import action, picture

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]

# What the published files for a graphics card and for a processor say of the two samplers.
PUBLISHED: Final[dict[str, tuple[Sampling, Any, Any]]] = {
    "full": (
        FULL,
        {"steps": 3, "min": 2e-3, "max": 5.0, "churn": 0.0, "context": 0.005},
        {"steps": 10, "min": 1.0, "max": 5.0, "churn": 10.0, "context": 0.0},
    ),
    "fast": (
        FAST,
        {"steps": 1, "min": 2e-3, "max": 5.0, "churn": 0.0, "context": 0.005},
        {"steps": 1, "min": 1.0, "max": 5.0, "churn": 10.0, "context": 0.0},
    ),
}


def distance(one: Tensor, other: Tensor) -> float:
    """Relative RMS."""
    return ((one.double() - other).square().mean() / other.square().mean()).sqrt().item()


def noise(number: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(number))


@pytest.mark.parametrize("level", [5.0, 0.28, 2e-3])
def test_an_estimate_of_the_next_picture(tiny_folder: Path, level: float) -> None:
    config = read_config(tiny_folder)
    denoiser = Denoiser(config.denoiser, load_networks(tiny_folder, config).denoiser, torch.float32)
    noisy, context = noise(1, 2, 3, 6, 10), noise(2, 2, 12, 6, 10) / 2
    actions = torch.as_tensor(
        np.stack([[action_vector(action(4 * world + at)) for at in range(4)] for world in (0, 1)])
    )
    estimated = denoiser.denoise(noisy, level, context, 0.005, actions)
    for world in (0, 1):
        expected = Oracle(tiny_folder).denoised(
            "denoiser", noisy[world].double(), level, context[world].double(), 0.005, actions[world]
        )
        assert distance(estimated[world], expected) < 1e-5


@pytest.mark.parametrize("level", [5.0, 1.0])
def test_an_estimate_of_the_enlarged_picture(tiny_folder: Path, level: float) -> None:
    config = read_config(tiny_folder)
    upsampler = Denoiser(config.upsampler, load_networks(tiny_folder, config).upsampler, torch.float32)
    noisy, context = noise(3, 1, 3, 30, 50), noise(4, 1, 6, 30, 50) / 2
    estimated = upsampler.denoise(noisy, level, context, 0.0, None)
    expected = Oracle(tiny_folder).denoised("upsampler", noisy[0].double(), level, context[0].double(), 0.0, None)
    assert distance(estimated[0], expected) < 1e-5


@pytest.mark.parametrize("way", PUBLISHED)
def test_frames_one_after_another(tiny_folder: Path, way: str) -> None:
    """Both start each frame from the same past. A value at the edge of two levels may fall to either side, and a later
    step carries that on, so a few pixels may differ."""
    sampling, low, high = PUBLISHED[way]
    model, oracle = load_diamond(tiny_folder, LoadOptions(sampling=sampling)), Oracle(tiny_folder)
    state = model.begin(picture(1), rng_seed=7)
    for number in range(3):
        done = state.with_action(action_vector(action(number)))
        random = torch.Generator().manual_seed(state.noise_seed)
        small, large = oracle.frame(
            [scaled(one) for one in state.small],
            [scaled(one) for one in state.large],
            torch.as_tensor(done),
            lambda shape, random=random: torch.randn(shape, generator=random),
            low=low,
            high=high,
        )
        (following,) = model.step([state], [action(number)])
        assert isinstance(following, WorldState)
        for shown, expected in ((following.small[-1], small), (following.large[-1], large)):
            apart = (scaled(shown) - expected).abs() * 127.5
            assert apart.max() < 2.01
            assert (apart > 0.01).float().mean() < 0.01
        state = following


def scaled(shown: Picture) -> Tensor:
    return torch.as_tensor(shown.astype(np.float64)).permute(2, 0, 1) / 127.5 - 1


def test_what_a_player_does_matters(tiny_folder: Path) -> None:
    """Every part of the action's vector moves the network's estimate."""
    config = read_config(tiny_folder)
    denoiser = Denoiser(config.denoiser, load_networks(tiny_folder, config).denoiser, torch.float32)
    nothing = torch.zeros(1, 4, ACTION_WIDTH)
    noisy, context = noise(1, 1, 3, 6, 10), noise(2, 1, 12, 6, 10) / 2
    still = denoiser.denoise(noisy, 1.0, context, 0.005, nothing)
    for part in range(ACTION_WIDTH):
        done = nothing.clone()
        done[0, 3, part] = 1
        assert distance(denoiser.denoise(noisy, 1.0, context, 0.005, done), still) > 1e-4


def test_lower_precision_stays_near(tiny_folder: Path) -> None:
    """bfloat16 has 8 bits of precision; frames stay within a few levels of those in single precision."""
    states = [
        model.step([model.begin(picture(2), rng_seed=1)], [action(1)])[0]
        for model in (load_diamond(tiny_folder, LoadOptions(dtype=dtype)) for dtype in (torch.float32, torch.bfloat16))
    ]
    exact, rough = (state.small[-1].astype(float) for state in states if isinstance(state, WorldState))
    assert np.abs(exact - rough).mean() < 3
    assert not (exact == rough).all()
