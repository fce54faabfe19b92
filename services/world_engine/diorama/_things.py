"""The things of a landscape as flat cut-outs, and the picture without them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.world_engine.diorama._cut import FAR, STEP, foot_distance
from services.world_engine.diorama._fill import fill_rows, mix_in
from services.world_engine.diorama._geometry import TILE_ANGLE
from services.world_engine.diorama.constants import FOCAL, HALF_FOV, HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._cut import Cut
    from services.world_engine.diorama._geometry import Field
    from services.world_engine.world_engine import Picture

_MARGIN: Final = 3 * STEP  # pixels of a cut-out around what the cut says
_BAND: Final = 9  # pixels across an outline in which things are see-through
_HIDDEN: Final = 21  # pixels: width of the disc by which the hole in the background exceeds the things
_MIDDLE: Final = (WIDTH - 1) / 2


@dataclass(frozen=True, slots=True)
class Sprite:
    """A thing that stands upright. Its plane is that of the picture, `ahead` metres away.

    `rgba` is uint8 [h, w, 4], colours multiplied by alpha. `left` and `right` are metres from the picture's axis, `top`
    and `bottom` metres above the eye.
    """

    rgba: NDArray[np.uint8]
    ahead: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def azimuth(self) -> float:
        return math.atan2((self.left + self.right) / 2, self.ahead)

    @property
    def half_width(self) -> float:
        return (self.right - self.left) / 2


@dataclass(frozen=True, slots=True)
class Stand:
    """A place where a sprite stands, in metres from the start; `sprite` is its index."""

    sprite: int
    x: float
    z: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Things:
    sprites: tuple[Sprite, ...] = ()
    stands: tuple[Stand, ...] = ()


NO_THINGS: Final = Things()


def take_apart(picture: Picture, cut: Cut, horizon: float) -> tuple[Picture, Things]:
    """The picture without its things, and the things."""
    if not cut.count:
        return picture, NO_THINGS
    background = _background(picture, cut)
    found = [_sprite(picture, background, cut.labels == name, horizon) for name in range(1, cut.count + 1)]
    sprites = tuple(sprite for sprite, _ in found)
    stands = tuple(stand for index, (sprite, side) in enumerate(found) for stand in _stands(index, sprite, side))
    return background, Things(sprites, stands)


def _background(picture: Picture, cut: Cut) -> Picture:
    """The picture as it may look behind its things."""
    half = np.asarray(cv2.resize(picture, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HIDDEN // 2, _HIDDEN // 2))
    labels = cv2.resize(cut.labels, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_NEAREST)
    hole = cv2.dilate(((labels > 0) & (labels != FAR)).astype(np.uint8), disc)
    unlike = (hole > 0) | (cv2.dilate(labels, disc) > 0)  # other things are no background either
    soft = cv2.resize(cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.5), (WIDTH, HEIGHT))
    share = np.asarray(np.clip(2.0 * soft - 0.5, 0.0, 1.0), dtype=np.float32)
    return mix_in(picture, fill_rows(half, unlike), share)


def _sprite(picture: Picture, background: Picture, thing: NDArray[np.bool_], horizon: float) -> tuple[Sprite, int]:
    """A thing, and the side of the picture that cuts it off: -1, 1 or 0.

    What is cut off is completed by its mirror image, since it could not stand there by half.
    """
    rows, columns = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    top, bottom = max(0, int(rows[0]) * STEP - _MARGIN), min(HEIGHT, int(rows[-1] + 1) * STEP + _MARGIN)
    left, right = max(0, int(columns[0]) * STEP - _MARGIN), min(WIDTH, int(columns[-1] + 1) * STEP + _MARGIN)
    side = -1 if columns[0] == 0 else 1 if columns[-1] == thing.shape[1] - 1 else 0
    window = slice(top, bottom), slice(left, right)
    alpha = _alpha(picture[window], background[window], _enlarged(thing, top, bottom, left, right))
    rgba = premultiplied(picture[window], background[window], alpha)
    width = right - left
    if side > 0:
        rgba, right = np.concatenate([rgba, rgba[:, ::-1]], axis=1), right + width
    elif side < 0:
        rgba, left = np.concatenate([rgba[:, ::-1], rgba], axis=1), left - width
    ahead = foot_distance(float(rows[-1] + 1) * STEP, horizon)
    metre = ahead / FOCAL
    return Sprite(
        rgba=np.ascontiguousarray(rgba),
        ahead=ahead,
        left=(left - 0.5 - _MIDDLE) * metre,
        right=(right - 0.5 - _MIDDLE) * metre,
        top=(horizon - top + 0.5) * metre,
        bottom=(horizon - bottom + 0.5) * metre,
    ), side


def _enlarged(thing: NDArray[np.bool_], top: int, bottom: int, left: int, right: int) -> Field:
    """How much each pixel of a window belongs to the thing, 0 to 1, as far as the cut says."""
    whole = thing[top // STEP : -(-bottom // STEP), left // STEP : -(-right // STEP)].astype(np.float32)
    large = cv2.resize(whole, None, fx=STEP, fy=STEP, interpolation=cv2.INTER_LINEAR)
    row, column = top - top // STEP * STEP, left - left // STEP * STEP
    return np.asarray(large[row : row + bottom - top, column : column + right - left], dtype=np.float32)


def _alpha(picture: Picture, background: Picture, rough: Field) -> Field:
    """Opacity, 0 to 1: about the rough outline, how far a pixel's colour lies from the background's to the thing's."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BAND, _BAND))
    solid = (rough > 0.5).astype(np.uint8)
    inner, outer = cv2.erode(solid, disc, borderValue=1), cv2.dilate(solid, disc)
    inside = (inner if inner.any() else solid).astype(np.float32)
    weight = cv2.blur(inside, (25, 25))
    colours = picture.astype(np.float32)
    colour = cv2.blur(colours * inside[..., None], (25, 25)) / np.maximum(weight, 1e-4)[..., None]
    away = np.asarray(np.where(weight[..., None] > 0.005, colour, colours) - background, dtype=np.float32)
    share = _dot(colours - background, away) / (_dot(away, away) + 60.0)
    soft = cv2.GaussianBlur(rough, (0, 0), 1.5)
    doubtful = np.clip(0.6 * np.clip(1.3 * share - 0.1, 0.0, 1.0) + 0.4 * np.clip(2.0 * soft - 0.5, 0.0, 1.0), 0.0, 1.0)
    alpha = np.where(inner > 0, 1.0, np.where(outer > 0, doubtful, 0.0))
    return np.asarray(cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.7), dtype=np.float32)


def _dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scalar product of each pixel's colours. `sum` takes ten times as long over so short an axis."""
    red, green, blue = cv2.split(one * other)
    return np.asarray(red + green + blue, dtype=np.float32)


def premultiplied(picture: Picture, background: Picture, alpha: Field) -> NDArray[np.uint8]:
    """Colours that give the picture again when they are laid over the background."""
    opacity = alpha[..., None]
    colours = np.clip(picture - (1.0 - opacity) * background, 0.0, 255.0 * opacity)
    return np.rint(np.concatenate([colours, 255.0 * opacity], axis=2)).astype(np.uint8)


def _stands(index: int, sprite: Sprite, side: int) -> list[Stand]:
    """Where a thing stands around the start: once in the picture, and in the mirror images that surround it.

    What the picture's edge cuts off stands on that edge, which two neighbouring images share.
    """
    if side:
        places = [(side * HALF_FOV, False), (-side * (HALF_FOV + TILE_ANGLE), False)]
        ahead = sprite.ahead / math.cos(HALF_FOV)
    else:
        azimuth, wide = sprite.azimuth, TILE_ANGLE / (2.0 * HALF_FOV)
        places = [
            (azimuth, False),
            (HALF_FOV + (HALF_FOV - azimuth) * wide, True),
            (-HALF_FOV - (HALF_FOV + azimuth) * wide, True),
            (HALF_FOV + TILE_ANGLE + (HALF_FOV + azimuth) * wide, False),
        ]
        ahead = sprite.ahead / math.cos(azimuth)
    return [
        Stand(index, ahead * math.sin(azimuth), ahead * math.cos(azimuth), mirrored) for azimuth, mirrored in places
    ]
