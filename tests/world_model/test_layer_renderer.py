"""The renderer of play: like its torch twin, and never torn."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from world_model.config import MICRO, ModelConfig
from world_model.layer_renderer import LayerRenderer
from world_model.layer_rendering import LayerRendering
from world_model.layers import FINE, GROUND, HIDDEN, LAYERS, Bytes, Floats, Layers, layer_sized, picture_sized
from world_model.prepared_layers import PreparedLayers
from world_model.scene import Scene
from world_model.wide_view import WideView

H, W = MICRO.height, MICRO.width
CELLS = H // 8, W // 8


def moved(*, right: float = 0.0, up: float = 0.0, forward: float = 0.0, turn: float = 0.0) -> Floats:
    return np.array([right, up, forward, turn, 0.0, 0.0], dtype=np.float32)


def random_layers(seed: int = 0) -> Layers:
    """Smooth colours, alphas of every kind, reliefs of each layer's own range."""
    rng = np.random.default_rng(seed)
    alpha = np.repeat(np.repeat(rng.integers(0, 256, (LAYERS, 4, 8)), 8, axis=1), 8, axis=2).astype(np.uint8)
    alpha[0] = 255
    coarse = rng.integers(0, 256, (4, 8, 3)).astype(np.uint8)
    picture = np.asarray(cv2.resize(coarse, (FINE * W, FINE * H), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    small = layer_sized(picture)
    hidden = (small,) * HIDDEN  # the twin knows nothing of what is hidden
    relief = rng.uniform(0.0, 0.05, (LAYERS, *CELLS)).astype(np.float32)
    relief[0] = 0.0
    return Layers(alpha, hidden, picture, WideView(MICRO).mirrored(small), relief, 0.0)


def twice(colours: Bytes) -> Bytes:
    return np.repeat(np.repeat(colours, FINE, axis=0), FINE, axis=1)


def prepared(layers: Layers) -> PreparedLayers:
    return PreparedLayers.of(MICRO, layers)


def plain(alpha: Bytes, grey: Bytes, relief: Floats) -> Layers:
    """Layers over a black sky in these shades, [h, w]."""
    colours = np.repeat(grey[:, :, None], 3, axis=2)
    hidden = (np.zeros((H, W, 3), dtype=np.uint8),) * HIDDEN
    return Layers(alpha, hidden, twice(colours), WideView(MICRO).mirrored(colours), relief, 0.0)


def twin(layers: Layers, relative_pose: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    colours = torch.as_tensor(layers.hidden[0])[None].permute(0, 3, 1, 2)[None].float() / 255.0
    alpha = torch.as_tensor(layers.alpha)[None].float() / 255.0
    scene = Scene(alpha, colours.repeat(1, LAYERS, 1, 1, 1), torch.as_tensor(layers.relief)[None])
    made, _ = LayerRendering(MICRO)(scene, torch.as_tensor(relative_pose)[None])
    return made[0].permute(1, 2, 0).numpy() * 255.0


@pytest.mark.parametrize(
    "pose", [moved(), moved(right=0.3), moved(forward=0.4, up=0.05), moved(turn=0.05), moved(right=-0.2, forward=0.3)]
)
def test_it_draws_what_its_torch_twin_draws(pose: Floats) -> None:
    """Away from the borders, beyond which the twin knows nothing."""
    layers = random_layers()
    made = LayerRenderer(MICRO).render(prepared(layers), pose)
    inner = (slice(6, -6), slice(10, -10))
    assert float(np.abs(made[inner] - twin(layers, pose)[inner]).mean()) < 2.0


def test_a_scene_seen_from_its_own_place_is_its_picture() -> None:
    layers = random_layers()
    layers.alpha[1:] = 0
    frame = LayerRenderer(MICRO, FINE * H).trace(prepared(layers), moved())
    assert int(np.abs(frame.picture.astype(np.int16) - layers.picture).max()) <= 1
    assert float(frame.mask.min()) == float(frame.visible.min()) == 1.0
    rows, columns = np.mgrid[: FINE * H, : FINE * W]
    np.testing.assert_allclose(frame.x, columns, atol=1e-2)
    np.testing.assert_allclose(frame.y, rows, atol=1e-2)


def test_the_mask_tells_what_was_outside_of_the_keyframe() -> None:
    mask = LayerRenderer(MICRO).trace(prepared(random_layers()), moved(turn=0.5 * MICRO.fov)).mask
    assert float(mask[:, : W // 4].mean()) > 0.9
    assert float(mask[:, -W // 4 :].mean()) < 0.1


def test_a_trace_draws_what_render_draws() -> None:
    layers, pose = random_layers(), moved(right=0.2, forward=0.2)
    ready, renderer = prepared(layers), LayerRenderer(MICRO)
    np.testing.assert_array_equal(renderer.trace(ready, pose).picture, renderer.render(ready, pose))


@pytest.mark.parametrize(
    "part", [(slice(0, 40), slice(70, 128)), (slice(13, 14), slice(5, 6)), (slice(0, 0), slice(0, 0))]
)
def test_only_what_is_wanted_is_traced(part: tuple[slice, slice]) -> None:
    renderer, ready, pose = LayerRenderer(MICRO, FINE * H), prepared(random_layers(7)), moved(right=0.3, forward=0.4)
    wanted = np.zeros((FINE * H, FINE * W), dtype=np.bool_)
    wanted[part] = True
    frame, whole = renderer.trace(ready, pose, wanted), renderer.trace(ready, pose)
    for found, all_of_it in zip(frame, whole, strict=True):
        np.testing.assert_array_equal(found[wanted], all_of_it[wanted])
        assert not found[~wanted].any()


def test_only_what_is_wanted_is_shown_around() -> None:
    renderer, ready, pose = LayerRenderer(MICRO, wide=True), prepared(random_layers(7)), moved(right=0.3, turn=0.2)
    wanted = np.ones(WideView(MICRO).shape, dtype=np.bool_)
    wanted[8:24, 10:50] = False
    frame, whole = renderer.around(ready, pose, wanted), renderer.around(ready, pose)
    for found, all_of_it in zip(frame, whole, strict=True):
        np.testing.assert_array_equal(found[wanted], all_of_it[wanted])
        assert not found[~wanted].any()


def test_beyond_the_keyframe_a_frame_shows_its_wide_picture() -> None:
    """In its own place and direction: nothing is mirrored, and nothing of it is in the middle."""
    view, grey = WideView(MICRO), np.full((H, W), 90, dtype=np.uint8)
    alpha = np.zeros((LAYERS, H, W), dtype=np.uint8)
    alpha[0] = 255
    wide = np.full((*view.shape, 3), 200, dtype=np.uint8)
    layers = replace(plain(alpha, grey, np.zeros((LAYERS, *CELLS), dtype=np.float32)), wide=wide)
    frame = LayerRenderer(MICRO).render(prepared(layers), moved(turn=0.2))[H // 2, :, 0]
    edge = round(0.5 * W + MICRO.focal * math.tan(0.5 * MICRO.fov - 0.2))
    assert set(frame[: edge - 3].tolist()) == {90}
    assert set(frame[edge + 3 :].tolist()) == {200}
    around = LayerRenderer(MICRO, wide=True).around(prepared(layers), moved())
    np.testing.assert_array_equal(around.picture, wide)
    assert float(around.mask[view.inner].min()) == float(around.wide_mask.min()) == 1.0
    assert float(around.mask.sum()) == H * W


def test_near_things_move_more_than_far_ones() -> None:
    alpha, grey = np.zeros((LAYERS, H, W), dtype=np.uint8), np.zeros((H, W), dtype=np.uint8)
    alpha[0] = 255
    alpha[2, 4:12, 30:34] = grey[4:12, 30:34] = 255
    alpha[8, 20:28, 30:34] = grey[20:28, 30:34] = 255
    relief = np.zeros((LAYERS, *CELLS), dtype=np.float32)
    relief[2], relief[8] = 1 / 30, 1 / 3
    picture = LayerRenderer(MICRO).render(prepared(plain(alpha, grey, relief)), moved(right=0.5))
    far, near = (float(np.average(np.arange(W), weights=picture[rows, :, 0].sum(axis=0))) for rows in ([8], [24]))
    assert 31.5 - far == pytest.approx(MICRO.focal * 0.5 / 30, abs=0.3)
    assert 31.5 - near == pytest.approx(MICRO.focal * 0.5 / 3, abs=0.3)


def test_what_a_layer_hides_has_its_hidden_colours() -> None:
    """Behind a post that steps aside is what was filled in there, and not the post again."""
    alpha, grey = np.zeros((LAYERS, H, W), dtype=np.uint8), np.full((H, W), 90, dtype=np.uint8)
    alpha[0] = 255
    alpha[8, :, 28:36] = grey[:, 28:36] = 255
    relief = np.full((LAYERS, *CELLS), 1 / 3, dtype=np.float32)
    frame = LayerRenderer(MICRO).trace(prepared(plain(alpha, grey, relief)), moved(right=1.5))
    assert int(frame.picture[:, 29:35].max()) < 10
    assert float(frame.visible[:, 29:35].max()) < 0.1
    assert int(frame.picture[:, 42:-8].min()) == 90
    assert float(frame.visible[:, 42:-8].min()) > 0.9


def test_whoever_stands_where_it_was_seen_sees_the_picture_however_many_layers_it_is_in() -> None:
    """And softly less of it beside near things with every centimetre, not all at once."""
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (LAYERS, H, W)).astype(np.uint8)
    alpha[0] = 255
    scene = prepared(
        plain(alpha, rng.integers(0, 256, (H, W)).astype(np.uint8), np.full((LAYERS, *CELLS), 0.3, np.float32))
    )
    drawn = LayerRenderer(MICRO, FINE * H)
    assert int(np.abs(drawn.render(scene, moved()).astype(int) - scene.layers.picture).max()) <= LAYERS
    shares = [float(scene.own_colours(metres).mean()) for metres in (0.0, 0.02, 0.04, 0.06, 1.0)]
    assert shares[0] == 1.0
    assert shares[0] > shares[1] > shares[2] > shares[3] == shares[4]


def test_what_comes_behind_the_camera_fades() -> None:
    alpha, grey = np.zeros((LAYERS, H, W), dtype=np.uint8), np.full((H, W), 255, dtype=np.uint8)
    alpha[[0, 8]] = 255
    layers = plain(alpha, grey, np.full((LAYERS, *CELLS), 1 / 3, dtype=np.float32))
    before, after = (LayerRenderer(MICRO).render(prepared(layers), moved(forward=way)) for way in (1.0, 2.9))
    assert int(before.min()) > 250
    assert int(after.max()) < 20


def test_a_wrong_ground_does_not_tear() -> None:
    """A relief that is noise still gives a picture without jumps: columns of a gradient stay in order."""
    rng = np.random.default_rng(0)
    alpha = np.zeros((LAYERS, H, W), dtype=np.uint8)
    alpha[[0, GROUND]] = 255
    grey = np.repeat(np.linspace(0, 255, W).astype(np.uint8)[None], H, axis=0)
    relief = np.zeros((LAYERS, *CELLS), dtype=np.float32)
    relief[GROUND] = rng.normal(0.0, 0.05, CELLS)
    picture = LayerRenderer(MICRO).render(prepared(plain(alpha, grey, relief)), moved(right=0.2))
    assert int(np.abs(np.diff(picture[:, 4:-8, 0].astype(np.int16), axis=1)).max()) < 24


def test_it_draws_at_twice_the_size() -> None:
    layers, pose = random_layers(), moved(right=0.2, forward=0.2)
    small = LayerRenderer(MICRO).render(prepared(layers), pose)
    made = LayerRenderer(MICRO, 2 * H).render(prepared(layers), pose)
    assert made.shape == (2 * H, 2 * W, 3)
    halved = made.reshape(H, 2, W, 2, 3).mean(axis=(1, 3))
    assert float(np.abs(halved - small)[6:-6, 8:-8].mean()) < 6.0


def test_a_larger_picture_has_all_of_the_smaller_one() -> None:
    small = np.random.default_rng(0).integers(90, 160, (H, W, 3), dtype=np.uint8)
    assert float(np.abs(layer_sized(picture_sized(small)).astype(np.int16) - small).mean()) < 4.0


def test_the_same_call_gives_the_same_bits() -> None:
    """Of layers that were prepared once as of freshly prepared ones."""
    renderer, layers = LayerRenderer(ModelConfig(height=32, width=64)), random_layers(3)
    pose = moved(right=0.1, forward=0.2, turn=0.1)
    kept = prepared(layers)
    first = renderer.render(kept, pose).tobytes()
    assert renderer.render(kept, pose).tobytes() == renderer.render(prepared(layers), pose).tobytes() == first
