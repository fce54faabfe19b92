"""The measures of the evaluation on pictures whose figures are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.evaluation.measures import (
    MOST_PSNR,
    brightness,
    change,
    contrast,
    correlation,
    fragments,
    gain,
    laplacian_energy,
    psnr,
    sharpness,
    ssim,
)

NOISE = np.random.default_rng(0).integers(60, 190, (48, 64, 3)).astype(np.uint8)
GREY = np.full((48, 64, 3), 100, dtype=np.uint8)


def test_equal_pictures_have_the_best_scores() -> None:
    assert psnr(NOISE, NOISE) == MOST_PSNR
    assert ssim(NOISE, NOISE) == pytest.approx(1.0)
    assert change(NOISE, NOISE) == 0.0


def test_an_offset_of_ten_levels_is_28_dB() -> None:  # noqa: N802 - the unit's name
    assert psnr(GREY + np.uint8(10), GREY) == pytest.approx(28.13, abs=0.01)
    assert change(GREY, GREY + np.uint8(10)) == pytest.approx(10 / 255)


def test_ssim_sees_structure_that_is_lost_and_forgives_light() -> None:
    assert ssim(np.asarray(cv2.GaussianBlur(NOISE, (9, 9), 2.0), dtype=np.uint8), NOISE) < 0.5
    assert ssim(NOISE + np.uint8(10), NOISE) > 0.95


def test_blur_is_less_sharp_and_grey_not_at_all() -> None:
    assert sharpness(GREY) == 0.0
    assert sharpness(np.asarray(cv2.GaussianBlur(NOISE, (5, 5), 1.0), dtype=np.uint8)) < 0.5 * sharpness(NOISE)
    ramp = np.repeat(np.arange(0, 128, 2, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(48, axis=0)
    assert sharpness(ramp) == pytest.approx(2.0)


def test_light_and_contrast() -> None:
    halves = GREY.copy()
    halves[:, 32:] = 200
    assert brightness(GREY) == pytest.approx(100 / 255)
    assert contrast(GREY) == 0.0
    assert (brightness(halves), contrast(halves)) == pytest.approx((150 / 255, 50 / 255))


def test_gain_and_correlation_of_a_weaker_answer() -> None:
    wanted = np.linspace(-1.0, 1.0, 21)
    assert gain(wanted, 0.5 * wanted) == pytest.approx(0.5)
    assert correlation(wanted, 0.5 * wanted + 3.0) == pytest.approx(1.0)


def test_constants_have_no_correlation() -> None:
    nothing = np.zeros(5)
    assert correlation(nothing, np.arange(5.0)) is None
    assert gain(nothing, np.arange(5.0)) is None
    assert gain(np.arange(5.0), nothing) == 0.0


def test_torn_pictures_have_fragments() -> None:
    whole = np.full((48, 64, 3), 60, dtype=np.uint8)
    whole[10:40, 20:50] = 200
    torn = whole.copy()
    for x in range(4, 60, 8):
        torn[44:46, x : x + 2] = 240
    assert fragments(whole) == 0
    assert fragments(torn) >= 6


def test_blur_lowers_the_laplacian_energy() -> None:
    blurred = cv2.GaussianBlur(NOISE, (3, 3), 0.8).astype(np.uint8)
    assert laplacian_energy(GREY) == 0.0
    assert laplacian_energy(blurred) < 0.5 * laplacian_energy(NOISE)
