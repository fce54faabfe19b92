"""Rotary positions: what a token sees of another depends on how far apart they are, at any age of a world."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.waypoint.config import parse_config
from engines.waypoint.positions import Positions, angles_of_tokens, rotate
from tests.engines.waypoint.published import Config, tiny_1, tiny_1_5


def scores(positions: Positions, frames: list[int]) -> torch.Tensor:
    """Of the tokens of one latent against those of another, with the same content: [T, T]."""
    tokens = positions.space.shape[1]
    heads = torch.randn(1, tokens, 1, 32, generator=torch.Generator().manual_seed(0)).expand(2, -1, -1, -1)
    one, other = rotate(heads, angles_of_tokens(positions.space, positions.time(frames)))[:, :, 0]
    return one @ other.T


@pytest.mark.parametrize("config", [tiny_1_5(), tiny_1()], ids=["1.5", "1"])
def test_a_world_never_grows_too_old(config: Config) -> None:
    """Ten million latents are a week of play, and their angles too large for single precision."""
    positions = Positions(parse_config(config), "exact", torch.device("cpu"))
    young, old = scores(positions, [9, 4]), scores(positions, [10_000_009, 10_000_004])
    assert torch.allclose(young, old, atol=1e-4)
    assert not torch.allclose(young, scores(positions, [9, 5]), atol=1e-2)


def test_time_passes_as_the_config_says() -> None:
    """Latents that stand for twice the time are twice as far apart."""
    slow, fast = (
        Positions(parse_config(tiny_1_5(base_fps=fps)), "exact", torch.device("cpu")).time([6, 3]) for fps in (15, 30)
    )
    assert torch.equal(slow[:, 0], fast[:, 1])
