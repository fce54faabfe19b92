"""FLIP: how different two pictures look to a person who flips between them, 0 (alike) to 1.

Written from P. Andersson, J. Nilsson, T. Akenine-Möller, M. Oskarsson, K. Åström and M. D. Fairchild: "FLIP: A
Difference Evaluator for Alternating Images", Proceedings of the ACM on Computer Graphics and Interactive Techniques
3(2), 2020. Constants are the paper's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from training.evaluation.trials import Picture

Floats = np.ndarray[Any, np.dtype[np.float64]]

_PIXELS_PER_DEGREE: Final = 67.0  # a screen of 0.7 m and 3840 pixels, seen from 0.7 m
# Contrast sensitivity by channel, luminance, red-green and blue-yellow: sums of a Gaussian a * exp(-pi^2 x^2 / b) each.
_SENSITIVITY: Final = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
_WIDEST_B: Final = 0.04
_COLOUR_POWER: Final = 0.7
_KNEE_FROM: Final = 0.4  # of the largest colour difference
_KNEE_TO: Final = 0.95
_FEATURE_DEGREES: Final = 0.082
_FEATURE_POWER: Final = 0.5


def flip(picture: Picture, truth: Picture) -> float:
    """The mean over the pixels of two pictures, uint8 [h, w, 3] of sRGB."""
    ours, true = _opponent(_linear(picture)), _opponent(_linear(truth))
    colour = _redistributed(_colour_difference(_seen(ours), _seen(true)))
    feature = _feature_difference((ours[..., 0] + 16.0) / 116.0, (true[..., 0] + 16.0) / 116.0)
    return float((colour ** (1.0 - feature)).mean())


def _linear(picture: Picture) -> Floats:
    value = picture.astype(np.float64) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _to_xyz() -> Floats:
    """Linear sRGB to XYZ, with a white of (1, 1, 1) of sRGB in its row sums."""
    return np.array(
        (
            (10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794),
            (2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897),
            (1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382),
        )
    )


def _opponent(linear: Floats) -> Floats:
    """YCxCz: luminance, red against green, blue against yellow."""
    matrix = _to_xyz()
    x, y, z = np.moveaxis(linear @ matrix.T / matrix.sum(axis=1), -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def _from_opponent(opponent: Floats) -> Floats:
    """Linear sRGB."""
    matrix = _to_xyz()
    y = (opponent[..., 0] + 16.0) / 116.0
    xyz = np.stack([y + opponent[..., 1] / 500.0, y, y - opponent[..., 2] / 200.0], axis=-1) * matrix.sum(axis=1)
    return xyz @ np.linalg.inv(matrix).T


def _seen(opponent: Floats) -> Floats:
    """What the eye makes of a picture, in Hunt-adjusted CIELAB."""
    reach = math.ceil(3.0 * math.sqrt(_WIDEST_B / (2.0 * math.pi**2)) * _PIXELS_PER_DEGREE)
    away = np.arange(-reach, reach + 1) / _PIXELS_PER_DEGREE
    distance2 = np.square(away)[:, None] + np.square(away)[None, :]
    channels: list[Floats] = []
    for channel, terms in enumerate(_SENSITIVITY):
        kernel = sum((a * math.pi / b * np.exp(-(math.pi**2) * distance2 / b) for a, b in terms), np.zeros(()))
        channels.append(_filtered(opponent[..., channel], kernel / kernel.sum()))
    return _hunt(_lab(_from_opponent(np.stack(channels, axis=-1)).clip(0.0, 1.0)))


def _lab(linear: Floats) -> Floats:
    matrix = _to_xyz()
    relative: Floats = linear @ matrix.T / matrix.sum(axis=1)
    delta = 6.0 / 29.0
    bent: Floats = np.where(relative > delta**3, np.cbrt(relative), relative / (3.0 * delta**2) + 4.0 / 29.0)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def _hunt(lab: Floats) -> Floats:
    """Colours are the more vivid, the more light there is."""
    light = lab[..., :1]
    return np.concatenate([light, 0.01 * light * lab[..., 1:]], axis=-1)


def _colour_difference(one: Floats, other: Floats) -> Floats:
    """HyAB, to the power that makes large differences count less."""
    difference = one - other
    return (np.abs(difference[..., 0]) + np.hypot(difference[..., 1], difference[..., 2])) ** _COLOUR_POWER


def _redistributed(difference: Floats) -> Floats:
    """From 0 to 1, where 1 is green against blue; what lies above a knee shares the last twentieth."""
    green, blue = (_hunt(_lab(np.array(colour))) for colour in ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    most = float(_colour_difference(green, blue))
    knee = _KNEE_FROM * most
    above = _KNEE_TO + (difference - knee) / (most - knee) * (1.0 - _KNEE_TO)
    return np.where(difference < knee, _KNEE_TO / knee * difference, above)


def _feature_difference(ours: Floats, true: Floats) -> Floats:
    """Edges and points of the luminance that one of the pictures has and the other has not, 0 to 1."""
    deviation = 0.5 * _FEATURE_DEGREES * _PIXELS_PER_DEGREE
    reach = math.ceil(3.0 * deviation)
    away = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-(away[:, None] ** 2 + away[None, :] ** 2) / (2.0 * deviation**2))
    edge, point = -away[None, :] * bell, (away[None, :] ** 2 / deviation**2 - 1.0) * bell
    found: list[Floats] = []
    for kernel in (edge, point):
        above, below = float(kernel.clip(min=0.0).sum()), float(-kernel.clip(max=0.0).sum())
        even: Floats = kernel.clip(min=0.0) / above + kernel.clip(max=0.0) / below
        sizes = [np.hypot(_filtered(grey, even), _filtered(grey, even.T)) for grey in (ours, true)]
        found.append(np.abs(sizes[0] - sizes[1]))
    return (np.maximum(found[0], found[1]) / math.sqrt(2.0)).clip(0.0, 1.0) ** _FEATURE_POWER


def _filtered(channel: Floats, kernel: Floats) -> Floats:
    return np.asarray(cv2.filter2D(channel, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.float64)
