"""Timber houses under snow, seen from the front: walls, roof, lit windows, chimney with smoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from assets.seed_painter._ground import EYE, FOCAL
from assets.seed_painter._plants import fill
from assets.seed_painter.canvas import WIDTH, halo, noise, paint, shine, smooth

if TYPE_CHECKING:
    from assets.seed_painter.canvas import Colour, Field

_WOODS: Final[tuple[Colour, ...]] = ((0.25, 0.14, 0.11), (0.29, 0.20, 0.16), (0.20, 0.15, 0.16))
_AIR: Final = np.array((0.55, 0.56, 0.74))


@dataclass(frozen=True, slots=True)
class House:
    """A house: the centre of its front, distance, width and wall height (m), on ground with a given horizon row."""

    middle: float
    away: float
    wide: float
    tall: float
    horizon: float

    @property
    def ridge(self) -> float:
        return self.tall + 0.42 * self.wide

    @property
    def scale(self) -> float:
        return FOCAL / self.away

    @property
    def seen_side(self) -> int:
        """The side wall that is visible from the middle of the picture: 1 is the right one."""
        return -1 if self.middle > 0 else 1

    def at(self, across: float, up: float, back: float = 0.0) -> tuple[float, float]:
        """Project a point of the house (metres from the foot of its centre) to final pixels."""
        scale = FOCAL / (self.away + back)
        return WIDTH / 2 + (self.middle + across) * scale, self.horizon - (up - EYE) * scale

    def tone(self, colour: Colour) -> Colour:
        """A colour as it appears through the haze in front of the house."""
        fog = min(0.45, self.away / 85)
        mixed = np.array(colour) * (1 - fog) + _AIR * fog
        return float(mixed[0]), float(mixed[1]), float(mixed[2])

    def covers(self, across: float, away: float) -> bool:
        return abs(across - self.middle) < self.wide * 0.62 and -2.5 < away - self.away < 6.0


def paint_house(picture: Field, x: Field, y: Field, house: House, seed: int) -> None:
    _walls(picture, house, _WOODS[seed % len(_WOODS)])
    _roof(picture, house)
    half = house.wide / 2
    for across, low, wide, high in ((-0.55, 0.30, 0.42, 0.62), (0.55, 0.30, 0.42, 0.62), (0.0, 1.0, 0.36, 0.5)):
        _window(picture, house, across * half, low * house.tall, wide, high)
    _block(picture, house, (-0.62, 0.0, 0.62, 2.15), (0.13, 0.08, 0.07))
    _block(picture, house, (-0.5, 0.0, 0.5, 2.0), (0.38, 0.13, 0.10))
    _block(picture, house, (-0.26, 1.25, 0.26, 1.75), (1.0, 0.72, 0.36))
    _drift(picture, x, y, house, seed)
    for across in (-0.55 * half, 0.0, 0.55 * half):
        shine(picture, (1.0, 0.56, 0.22), 0.20 * halo(x, y, house.at(across, 0.45 * house.tall), 0.9 * house.scale))
    _smoke(picture, x, y, house, seed)


def _polygon(picture: Field, points: list[tuple[float, float]], colour: Colour) -> None:
    fill(picture, np.array(points), colour)


def _block(picture: Field, house: House, box: tuple[float, float, float, float], colour: Colour) -> None:
    """A rectangle on the front: left, bottom, right, top in metres."""
    left, bottom, right, top = box
    corners = [house.at(left, bottom), house.at(right, bottom), house.at(right, top), house.at(left, top)]
    _polygon(picture, corners, colour)


def _walls(picture: Field, house: House, wood: Colour) -> None:
    half, tall, deep, side = house.wide / 2, house.tall, 1.1 * house.wide, house.seen_side
    shade = house.tone((0.11, 0.10, 0.16))
    corner = [house.at(side * half, 0), house.at(side * half, tall)]
    _polygon(picture, [*corner, house.at(side * half, tall, deep), house.at(side * half, 0, deep)], shade)
    front = [
        house.at(-half, 0),
        house.at(half, 0),
        house.at(half, tall),
        house.at(0, house.ridge),
        house.at(-half, tall),
    ]
    _polygon(picture, front, house.tone(wood))
    rng = np.random.default_rng(int(house.away * 10))
    for plank in np.arange(-half, half - 0.1, 0.26):
        across = float(plank)
        top = tall + (house.ridge - tall) * (1 - abs(across + 0.12) / half)
        light = float(rng.uniform(0.75, 1.2))
        colour = house.tone((wood[0] * light, wood[1] * light, wood[2] * light))
        _block(picture, house, (across, 0.0, across + 0.22, top - 0.05), colour)
    _block(picture, house, (-half, 0.0, half, 0.45), house.tone((0.16, 0.15, 0.20)))


def _roof(picture: Field, house: House) -> None:
    half, ridge, deep, side = house.wide / 2, house.ridge, 1.1 * house.wide, house.seen_side
    eave, low = half + 0.55, house.tall - 0.5 * (ridge - house.tall) / half
    stack = ((-0.3, -0.9), (0.3, -0.9), (0.3, 1.0), (-0.3, 1.0))
    cap = ((-0.38, 1.0), (0.38, 1.0), (0.38, 1.22), (-0.38, 1.22))
    for shape, colour in ((stack, (0.17, 0.13, 0.16)), (cap, (0.80, 0.84, 0.95))):
        corners = [house.at(-0.34 * half * side + right, ridge + up - 0.3, 1.5) for right, up in shape]
        _polygon(picture, corners, house.tone(colour))
    slope = [house.at(0, ridge + 0.2, -0.5), house.at(side * eave, low + 0.2, -0.5)]
    far = [house.at(side * eave, low + 0.2, deep), house.at(0, ridge + 0.2, deep)]
    _polygon(picture, slope + far, house.tone((0.52, 0.61, 0.84)))
    for edge in (-1, 1):
        tone = (0.86, 0.89, 0.98) if edge == side else (0.70, 0.77, 0.93)
        upper, lower = house.at(0, ridge + 0.55, -0.5), house.at(edge * eave, low + 0.38, -0.5)
        under = [house.at(edge * (eave + 0.06), low - 0.02, -0.5), house.at(0, ridge + 0.08, -0.5)]
        _polygon(picture, [upper, lower, *under], house.tone(tone))
        board = [house.at(edge * (eave - 0.05), low - 0.22, -0.45), house.at(0, ridge - 0.14, -0.45)]
        _polygon(picture, [under[1], under[0], *board], house.tone((0.12, 0.08, 0.09)))


def _window(picture: Field, house: House, across: float, low: float, wide: float, high: float) -> None:
    """Paint a frame, four panes that are brighter at the bottom, and a sill with snow."""
    frame = (across - wide - 0.10, low - 0.10, across + wide + 0.10, low + 2 * high + 0.10)
    _block(picture, house, frame, house.tone((0.50, 0.48, 0.55)))
    for left in (across - wide, across + 0.03):
        for row, warmth in ((0, 1.0), (1, 0.88)):
            bottom = low + row * (high + 0.03)
            _block(
                picture,
                house,
                (left, bottom, left + wide - 0.03, bottom + high - 0.03),
                (warmth, 0.76 * warmth, 0.38 * warmth),
            )
    _block(
        picture,
        house,
        (across - wide - 0.16, low - 0.20, across + wide + 0.16, low - 0.08),
        house.tone((0.84, 0.87, 0.97)),
    )


def _drift(picture: Field, x: Field, y: Field, house: House, seed: int) -> None:
    """Snow piled up against the foot of the house."""
    foot = house.at(0, 0)
    bank = 0.40 + 0.10 * noise(70 + seed, 60, 60, octaves=5)
    inside = smooth(house.wide * 0.80, house.wide * 0.60, np.abs(x - foot[0]) / house.scale)
    mask = smooth(-0.03, 0.05, (y - foot[1]) / house.scale + bank * inside) * smooth(
        0.5, 0.05, (y - foot[1]) / house.scale
    )
    paint(picture, house.tone((0.56, 0.63, 0.84)), mask * inside)


def _smoke(picture: Field, x: Field, y: Field, house: House, seed: int) -> None:
    top = house.at(-0.34 * house.wide / 2 * house.seen_side, house.ridge + 0.9, 1.5)
    rise = np.maximum((top[1] - y) / house.scale, 0.0)
    sway = 0.10 * rise**1.5 + 0.22 * np.sin(rise * 1.3 + seed) * np.clip(rise / 3, 0, 1)
    width = house.scale * (0.20 + 0.16 * rise)
    puff = np.exp(-(((x - top[0] - house.scale * sway) / width) ** 2)) * smooth(0, 0.4, rise) * smooth(9, 2, rise)
    paint(picture, (0.66, 0.66, 0.80), 0.42 * puff * np.clip(0.8 + 0.3 * noise(60 + seed, 24, octaves=5), 0, 1))
