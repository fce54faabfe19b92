"""Layers, composed and rendered by torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from world_model.config import MICRO
from world_model.layer_rendering import LayerRendering
from world_model.layers import GROUND, LAYERS, MARGIN, SKY, THINGS
from world_model.scene import Scene, compose, hidden_pictures, parts_of, pixel_inverse_depth, push_pull
from world_model.scene_net import Raw, SceneNet

H, W = MICRO.height, MICRO.width


def composed(seed: int = 0) -> tuple[Tensor, Scene]:
    """Pictures, and the layers that an untrained network makes of them."""
    rng = torch.Generator().manual_seed(seed)
    raw = Raw(
        alpha_logits=2.0 * torch.randn(2, LAYERS - 1, H, W, generator=rng),
        relief=torch.randn(2, LAYERS - 1, H // 8, W // 8, generator=rng),
    )
    pictures = torch.rand(2, 3, H, W, generator=rng)
    parts = parts_of(raw)
    return pictures, compose(pictures, hidden_pictures(pictures, parts), parts)


def still(slope: float = 0.0) -> Tensor:
    return torch.tensor([[0.0, 0.0, 0.0, 0.0, slope, slope]] * 2)


def test_the_network_says_something_of_every_pixel() -> None:
    raw = SceneNet(MICRO)(torch.rand(2, 3, H, W), torch.tensor([0.0, 0.2]))
    assert raw.alpha_logits.shape == (2, LAYERS - 1, H, W)
    assert raw.relief.shape == (2, LAYERS - 1, H // 8, W // 8)


def test_visible_weights_of_each_peel_add_up() -> None:
    """An opaque sky is behind all, so no light is lost."""
    raw = SceneNet(MICRO)(torch.rand(1, 3, H, W), torch.zeros(1))
    for log_weights in parts_of(raw).log_weights:
        torch.testing.assert_close(log_weights.exp().sum(dim=1), torch.ones(1, H, W))


def test_things_are_upright_and_the_land_is_not() -> None:
    _, scene = composed()
    spread = scene.relief.amax(dim=2) - scene.relief.amin(dim=2)  # [b, LAYERS, columns]
    assert float(spread[:, list(THINGS)].max()) == 0.0
    assert float(spread[:, GROUND].min()) > 0.0


def test_a_scene_seen_from_its_own_place_is_nearly_the_picture() -> None:
    """Near layers have the picture's own colours. Hidden colours show through soft alphas, and beside what is near."""
    rng = torch.Generator().manual_seed(1)
    picture = torch.rand(2, 3, H, W, generator=rng)
    logits = torch.full((2, LAYERS - 1, H, W), -9.0)
    logits[:, 4, :, W // 2 :] = 9.0  # one thing in the right half
    raw = Raw(logits, torch.zeros(2, LAYERS - 1, H // 8, W // 8))
    parts = parts_of(raw)
    scene = compose(picture, hidden_pictures(picture, parts), parts)
    made, inside = LayerRendering(MICRO)(scene, still())
    beside = slice(W // 2 - MARGIN, W // 2)
    apart = torch.ones(W, dtype=torch.bool)
    apart[beside] = False
    assert float((made - picture)[..., apart].abs().max()) < 0.02
    assert float((made - picture)[..., beside].abs().max()) > 0.1
    assert float(inside.min()) == pytest.approx(1.0, abs=1e-3)


def test_what_is_left_when_a_thing_is_taken_away_has_none_of_its_colour() -> None:
    """Though the network draws the border a pixel beside where the picture has it."""
    picture = torch.full((1, 3, H, W), 0.2)
    picture[..., W // 2 - 1 :] = 0.9
    logits = torch.full((1, LAYERS - 1, H, W), -9.0)
    logits[:, 6, :, W // 2 :] = 9.0
    raw = Raw(logits, torch.zeros(1, LAYERS - 1, H // 8, W // 8))
    parts = parts_of(raw)
    middle, back = hidden_pictures(picture, parts)
    sky = compose(picture, (middle, back), parts).colour[:, SKY]
    for left in (middle, back, sky):
        assert float((left - 0.2).abs().max()) < 0.02


def test_level_ground_moves_as_a_plane_does() -> None:
    """With a relief of 0 the ground is 1.62 m below the eye, and a step aside moves it by its inverse depth."""
    slope = torch.tensor([0.0])
    depth = pixel_inverse_depth(torch.zeros(1, LAYERS, H // 8, W // 8), slope, (H, W), MICRO.focal)
    bottom = float(depth[0, GROUND, -1, 0])
    assert bottom == pytest.approx((0.5 * H - 0.5) / MICRO.focal / 1.62, rel=1e-4)
    columns = torch.linspace(0.0, 1.0, W).expand(1, LAYERS, 3, H, W)
    alpha = torch.zeros(1, LAYERS, H, W)
    alpha[:, [0, GROUND]] = 1.0
    scene = Scene(alpha, columns, torch.zeros(1, LAYERS, H // 8, W // 8))
    made, _ = LayerRendering(MICRO)(scene, torch.tensor([[0.1, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    moved = float(made[0, 0, -1, W // 2] - columns[0, 0, 0, -1, W // 2]) * (W - 1)
    assert moved == pytest.approx(0.1 * bottom * MICRO.focal, rel=0.02)


def test_what_leaves_the_picture_is_outside() -> None:
    _, scene = composed()
    turn = torch.tensor([[0.0, 0.0, 0.0, 0.5 * MICRO.fov, 0.0, 0.0]] * 2)
    _, inside = LayerRendering(MICRO)(scene, turn)
    assert float(inside[:, :, H // 2, 2].min()) > 0.9
    assert float(inside[:, :, H // 2, -2].max()) < 0.1


def test_rendering_is_differentiable() -> None:
    raw = Raw(
        *(
            torch.randn(shape, generator=torch.Generator().manual_seed(n)).requires_grad_()
            for n, shape in enumerate([(2, LAYERS - 1, H, W), (2, LAYERS - 1, H // 8, W // 8)])
        )
    )
    parts, picture = parts_of(raw), torch.rand(2, 3, H, W)
    scene = compose(picture, hidden_pictures(picture, parts), parts)
    made, _ = LayerRendering(MICRO)(scene, torch.tensor([[0.2, 0.0, 0.3, 0.05, 0.0, 0.0]] * 2))
    (made - picture).square().mean().backward()  # pyright: ignore[reportUnknownMemberType] - its optional arguments are untyped
    assert all(tensor.grad is not None and bool(tensor.grad.any()) for tensor in raw)


def test_push_pull_keeps_what_is_known_and_goes_on_from_it() -> None:
    picture = torch.zeros(1, 3, 32, 64)
    picture[..., 32:] = 1.0
    weight = torch.ones(1, 1, 32, 64)
    weight[..., 20:28] = 0.0  # a hole in the dark half
    filled = push_pull(torch.where(weight > 0, picture, torch.full_like(picture, 0.5)), weight)
    torch.testing.assert_close(filled * weight, picture * weight)
    assert float(filled[..., 20:24].max()) < 0.35
