"""The renderer of play: like its torch twin, and never torn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from world_model.config import MICRO, ModelConfig
from world_model.layer_renderer import Floats, LayerRenderer, Layers
from world_model.layer_rendering import LayerRendering
from world_model.layers import GROUND, LAYERS
from world_model.scene import Scene

H, W = MICRO.height, MICRO.width
CELLS = H // 8, W // 8


def moved(*, right: float = 0.0, up: float = 0.0, forward: float = 0.0, turn: float = 0.0) -> Floats:
    return np.array([right, up, forward, turn, 0.0, 0.0], dtype=np.float32)


def random_layers(seed: int = 0) -> Layers:
    """Smooth colours, alphas of every kind, reliefs of each layer's own range."""
    rng = np.random.default_rng(seed)
    rgba = np.repeat(np.repeat(rng.integers(0, 256, (LAYERS, 4, 8, 4)), 8, axis=1), 8, axis=2).astype(np.uint8)
    rgba[0, :, :, 3] = 255
    relief = rng.uniform(0.0, 0.05, (LAYERS, *CELLS)).astype(np.float32)
    relief[0] = 0.0
    return Layers(rgba, relief, 0.0)


def twin(layers: Layers, relative_pose: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rgba = torch.as_tensor(layers.rgba).permute(0, 3, 1, 2)[None].float() / 255.0
    scene = Scene(rgba[:, :, 3], rgba[:, :, :3], torch.as_tensor(layers.relief)[None])
    made, _ = LayerRendering(MICRO)(scene, torch.as_tensor(relative_pose)[None])
    return made[0].permute(1, 2, 0).numpy() * 255.0


@pytest.mark.parametrize(
    "pose", [moved(), moved(right=0.3), moved(forward=0.4, up=0.05), moved(turn=0.05), moved(right=-0.2, forward=0.3)]
)
def test_it_draws_what_its_torch_twin_draws(pose: Floats) -> None:
    """Away from the borders, at which the twin does not mirror."""
    layers = random_layers()
    made = LayerRenderer(MICRO).render(layers, pose)
    inner = (slice(6, -6), slice(10, -10))
    assert float(np.abs(made[inner] - twin(layers, pose)[inner]).mean()) < 2.0


def test_a_scene_seen_from_its_own_place_is_its_picture() -> None:
    layers = random_layers()
    layers.rgba[1:, :, :, 3] = 0
    frame = LayerRenderer(MICRO).render_masked(layers, moved())
    np.testing.assert_array_equal(frame.picture, layers.rgba[0, :, :, :3])
    assert float(frame.mask.min()) == 1.0


def test_the_mask_tells_what_was_outside_of_the_keyframe() -> None:
    mask = LayerRenderer(MICRO).render_masked(random_layers(), moved(turn=0.5 * MICRO.fov)).mask
    assert float(mask[:, : W // 4].mean()) > 0.9
    assert float(mask[:, -W // 4 :].mean()) < 0.1


def test_near_things_move_more_than_far_ones() -> None:
    rgba = np.zeros((LAYERS, H, W, 4), dtype=np.uint8)
    rgba[0, ..., 3] = 255
    rgba[2, 4:12, 30:34] = 255
    rgba[8, 20:28, 30:34] = 255
    relief = np.zeros((LAYERS, *CELLS), dtype=np.float32)
    relief[2], relief[8] = 1 / 30, 1 / 3
    picture = LayerRenderer(MICRO).render(Layers(rgba, relief, 0.0), moved(right=0.5))
    far, near = (float(np.average(np.arange(W), weights=picture[rows, :, 0].sum(axis=0))) for rows in ([8], [24]))
    assert 31.5 - far == pytest.approx(MICRO.focal * 0.5 / 30, abs=0.3)
    assert 31.5 - near == pytest.approx(MICRO.focal * 0.5 / 3, abs=0.3)


def test_what_comes_behind_the_camera_fades() -> None:
    rgba = np.zeros((LAYERS, H, W, 4), dtype=np.uint8)
    rgba[0, ..., 3] = 255
    rgba[8] = 255
    relief = np.full((LAYERS, *CELLS), 1 / 3, dtype=np.float32)
    layers = Layers(rgba, relief, 0.0)
    before, after = (LayerRenderer(MICRO).render(layers, moved(forward=way)) for way in (1.0, 2.9))
    assert int(before.min()) > 250
    assert int(after.max()) < 20


def test_a_wrong_ground_does_not_tear() -> None:
    """A relief that is noise still gives a picture without jumps: columns of a gradient stay in order."""
    rng = np.random.default_rng(0)
    rgba = np.zeros((LAYERS, H, W, 4), dtype=np.uint8)
    rgba[0, ..., 3] = 255
    rgba[GROUND] = np.linspace(0, 255, W, dtype=np.uint8)[None, :, None]
    rgba[GROUND, ..., 3] = 255
    relief = np.zeros((LAYERS, *CELLS), dtype=np.float32)
    relief[GROUND] = rng.normal(0.0, 0.05, CELLS)
    picture = LayerRenderer(MICRO).render(Layers(rgba, relief, 0.0), moved(right=0.2))
    assert int(np.abs(np.diff(picture[:, 4:-8, 0].astype(np.int16), axis=1)).max()) < 24


def test_it_draws_at_twice_the_size() -> None:
    layers = random_layers()
    large = Layers(np.repeat(np.repeat(layers.rgba, 2, axis=1), 2, axis=2), layers.relief, 0.0)
    pose = moved(right=0.2, forward=0.2)
    small = LayerRenderer(MICRO).render(layers, pose)
    made = LayerRenderer(MICRO, 2 * H).render(large, pose)
    assert made.shape == (2 * H, 2 * W, 3)
    halved = made.reshape(H, 2, W, 2, 3).mean(axis=(1, 3))
    assert float(np.abs(halved - small)[6:-6, 8:-8].mean()) < 6.0


def test_the_same_call_gives_the_same_bits() -> None:
    renderer, layers = LayerRenderer(ModelConfig(height=32, width=64)), random_layers(3)
    pose = moved(right=0.1, forward=0.2, turn=0.1)
    assert renderer.render(layers, pose).tobytes() == renderer.render(layers, pose).tobytes()
