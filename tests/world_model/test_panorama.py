"""What lies where nobody has looked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from world_model.config import ModelConfig
from world_model.layers import FINE, layer_sized
from world_model.origins import OWN, Patch, drawn_patch, joined, parted
from world_model.panorama import Bytes, Look, Panorama, continued_up_and_down
from world_model.wide_view import WideView

CONFIG = ModelConfig(height=32, width=128)
H, W = FINE * CONFIG.height, FINE * CONFIG.width
VIEW = WideView(CONFIG)


def landscape() -> Bytes:
    """Sky, ground, and trees of many widths and colours."""
    rng = np.random.default_rng(5)
    picture = np.empty((H, W, 3), dtype=np.uint8)
    picture[: H // 2], picture[H // 2 :] = (120, 160, 220), (90, 140, 60)
    at = 6
    while at < W - 8:
        wide = int(rng.integers(4, 12))
        picture[H // 4 : H // 2 + 8, at : at + wide] = rng.integers(0, 90, 3)
        at += wide + int(rng.integers(6, 24))
    return picture


def seen_up_to(picture: Bytes, column: int) -> Patch:
    mask = np.zeros(picture.shape[:2], dtype=np.float32)
    mask[:, :column] = 1.0
    return replace(drawn_patch(picture), mask=mask)


def unlike(a: Bytes, b: Bytes) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def middle_known(home: Bytes, column: int) -> Patch:
    """A wide picture of home's place, known up to a column."""
    return seen_up_to(Panorama(CONFIG).wide_ahead(home, 0.0, Look(0.0, 0.0)).picture, column)


def test_straight_on_stands_the_picture_itself() -> None:
    home, panorama, half = landscape(), Panorama(CONFIG), VIEW.shape[1] // 2
    imagined = panorama.imagined(middle_known(home, half), home, 0.0, Look(0.0, 0.0))
    made = panorama.picture(imagined)
    assert unlike(made[:, W // 2 : -40], home[:, W // 2 : -40]) < 6.0  # twice resampled; a seam may lie at the edge
    small, rows = layer_sized(home), VIEW.down.inner
    part = imagined.wide[rows, half : VIEW.across.inner.stop - 20]
    assert unlike(part, small[:, CONFIG.width // 2 : -20]) < 6.0


def test_ahead_is_the_picture_and_nothing_else() -> None:
    home, panorama = landscape(), Panorama(CONFIG)
    straight = panorama.ahead(home, 0.1, Look(0.0, 0.1))
    assert straight.complete
    assert unlike(straight.picture, home) < 0.01
    assert not panorama.ahead(home, 0.0, Look(math.pi, 0.0)).mask.any()
    right = panorama.ahead(home, 0.0, Look(0.5 * CONFIG.fov, 0.0)).mask
    assert bool(right[H // 2, : W // 2 - 2].all())
    assert not right[:, W // 2 + 2 :].any()


def test_the_wide_picture_ahead_is_the_picture_in_its_middle_and_nothing_else() -> None:
    home = landscape()
    straight = Panorama(CONFIG).wide_ahead(home, 0.1, Look(0.0, 0.1))
    assert unlike(straight.picture[VIEW.inner], layer_sized(home)) < 0.01
    assert float(straight.mask[VIEW.inner].min()) == 1.0
    assert float(straight.mask.sum()) == CONFIG.height * CONFIG.width


def test_it_goes_on_from_what_is_known() -> None:
    """Somebody who has walked away sees the places of the picture elsewhere."""
    home, panorama, half = landscape(), Panorama(CONFIG), VIEW.shape[1] // 2
    nothing = middle_known(home, 0)
    elsewhere = panorama.imagined(nothing, home, 0.0, Look(math.radians(10.0), 0.0)).wide
    made = panorama.imagined(seen_up_to(elsewhere, half), home, 0.0, Look(0.0, 0.0)).wide
    straight = panorama.imagined(nothing, home, 0.0, Look(0.0, 0.0)).wide
    part = VIEW.down.inner, slice(half, half + 25)
    assert unlike(made[part], elsewhere[part]) < 0.5 * unlike(straight[part], elsewhere[part])


def test_the_same_patch_is_always_completed_alike() -> None:
    home, look = landscape(), Look(1.3, 0.2)
    one, same, other = Panorama(CONFIG), Panorama(CONFIG), np.zeros_like(home)
    same.imagined(middle_known(other, 60), other, 0.0, look)  # whatever it was asked before
    first, second = (panorama.imagined(middle_known(home, 60), home, 0.0, look) for panorama in (one, same))
    assert first.wide.tobytes() == second.wide.tobytes()
    assert one.picture(first).tobytes() == same.picture(second).tobytes()


def test_a_full_turn_leads_back_to_the_same() -> None:
    home, panorama = landscape(), Panorama(CONFIG)
    known = seen_up_to(np.zeros((*VIEW.shape, 3), dtype=np.uint8), 0)
    for turn in (0.0, 2.0, 3.1):  # where the circle closes, too
        once, again = (panorama.imagined(known, home, 0.0, Look(turn + round_, 0.0)) for round_ in (0.0, 2.0 * math.pi))
        assert unlike(once.wide, again.wide) < 0.1


def test_any_look_is_completed() -> None:
    home, panorama = landscape(), Panorama(CONFIG)
    for slope in (-2.0, -0.3, 0.4, 2.0):
        for turn in (-3.0, 0.7, 3.1):
            imagined = panorama.imagined(middle_known(home, 30), home, 0.1, Look(turn, slope))
            assert imagined.wide.shape == (*VIEW.shape, 3)
            assert panorama.picture(imagined).shape == (H, W, 3)


def test_above_a_picture_is_its_sky_and_no_mirror_image() -> None:
    home = landscape()
    tall = continued_up_and_down(home, 80)
    assert tall.shape == (H + 160, W, 3)
    np.testing.assert_array_equal(tall[80:-80], home)
    assert float(np.abs(tall[:40] - home[0]).max()) < 8.0


def test_a_patch_is_cut_where_it_agrees_with_what_follows() -> None:
    home = landscape()
    other = home.copy()
    other[:, 100:] = 0
    cut = parted(seen_up_to(home, 120), other)
    assert float(cut.mask[:, :95].min()) == 1.0
    assert float(cut.mask[:, 112:].max()) == 0.0
    whole = joined(cut, drawn_patch(other))
    assert whole.complete
    assert set(np.unique(whole.slot).tolist()) == {OWN}


def test_a_patch_without_borders_is_not_cut() -> None:
    whole = drawn_patch(landscape())
    np.testing.assert_array_equal(parted(whole, np.zeros_like(whole.picture)).mask, whole.mask)
