"""FLIP against figures of its authors' own program (flip-evaluator 1.7, 67 pixels per degree)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from training.evaluation.flip import flip

if TYPE_CHECKING:
    from training.evaluation.trials import Picture


def picture() -> Picture:
    """Coloured blocks with noise: large and small structure."""
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 255, (8, 14, 3)).repeat(16, axis=0).repeat(16, axis=1)
    return np.clip(blocks + rng.normal(0.0, 12.0, blocks.shape), 0, 255).astype(np.uint8)


def plain(red: int, green: int, blue: int) -> Picture:
    return np.full((40, 60, 3), (red, green, blue), dtype=np.uint8)


def test_alike_is_nothing() -> None:
    assert flip(picture(), picture()) == 0.0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (np.roll(picture(), 3, axis=1), 0.3763),
        (np.asarray(cv2.GaussianBlur(picture(), (0, 0), 2.0), dtype=np.uint8), 0.2659),
        ((picture() // 2 + 40).astype(np.uint8), 0.6644),
        (picture()[:, :, ::-1].copy(), 0.6011),
    ],
    ids=["moved", "blurred", "dim", "other colours"],
)
def test_figures_are_those_of_its_authors(changed: Picture, expected: float) -> None:
    assert flip(changed, picture()) == pytest.approx(expected, abs=0.002)


def test_green_against_blue_is_the_greatest_difference() -> None:
    assert flip(plain(0, 255, 0), plain(0, 0, 255)) == pytest.approx(1.0, abs=1e-6)
    assert flip(plain(0, 0, 0), plain(255, 255, 255)) == pytest.approx(0.9672, abs=0.002)
