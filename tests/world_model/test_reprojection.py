"""What a view looks like from another place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from simulator.config import WorldConfig
from training.recorder import Recipe, Recorder
from training.samples import relative_poses_between
from world_model.config import MICRO, ModelConfig
from world_model.reprojection import refer, reproject

if TYPE_CHECKING:
    from torch import Tensor

STILL = torch.zeros(1, 6)
WALK = Recipe("heldout", frames=48, config=WorldConfig(height=64, width=112))
CONFIG = ModelConfig(height=64, width=128)


def a_wall(disparity: float, config: ModelConfig = MICRO) -> Tensor:
    colours = torch.rand(1, 3, config.height, config.width, generator=torch.Generator().manual_seed(0))
    return torch.cat([colours, torch.full_like(colours[:, :1], disparity)], dim=1)


def psnr(a: Tensor, b: Tensor, mask: Tensor) -> float:
    return -10.0 * math.log10(float(((a - b).square() * mask).sum() / (3.0 * mask.sum())))


@pytest.mark.parametrize("disparity", [0.0, 0.2, 0.8])
def test_without_a_move_nothing_changes(disparity: float) -> None:
    view = a_wall(disparity)
    seen, mask = reproject(MICRO, view, STILL)
    assert mask.all()
    assert torch.allclose(seen, view, atol=1e-4)


def test_a_turn_shifts_the_sky_and_leaves_the_new_side_unknown() -> None:
    """By one pixel at the middle of the picture, where the picture plane is square to the look."""
    view = a_wall(0.0)
    turn = torch.tensor([[0.0, 0.0, 0.0, math.atan(8.0 / MICRO.focal), 0.0, 0.0]])
    seen, mask = reproject(MICRO, view, turn)
    assert not mask[..., -4:].any()
    assert mask[..., 8:-16, :32].all()
    centre = MICRO.width // 2
    ahead = reproject(MICRO, view.mean(dim=2, keepdim=True).expand_as(view), turn)[0]
    expected = view.mean(dim=2, keepdim=True).expand_as(view)
    assert (ahead[..., centre - 8 : centre] - expected[..., centre : centre + 8]).abs().mean() < 0.3
    assert seen.shape == view.shape


def test_a_turn_and_back_gives_the_picture_again() -> None:
    x = torch.linspace(0.0, 3.0, MICRO.width)[None, None, None, :].expand(1, 3, MICRO.height, -1)
    view = torch.cat([0.5 + 0.4 * x.sin(), torch.zeros(1, 1, MICRO.height, MICRO.width)], dim=1)
    turn = torch.tensor([[0.0, 0.0, 0.0, 0.3, 0.0, 0.0]])
    seen, mask = reproject(MICRO, view, turn)
    back, still_mask = reproject(MICRO, torch.cat([seen, mask], dim=1), -turn)
    both = (still_mask * back[:, 4:] > 0.99).float()
    assert both.mean() > 0.5
    assert psnr(back[:, :3], view[:, :3], both) > 35.0


def test_what_is_behind_something_is_unknown() -> None:
    """A step aside uncovers what a post hid of a far wall, and the mask is 0 there."""
    view = a_wall(0.05)
    view[:, 3, :, 28:36] = 0.5  # at one metre
    seen, mask = reproject(MICRO, view, torch.tensor([[0.3, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    shift = round(0.3 * MICRO.focal)
    post = slice(28 - shift + 1, 36 - shift - 1)
    assert mask[0, 0, 8:-8, post].float().mean() > 0.9
    assert torch.allclose(seen[0, 3, 8:-8, post], torch.tensor(0.5), atol=0.02)
    assert not mask[0, 0, 8:-8, 28:34].any()


def test_the_first_view_that_shows_a_pixel_gives_it() -> None:
    """One view looks left, the other right. The first one gives what both show; the mask is 0 where none does."""
    views = torch.stack(
        [a_wall(0.0) * 0.0 + torch.tensor([value, value, value, 0.0])[:, None, None] for value in (0.2, 0.8)]
    )
    relative_poses = torch.tensor([[[0.0, 0.0, 0.0, 0.4, 0.0, 0.0]], [[0.0, 0.0, 0.0, -0.4, 0.0, 0.0]]])
    (left, left_mask), (right, right_mask) = (
        reproject(MICRO, v, m) for v, m in zip(views, relative_poses, strict=True)
    )
    reference, mask = refer(MICRO, views, relative_poses)
    assert torch.equal(mask, torch.maximum(left_mask, right_mask))
    assert 0.5 < left_mask.mean() < 1.0
    expected = torch.where(left_mask > 0.0, left, right)
    assert torch.allclose(reference * mask, expected * mask)


def test_further_channels_are_reprojected_too() -> None:
    view = torch.cat([a_wall(0.1), torch.full((1, 1, MICRO.height, MICRO.width), 0.25)], dim=1)
    seen, _ = reproject(MICRO, view, torch.tensor([[0.0, 0.0, 0.2, 0.1, 0.0, 0.0]]))
    assert torch.allclose(seen[:, 4], torch.tensor(0.25))


def test_a_walk_through_the_simulator_is_foreseen() -> None:
    """Eight frames on, against the simulator's own picture, and against repeating the frame."""
    config = ModelConfig(height=128, width=224)
    recipe = Recipe("heldout", frames=40, config=WorldConfig(height=128, width=224))
    recorder, foreseen, repeated = Recorder(recipe), list[float](), list[float]()
    for number in range(4):
        clip = recorder.record(number, np.empty((40, 128, 224, 4), dtype=np.uint8))
        views = torch.as_tensor(clip.frames[[30, 38]]).permute(0, 3, 1, 2).float() / 255.0
        relative_pose = relative_poses_between(clip.poses[30:31], clip.poses[38:39])
        if float(relative_pose[0, :4].abs().sum()) < 0.05:
            continue  # somebody who stands still proves nothing
        seen, mask = reproject(config, views[:1], relative_pose)
        foreseen.append(psnr(seen[:, :3], views[1:, :3], mask))
        repeated.append(psnr(views[:1, :3], views[1:, :3], torch.ones_like(mask)))
        assert mask.mean() > 0.3
    assert len(foreseen) >= 2
    assert np.mean(foreseen) >= 25.0, foreseen
    assert all(a > b for a, b in zip(foreseen, repeated, strict=True)), (foreseen, repeated)


AWAY = torch.tensor([[0.0, 0.0, 0.0, 2.5, 0.0, 0.0]])


def plain(value: float) -> Tensor:
    view = torch.full((1, 4, MICRO.height, MICRO.width), value)
    view[:, 3] = 0.0
    return view


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_pixel_comes_from_the_one_view_that_shows_it(nth: int) -> None:
    views = torch.stack([a_wall(0.3).roll(n, dims=3) for n in range(3)])
    relative_poses = torch.stack([STILL if n == nth else AWAY for n in range(3)])
    reference, mask = refer(MICRO, views, relative_poses)
    assert mask.all()
    assert torch.allclose(reference, views[nth], atol=1e-4)


@pytest.mark.parametrize("nth", [0, 1, 2])
@pytest.mark.parametrize("slope", [0.4, -0.4, 0.5 / MICRO.focal])
def test_views_do_not_run_into_each_other(nth: int, slope: float) -> None:
    """At their upper and lower edges, where a cubic looks beyond."""
    views = torch.stack([plain(value) for value in (0.1, 0.5, 0.9)])
    looked_up = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, slope]])
    relative_poses = torch.stack([looked_up if n == nth else AWAY for n in range(3)])
    reference, mask = refer(MICRO, views, relative_poses, last=nth)
    assert mask.mean() > 0.3
    assert torch.allclose(reference[:, :3], views[nth, :, :3], atol=1e-5)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_unknown_pixels_show_the_border_of_the_last_view(last: int) -> None:
    views = torch.stack([plain(value) for value in (0.1, 0.5, 0.9)])
    reference, mask = refer(MICRO, views, AWAY[None].expand(3, -1, -1), last=last)
    assert not mask.any()
    assert torch.allclose(reference[:, :3], views[last, :, :3], atol=1e-5)


def test_cubics_do_not_overshoot() -> None:
    """Without a clamp they would, half a pixel beside the edge between black and white."""
    view = plain(0.0)
    view[:, :3, MICRO.height // 2 :] = 1.0
    seen, _ = reproject(MICRO, view, torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.5 / MICRO.focal]]))
    assert ((seen[:, :3] > 0.4) & (seen[:, :3] < 0.6)).any()
    assert (float(seen.min()), float(seen.max())) == (0.0, 1.0)
