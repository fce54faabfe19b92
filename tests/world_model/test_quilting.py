"""A picture that is continued all around by pieces of itself."""

from __future__ import annotations

import numpy as np

from world_model.quilting import OVERLAP, STEP, Floats, quilted, seam_between, surrounding_columns

H, W, TOTAL = 32, 5 * OVERLAP, 16 * OVERLAP


def stripes(period: int) -> Floats:
    """Posts that stand at equal distances before a wall that grows lighter downwards."""
    wall = np.linspace(60.0, 120.0, H, dtype=np.float32)[:, None, None]
    post = (np.arange(W) % period < period // 2).astype(np.float32)[None, :, None]
    return np.ascontiguousarray(np.broadcast_to(wall + 80.0 * post, (H, W, 3)), dtype=np.float32)


def test_the_picture_comes_first_and_goes_on_at_its_own_columns() -> None:
    columns = surrounding_columns(stripes(48), TOTAL)
    assert columns.shape == (TOTAL,)
    np.testing.assert_array_equal(columns[:W], np.arange(W))
    assert columns.min() == 0
    assert columns.max() == W - 1


def test_nothing_is_mirrored() -> None:
    """Inside of a piece columns only run forward."""
    columns = surrounding_columns(stripes(48), TOTAL)
    runs = np.diff(columns)
    assert set(np.unique(runs[runs > -OVERLAP]).tolist()) <= {1, *range(OVERLAP, W)}
    assert int((runs != 1).sum()) < TOTAL // (2 * OVERLAP)


def test_jumps_keep_the_step_of_what_repeats() -> None:
    """Posts go on at the distance that they have, also around the back to the picture's left edge."""
    period = 8 * STEP  # fits into the whole
    picture = stripes(period)
    around = quilted(picture, surrounding_columns(picture, TOTAL))
    assert around.shape == (H, TOTAL, 3)
    np.testing.assert_allclose(around, around[:, np.arange(period, TOTAL + period) % TOTAL], atol=3.0)


def test_what_is_there_but_once_is_not_repeated() -> None:
    picture = stripes(32)
    picture[:, W - 30 : W - 10] = (250.0, 20.0, 20.0)
    columns = surrounding_columns(picture, TOTAL)[W:]
    assert not ((columns >= W - 30) & (columns < W - 10)).any()


def test_the_same_picture_is_always_continued_alike() -> None:
    picture = np.random.default_rng(3).uniform(0.0, 255.0, (H, W, 3)).astype(np.float32)
    first, second = (surrounding_columns(picture.copy(), TOTAL) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert quilted(picture, first).tobytes() == quilted(picture, second).tobytes()


def test_one_colour_stays_one_colour() -> None:
    picture = np.full((H, W, 3), 77.0, dtype=np.float32)
    np.testing.assert_allclose(quilted(picture, surrounding_columns(picture, TOTAL)), 77.0, atol=1e-3)


def test_a_seam_goes_where_two_pictures_agree() -> None:
    error = np.full((64, OVERLAP), 50.0, dtype=np.float32)
    path = 20.0 + 8.0 * np.sin(np.arange(64) / 12.0)
    error[np.abs(np.arange(OVERLAP)[None, :] - path[:, None]) < 3.0] = 0.0
    assert float(np.abs(seam_between(error) - path)[4:-4].max()) < 6.0
