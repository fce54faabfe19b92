"""Where the pixels of a keyframe come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from world_model.layer_renderer import TracedFrame
from world_model.layers import FINE
from world_model.origins import OWN, Bytes, Origin, drawn_patch, followed, joined, own_origin

H, W = 32, 64


def test_a_picture_of_its_own_is_not_enlarged() -> None:
    assert own_origin(0, H, W).enlargement == 1.0


@pytest.mark.parametrize("times", [2, 4])
def test_enlargement_is_how_many_times_larger_things_are(times: int) -> None:
    own = own_origin(0, H, W)
    assert Origin(own.slot, own.place // times).enlargement == pytest.approx(times, rel=1e-3)


def test_borders_between_pictures_do_not_count() -> None:
    """Left half of one picture, right half of another, which lie far apart in them."""
    own = own_origin(0, H, W)
    slot, place = own.slot.copy(), own.place.copy()
    slot[:, W // 2 :] = 3
    place[:, W // 2 :] //= 2
    assert Origin(slot, place).enlargement == pytest.approx(1 / 0.75, rel=0.01)


def test_a_single_place_everywhere_has_a_bounded_enlargement() -> None:
    """As a snapshot that somebody made up may have it."""
    nowhere = Origin(np.zeros((H, W), dtype=np.uint8), np.zeros((H, W, 2), dtype=np.uint16))
    assert nowhere.enlargement == FINE * 64
    lone = Origin(np.arange(H * W, dtype=np.uint8).reshape(H, W), nowhere.place)
    assert lone.enlargement == 1.0


SIZE = FINE * H, FINE * W


def noise(seed: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3)).astype(np.uint8)


def straight_on(known: tuple[slice, slice]) -> TracedFrame:
    """Every pixel where it was in the keyframe, drawn in grey; the others were not drawn."""
    rows, columns = (grid.astype(np.float32) for grid in np.mgrid[: SIZE[0], : SIZE[1]])
    mask = np.zeros(SIZE, dtype=np.float32)
    mask[known] = 1.0
    grey = np.full((*SIZE, 3), 128, dtype=np.uint8)
    return TracedFrame(grey, mask, columns, rows, mask.copy())


def test_what_is_followed_has_the_colours_of_the_picture_that_showed_it() -> None:
    picture, inner = noise(1), (slice(2, -2), slice(2, -2))
    patch = followed(straight_on((slice(None), slice(None))), own_origin(4, H, W), {4: picture})
    np.testing.assert_array_equal(patch.picture[inner], picture[inner])
    assert (patch.slot == 4).all()
    np.testing.assert_array_equal(patch.origin(9).place, own_origin(4, H, W).place)


@pytest.mark.parametrize(
    "known", [(slice(5, 40), slice(60, 128)), (slice(9, 10), slice(3, 4)), (slice(0, 0), slice(0))]
)
def test_a_part_of_a_frame_is_followed_as_the_whole_is(known: tuple[slice, slice]) -> None:
    origin, picture = own_origin(4, H, W), noise(1)
    part, whole = (
        followed(straight_on(known), origin, {4: picture}),
        followed(straight_on((slice(None), slice(None))), origin, {4: picture}),
    )
    outside = part.mask == 0.0
    assert (part.slot[outside] == OWN).all()
    np.testing.assert_array_equal(part.slot[~outside], whole.slot[~outside])
    np.testing.assert_array_equal(part.x[~outside], whole.x[~outside])
    np.testing.assert_array_equal(part.y[~outside], whole.y[~outside])


def test_joining_takes_nothing_of_what_is_not_missing() -> None:
    mask = np.ones(SIZE, dtype=np.float32)
    mask[:, 90:] = 0.0
    front = replace(drawn_patch(noise(1)), mask=mask)
    behind = drawn_patch(noise(2))
    blackened = replace(
        behind, picture=behind.picture * front.missing[..., None], mask=front.missing.astype(np.float32)
    )
    joint, same = joined(front, behind), joined(front, blackened)
    np.testing.assert_array_equal(joint.picture, same.picture)
    np.testing.assert_array_equal(joint.slot, same.slot)
    assert 0.25 < front.missing.mean() < 0.4
