"""Numbers of pictures, uint8 [h, w, 3], and of pairs of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluation.trials import Picture

MOST_PSNR: Final = 50.0  # dB, also of equal pictures, so that means exist
_FRAGMENT: Final = 24  # pixels
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2


def psnr(picture: Picture, truth: Picture) -> float:
    """dB over all colours of all pixels, at most `MOST_PSNR`."""
    error = float(np.square(picture.astype(np.float32) - truth).mean())
    return min(MOST_PSNR, 10.0 * math.log10(255.0**2 / error)) if error else MOST_PSNR


def ssim(picture: Picture, truth: Picture) -> float:
    """Structural similarity of luminance (Wang et al., 2004), Gaussian windows of 11 pixels, sigma 1.5."""
    a, b = _grey(picture), _grey(truth)
    mean_a, mean_b = _blurred(a), _blurred(b)
    spread_a, spread_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    likeness = (2.0 * mean_a * mean_b + _C1) * (2.0 * both + _C2)
    return float((likeness / ((mean_a**2 + mean_b**2 + _C1) * (spread_a + spread_b + _C2))).mean())


def sharpness(picture: Picture) -> float:
    """Mean magnitude of the luminance's gradient, grey levels a pixel. Detail raises it, and so does noise."""
    grey = _grey(picture)
    across, down = np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]
    return float(np.hypot(across, down).mean())


def fragments(picture: Picture) -> int:
    """How many edges are pieces of under 24 pixels, at twice the size: what is torn has more of them than the truth."""
    large = cv2.resize(_grey(picture), None, fx=2.0, fy=2.0, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(cv2.Canny(large, 60, 120), connectivity=8)
    return int((found[1:, cv2.CC_STAT_AREA] < _FRAGMENT).sum())


def laplacian_energy(picture: Picture) -> float:
    """Mean square of the luminance's Laplacian: detail of one or two pixels."""
    return float(np.square(cv2.Laplacian(_grey(picture), cv2.CV_32F)).mean())


def brightness(picture: Picture) -> float:
    """Mean luminance, 0 to 1."""
    return float(_grey(picture).mean()) / 255.0


def contrast(picture: Picture) -> float:
    """Standard deviation of luminance, 0 to 1/2."""
    return float(_grey(picture).std()) / 255.0


def change(before: Picture, after: Picture) -> float:
    """Mean absolute difference of colours, 0 to 1."""
    return float(np.abs(after.astype(np.int16) - before).mean()) / 255.0


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Pearson's; None where one of them does not vary."""
    if min(float(a.std()), float(b.std())) < 1e-9:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def gain(commanded: NDArray[np.float64], measured: NDArray[np.float64]) -> float | None:
    """The slope of measured over commanded, through zero; None where nothing was commanded."""
    power = float(np.square(commanded).sum())
    return float((commanded * measured).sum()) / power if power > 1e-9 else None


def _grey(picture: Picture) -> NDArray[np.float32]:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _blurred(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.GaussianBlur(grey, (11, 11), 1.5).astype(np.float32)
