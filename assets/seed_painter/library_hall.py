"""A vaulted library in one-point perspective: shelves between pillars, lamps, a tall window, polished floor.

Every pixel's ray is intersected with the hall's few planes and its barrel vault. The surfaces are patterns in metres.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from assets.seed_painter._ground import EYE, FOCAL
from assets.seed_painter.canvas import (
    OVERSAMPLING,
    WIDTH,
    Field,
    bloom,
    blur,
    finish,
    grid,
    halo,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "The long library"
DESCRIPTION = "A barrel-vaulted hall of books; lamps along the pillars, a red runner towards the great window."

_HORIZON: Final = 384.0
_HALF: Final = 3.9  # m, half the width of the hall
_SPRING: Final = 4.9  # m, the height at which the vault begins
_LENGTH: Final = 44.0  # m
_BAY: Final = 4.4  # m, from one pillar to the next


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    dx, dy = (x - 640) / FOCAL, (_HORIZON - y) / FOCAL
    walls, roof = _HALF / np.maximum(np.abs(dx), 1e-4), _vault_distance(dx, dy)
    floor = np.where(dy < 0, EYE / np.maximum(-dy, 1e-4), np.inf)
    wall_height = EYE + dy * walls
    away = np.minimum(np.minimum(np.where(wall_height < _SPRING, walls, np.inf), roof), np.minimum(floor, _LENGTH))
    away = away.astype(np.float32)
    across, height = dx * away, EYE + dy * away
    picture = np.zeros((*x.shape, 3), dtype=np.float32)
    on_end, on_floor = away >= _LENGTH - 1e-3, floor <= away + 1e-3
    on_wall = (walls <= away + 1e-3) & (wall_height < _SPRING) & ~on_end
    surfaces = (
        (on_wall, _wall(away, height, across)),
        (~(on_end | on_floor | on_wall), _vault(across, height, away)),
        (on_end, _end(across, height)),
    )
    for mask, surface in surfaces:
        paint(picture, surface, mask.astype(np.float32))
    picture *= _light(across, height, away)[..., None] * np.array((1.0, 0.88, 0.70), dtype=np.float32)
    paint(
        picture, _end(across, height) * np.float32(1.1), (on_end & (_window(across, height) > 0.02)).astype(np.float32)
    )
    _floor(picture, across, away, on_floor.astype(np.float32))
    _air(picture, x, y, away)
    bloom(picture, 0.75, 20.0, 0.6)
    return finish(picture, 15, vignette=0.3)


def _vault_distance(dx: Field, dy: Field) -> Field:
    """Distance along each ray to the cylinder of radius `_HALF` whose axis runs at height `_SPRING`."""
    a = dx**2 + dy**2
    b = -2 * dy * (_SPRING - EYE)
    c = (_SPRING - EYE) ** 2 - _HALF**2
    root = np.maximum(b * b - 4 * a * c, 0)
    away = (-b + np.sqrt(root)) / np.maximum(2 * a, 1e-9)
    return np.where(EYE + dy * away > _SPRING, away, np.inf).astype(np.float32)


def _hash(*numbers: Field) -> Field:
    """Numbers to noise in 0..1."""
    total = sum(number * factor for number, factor in zip(numbers, (12.9898, 78.233, 37.719), strict=False))
    value = np.sin(total) * 43758.5453
    return (value - np.floor(value)).astype(np.float32)


def _wall(away: Field, height: Field, across: Field) -> Field:
    """Shelves between pillars; a cornice above."""
    side = np.sign(across)
    bay, place = np.floor(away / _BAY), np.mod(away, _BAY)
    shelf, level = np.floor((height - 0.35) / 0.40), np.mod(height - 0.35, 0.40)
    run = place / 0.062 + 2.0 * _hash(shelf, bay, side)
    wander = run + 0.5 * np.sin(run * 0.7 + shelf * 3.1) + 0.3 * np.sin(run * 1.9 + bay)
    book, spine = np.floor(wander), wander - np.floor(wander)
    pick, tone = _hash(book, shelf + 17 * bay, side), _hash(book + 5, shelf, bay)
    cover = ramp(
        pick,
        [
            (0, "6b2420"),
            (0.2, "8c4a2a"),
            (0.35, "2f4a3c"),
            (0.5, "a7814a"),
            (0.65, "33435f"),
            (0.8, "5a3038"),
            (1, "c9ab74"),
        ],
    )
    round_ = 0.55 + 0.6 * np.sqrt(np.clip(1 - (2 * spine - 1) ** 2, 0, 1))
    tall = 0.24 + 0.10 * _hash(book + 9, shelf + 3, bay)
    gilt = (np.abs(level - 0.22) < 0.008) | (np.abs(level - 0.07) < 0.006)
    near = smooth(30, 10, away)[..., None]
    books = cover * ((0.6 + 0.55 * tone) * (1 + (round_ - 1) * near[..., 0]))[..., None]
    paint(books, (0.95, 0.78, 0.42), 0.6 * gilt * (tone > 0.5) * near[..., 0])
    paint(books, (0.035, 0.02, 0.015), (level > tall).astype(np.float32) * 0.92)
    wood = ramp(0.5 + 0.18 * noise(3, 10, 60), [(0, "2a150b"), (0.5, "5a3219"), (1, "8d5a30")])
    board = (level > 0.37) | (height < 0.35) | (height > 4.35)
    paint(books, wood * np.float32(1.15), board.astype(np.float32))
    off = np.minimum(place, _BAY - place)
    pillar = smooth(0.46, 0.43, off)
    flutes = 0.82 + 0.18 * np.cos(off / 0.085 * np.pi * 2) * smooth(26, 8, away)
    stone = ramp(0.5 + 0.14 * noise(4, 70, 90), [(0, "8d7455"), (0.5, "c2a67d"), (1, "e6cfa4")])
    round_pillar = 0.45 + 0.65 * np.sqrt(np.clip(1 - (off / 0.5) ** 2, 0, 1))
    paint(books, stone * (flutes * round_pillar)[..., None], pillar)
    cap = ((height > 4.45) | (height < 0.42) | ((height > 4.1) & (off < 0.55))) & ((off < 0.6) | (height > 4.45))
    lines = 0.72 + 0.28 * np.cos(height * 42)
    paint(books, stone * lines[..., None], cap.astype(np.float32))
    return books


def _vault(across: Field, height: Field, away: Field) -> Field:
    """Painted coffers between stone ribs."""
    angle = np.arctan2(height - _SPRING, across)
    off = np.minimum(np.mod(away, _BAY), _BAY - np.mod(away, _BAY))
    cell_a, cell_z = np.mod(angle / np.pi * 9, 1.0), np.mod(away / _BAY * 3, 1.0)
    inset = np.minimum(np.minimum(cell_a, 1 - cell_a), np.minimum(cell_z, 1 - cell_z))
    stone = ramp(0.5 + 0.15 * noise(6, 90, 60), [(0, "7a6248"), (0.5, "b39a76"), (1, "dcc59c")])
    field = ramp(0.5 + 0.2 * noise(7, 40, 40), [(0, "16283c"), (0.5, "27435c"), (1, "3f6078")])
    surface = stone * np.float32(0.85)
    paint(surface, field, smooth(0.13, 0.17, inset))
    paint(surface, (0.9, 0.72, 0.36), smooth(0.10, 0.13, inset) * smooth(0.19, 0.16, inset))
    rosette = np.hypot(cell_a - 0.5, cell_z - 0.5)
    paint(surface, (0.92, 0.76, 0.42), smooth(0.15, 0.11, rosette))
    paint(surface, stone * (1.1 - 0.5 * smooth(0.2, 0.42, off))[..., None], smooth(0.44, 0.40, off))
    return surface


def _window(across: Field, height: Field) -> Field:
    """The glass of the end wall: a tall arched window and a round one in its head."""
    arch = np.where(height < 4.6, np.abs(across) / 2.1, np.hypot(across, height - 4.6) / 2.1)
    return smooth(1.0, 0.96, arch) * (height > 1.2)


def _end(across: Field, height: Field) -> Field:
    wall = ramp(0.5 + 0.1 * noise(8, 30, 30), [(0, "5d4a35"), (1, "b2966c")])
    bars = np.minimum(np.abs(np.mod(across + 0.35, 0.7) - 0.35), np.abs(np.mod(height, 0.8) - 0.4))
    glass = ramp(np.clip((height - 1.2) / 5.4, 0, 1), [(0, "ffe3a8"), (0.5, "fff3d2"), (1, "cfe6ff")])
    paint(glass, (0.35, 0.26, 0.18), smooth(0.07, 0.03, bars))
    paint(wall, glass, _window(across, height))
    return wall


def _light(across: Field, height: Field, away: Field) -> Field:
    """Lamps at every pillar, the window far ahead, and dim corners."""
    total = 0.20 + 0.55 * np.exp(-((_LENGTH - away) / 13.0))
    for side in (-1.0, 1.0):
        for index in range(11):
            lamp = (side * (_HALF - 0.42), 2.75, index * _BAY)
            distance2 = (across - lamp[0]) ** 2 + (height - lamp[1]) ** 2 + (away - lamp[2]) ** 2
            total = total + 0.62 / (1.0 + 0.9 * distance2)
    corner = 1 - 0.45 * np.exp(-height / 0.25) * np.exp(-(_HALF - np.abs(across)) / 0.3)
    return (total * corner).astype(np.float32)


def _floor(picture: Field, across: Field, away: Field, mask: Field) -> None:
    """Marble in two colours that mirrors the hall, and a runner."""
    x, y = grid()
    # The mirror image of the wall in the same column.
    rows = (2 * _HORIZON - y + 2 * EYE / _HALF * np.abs(x - WIDTH / 2)) * OVERSAMPLING - 0.5
    columns = x * OVERSAMPLING - 0.5
    mirror = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mirror = blur(np.asarray(mirror, dtype=np.float32), 1.2, 5.0)
    near = smooth(34, 12, away)
    tile = np.sign(np.sin(np.pi * across / 0.65) * np.sin(np.pi * away / 0.65)) * near * 0.5 + 0.5
    veins = noise(9, 160, 60, octaves=8, fade=0.62)
    marble = ramp(tile, [(0, "2b211c"), (1, "a58c6a")]) * (1 + 0.13 * veins[..., None])
    light = _light(across, np.zeros_like(across), away)
    base = marble * (0.25 + 0.8 * light)[..., None] * np.array((1.0, 0.9, 0.75), dtype=np.float32)
    base = base + mirror * np.float32(0.42)
    pattern = 0.5 + 0.25 * np.sin(away * 9) * np.cos(across * 12) * near + 0.06 * noise(10, 6, 3, octaves=3)
    runner = ramp(pattern, [(0, "4c0f14"), (0.5, "86201f"), (1, "b9563a")]) * (0.30 + 0.95 * light)[..., None]
    edge = np.abs(np.abs(across) - 0.98)
    paint(runner, (0.85, 0.66, 0.34), smooth(0.07, 0.05, edge) * (0.35 + 0.5 * light))
    paint(base, runner, smooth(1.12, 1.10, np.abs(across)))
    glow = np.exp(-((across / 1.5) ** 2)) * smooth(8, 44, away)
    shine(base, (1.0, 0.86, 0.6), 0.6 * glow)
    paint(picture, base, mask)


def _air(picture: Field, x: Field, y: Field, away: Field) -> None:
    """Lamps themselves, haze with depth, dusty light from the window."""
    for index in range(10, 0, -1):
        z = index * _BAY
        for side in (-1.0, 1.0):
            at = (640 + side * (_HALF - 0.42) / z * FOCAL, _HORIZON - (2.75 - EYE) / z * FOCAL)
            shine(picture, (1.0, 0.80, 0.45), 0.75 * halo(x, y, at, 0.20 / z * FOCAL))
            paint(picture, (1.0, 0.95, 0.80), smooth(0.10, 0.07, np.hypot(x - at[0], (y - at[1]) * 0.8) * z / FOCAL))
    haze = 1 - np.exp(-np.clip(away - 8, 0, None) / 95)
    paint(picture, (0.95, 0.80, 0.56), np.clip(0.8 * haze, 0, 1))
    angle = np.arctan2(y - _HORIZON + 70, x - 640)
    shafts = 0.5 + 0.5 * np.sin(angle * 23 + 1.1) * np.sin(angle * 9 + 0.4)
    reach = np.exp(-np.hypot(x - 640, y - _HORIZON + 70) / 330)
    shine(picture, (1.0, 0.88, 0.62), 0.34 * reach * (0.5 + 0.5 * shafts))
