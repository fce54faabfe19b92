"""Rooms, corridors and halls by a seed: walls with openings, a ceiling, furniture and lamps."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from simulator._boxes import Floor, Lighting
from simulator._surfaces import (
    BOOKS,
    BRICK,
    CLOTH,
    GLOW,
    PAINTING,
    PANELS,
    PLANKS,
    PLASTER,
    STRIPES,
    TILES,
)
from simulator.places import Box, Lamp, make_place

if TYPE_CHECKING:
    import numpy as np

    from simulator.places import Place
    from simulator.world import Colour, World

_THICK: Final = 0.2  # m, of a wall
_DOOR: Final = 2.05  # m high
_WALLS: Final = (PLASTER, PLASTER, PLASTER, PLASTER, PLASTER, STRIPES, PANELS, BRICK, PLANKS, TILES)
_FLOORS: Final = (PLANKS, PLANKS, TILES, TILES, CLOTH, PLASTER)
_SCALES: Final = MappingProxyType(
    {PLASTER: 1.0, STRIPES: 0.3, PANELS: 0.9, BRICK: 0.09, PLANKS: 0.16, TILES: 0.4, CLOTH: 0.3}
)


def make_room(world: World, rng: np.random.Generator) -> Place:
    """A room, a corridor or a hall around the origin, longer along z."""
    return _Builder(world, rng, *_sizes(rng)).place()


def _sizes(rng: np.random.Generator) -> tuple[float, float, float]:
    """Half width, half length and height in metres."""
    draw = rng.random()
    if draw < 0.45:  # a room
        return float(rng.uniform(1.7, 4.0)), float(rng.uniform(2.2, 5.5)), float(rng.uniform(2.35, 3.6))
    if draw < 0.7:  # a corridor
        return float(rng.uniform(0.9, 2.2)), float(rng.uniform(5.0, 20.0)), float(rng.uniform(2.3, 4.0))
    return float(rng.uniform(3.5, 10.0)), float(rng.uniform(7.0, 25.0)), float(rng.uniform(4.0, 11.0))  # a hall


class _Builder:
    def __init__(self, world: World, rng: np.random.Generator, half_x: float, half_z: float, height: float) -> None:
        self._world, self._rng = world, rng
        self._half_x, self._half_z, self._height = half_x, half_z, height
        self._boxes: list[Box] = []
        self._lamps: list[Lamp] = []
        base = self._tone()
        self._wall = Box(0, 0, 1, 1, 0, height, base, self._near(base, 0.25), is_shell=True)
        surface = int(rng.choice(_WALLS))
        self._wall = replace(self._wall, surface=surface, scale=_SCALES[surface] * float(rng.uniform(0.7, 1.5)))
        self._wood = self._dim((0.32, 0.19, 0.10), 0.6)

    def place(self) -> Place:
        rng = self._rng
        self._ceiling()
        for side in (-1.0, 1.0):
            self._long_wall(side)
            self._end(side)
        if self._half_x > 3.4:
            self._columns()
        self._furniture()
        floor = int(rng.choice(_FLOORS))
        a = self._tone()
        warmth = float(rng.uniform(0.8, 1.15))
        strength = float(rng.uniform(0.12, 0.75))
        return make_place(
            self._world,
            self._boxes,
            self._lamps,
            Floor(floor, a, self._near(a, 0.5), _SCALES[floor] * float(rng.uniform(0.8, 2.0)), int(rng.integers(1000))),
            Lighting(1.0, (strength * warmth, strength, strength / warmth)),
            half_x=self._half_x - 0.5,
            half_z=self._half_z - 0.5,
        )

    def _tone(self) -> Colour:
        """A colour that people paint things with: bright or dark, seldom strong."""
        rng = self._rng
        grey, strong = float(rng.uniform(0.06, 0.85)), float(rng.uniform(0.0, 0.45) ** 1.5 * 2.0)
        red, green, blue = (grey * (1.0 - strong * float(rng.random())) for _ in range(3))
        return red, green, blue

    def _near(self, colour: Colour, share: float) -> Colour:
        other = self._tone()
        red, green, blue = (a + share * (b - a) for a, b in zip(colour, other, strict=True))
        return red, green, blue

    def _dim(self, colour: Colour, spread: float) -> Colour:
        factor = float(self._rng.uniform(1.0 - spread, 1.0 + spread))
        return colour[0] * factor, colour[1] * factor, colour[2] * factor

    def _ceiling(self) -> None:
        rng, height = self._rng, self._height
        bright = float(rng.uniform(0.35, 0.9))
        colour = (bright, bright * float(rng.uniform(0.9, 1.0)), bright * float(rng.uniform(0.8, 1.0)))
        surface = int(rng.choice((PLASTER, PLASTER, PLANKS, TILES)))
        tint = self._wood if surface == PLANKS else colour
        self._boxes.append(
            Box(
                0.0,
                0.0,
                self._half_x + 12.0,
                self._half_z + 12.0,
                height,
                height + 0.3,
                tint,
                self._dim(tint, 0.3),
                surface,
                _SCALES[surface] * 1.5,
                is_shell=True,
            )
        )
        if rng.random() < 0.35:  # beams
            for z in self._places(self._half_z, float(rng.uniform(1.6, 3.5))):
                self._add(0.0, z, self._half_x, 0.09, height - 0.25, height, self._wood, PLANKS, 0.3)
        spacing = float(rng.uniform(2.5, 6.0))
        warm = (1.0, float(rng.uniform(0.7, 0.98)), float(rng.uniform(0.4, 0.95)))
        strength = float(rng.uniform(0.4, 1.5)) * (1.0 if height < 4.0 else 2.5)
        hang = float(rng.uniform(0.05, 0.25 * height)) if rng.random() < 0.5 and height > 2.7 else 0.04
        for z in self._places(self._half_z, spacing)[:8]:
            size = float(rng.uniform(0.12, 0.4))
            glow = (1.5 * warm[0], 1.5 * warm[1], 1.5 * warm[2])
            self._boxes.append(Box(0.0, z, size, size, height - hang - 0.1, height - hang + 0.02, glow, glow, GLOW))
            red, green, blue = (strength * value for value in warm)
            self._lamps.append(Lamp(0.0, height - hang - 0.3, z, (red, green, blue)))

    def _places(self, half: float, spacing: float) -> list[float]:
        count = max(1, int(2.0 * half / spacing))
        return [(-half + 2.0 * half * (n + 0.5) / count) for n in range(count)]

    def _add(
        self,
        x: float,
        z: float,
        half_a: float,
        half_b: float,
        low: float,
        high: float,
        colour: Colour,
        surface: int = PLASTER,
        scale: float = 1.0,
        turn: float = 0.0,
    ) -> None:
        other = self._near(colour, 0.3)
        self._boxes.append(Box(x, z, half_a, half_b, low, high, colour, other, surface, scale, turn))

    def _wall_box(self, x: float, z: float, half_a: float, half_b: float, low: float = 0.0, high: float = -1.0) -> None:
        high = self._height if high < 0.0 else high
        if half_a > 0.02 and half_b > 0.02 and high > low:
            self._boxes.append(replace(self._wall, x=x, z=z, half_a=half_a, half_b=half_b, low=low, high=high))

    def _long_wall(self, side: float) -> None:
        """A wall along z with doors or windows, shelves or pictures on it."""
        rng, x = self._rng, side * (self._half_x + 0.5 * _THICK)
        start = -self._half_z - _THICK
        for z in self._places(self._half_z, float(rng.uniform(1.5, 3.2))):
            draw, half = rng.random(), float(rng.uniform(0.42, 0.6))
            if draw < 0.12:  # an open doorway into another room
                self._wall_box(x, 0.5 * (start + z - half), 0.5 * _THICK, 0.5 * (z - half - start))
                self._wall_box(x, z, 0.5 * _THICK, half, _DOOR)
                self._side_room(side, z)
                start = z + half
                continue
            inner = side * self._half_x
            if draw < 0.36:
                self._add(inner, z, 0.04, half, 0.0, _DOOR, self._wood, PANELS, 0.5)
                self._add(inner, z, 0.06, half + 0.08, _DOOR, _DOOR + 0.1, self._wood)
            elif draw < 0.56:
                self._window(inner, z, float(rng.uniform(0.5, 1.1)))
            elif draw < 0.74:
                low, high = float(rng.uniform(1.2, 1.5)), float(rng.uniform(1.7, 2.2))
                self._boxes.append(
                    Box(inner, z, 0.03, half, low, high, self._tone(), self._tone(), PAINTING, high - low)
                )
            elif draw < 0.9 and self._half_x > 1.5:
                deep, high = float(rng.uniform(0.14, 0.3)), float(rng.uniform(0.8, min(3.2, self._height - 0.1)))
                surface = BOOKS if rng.random() < 0.6 else PANELS
                self._boxes.append(
                    Box(
                        inner - side * deep,
                        z,
                        deep,
                        float(rng.uniform(0.5, 1.1)),
                        0.0,
                        high,
                        self._wood,
                        self._tone(),
                        surface,
                        0.34 if surface == BOOKS else 0.5,
                    )
                )
        end = self._half_z + _THICK
        self._wall_box(x, 0.5 * (start + end), 0.5 * _THICK, 0.5 * (end - start))

    def _window(self, x: float, z: float, half: float) -> None:
        bright = float(self._rng.uniform(0.5, 1.5))
        low, high = float(self._rng.uniform(0.5, 1.1)), min(self._height - 0.2, float(self._rng.uniform(1.9, 4.5)))
        sky, ground = (0.75 * bright, 0.9 * bright, bright), (0.25 * bright, 0.4 * bright, 0.2 * bright)
        self._boxes.append(Box(x, z, 0.02, half, low, high, ground, sky, GLOW, 0.8 * (high - low)))
        self._add(x, z, 0.04, 0.03, low, high, (0.7, 0.7, 0.68))
        self._add(x, z, 0.10, half + 0.05, low - 0.06, low, (0.7, 0.7, 0.68))
        if len(self._lamps) < 12:
            self._lamps.append(Lamp(0.9 * x, 0.5 * (low + high), z, (0.3 * bright, 0.36 * bright, 0.42 * bright)))

    def _side_room(self, side: float, z: float) -> None:
        """Three walls behind a doorway."""
        half, deep = float(self._rng.uniform(1.2, 2.5)), float(self._rng.uniform(2.0, 5.0))
        inner = side * (self._half_x + _THICK)
        self._wall_box(inner + side * deep, z, 0.5 * _THICK, half)
        for end in (-1.0, 1.0):
            self._wall_box(inner + side * 0.5 * deep, z + end * half, 0.5 * deep, 0.5 * _THICK)

    def _end(self, side: float) -> None:
        """A wall across, at times with a wide opening into a room that goes on."""
        rng, z = self._rng, side * (self._half_z + 0.5 * _THICK)
        if rng.random() < 0.35 and self._half_x > 1.2:
            half = float(rng.uniform(0.5, 0.7 * self._half_x))
            high = min(self._height, float(rng.uniform(2.1, 3.5)))
            flank = 0.5 * (self._half_x + half)
            for left in (-1.0, 1.0):
                self._wall_box(left * flank, z, 0.5 * (self._half_x - half) + _THICK, 0.5 * _THICK)
                self._wall_box(left * self._half_x, z + side * 4.0, 0.5 * _THICK, 4.0)
            self._wall_box(0.0, z, half, 0.5 * _THICK, high)
            self._wall_box(0.0, z + side * 8.0, self._half_x, 0.5 * _THICK)
            return
        self._wall_box(0.0, z, self._half_x + _THICK, 0.5 * _THICK)
        if rng.random() < 0.5:
            self._add(0.0, side * self._half_z, 0.5, 0.05, 0.0, _DOOR, self._wood, PANELS, 0.5)

    def _columns(self) -> None:
        """Two rows of pillars, or of shelves that stand across, as in a library."""
        rng = self._rng
        draw, aside = rng.random(), float(rng.uniform(0.45, 0.75)) * self._half_x
        if draw < 0.25:
            return
        thick, colour = float(rng.uniform(0.15, 0.45)), self._tone()
        shelves = draw > 0.65
        for z in self._places(self._half_z, float(rng.uniform(2.2, 5.0))):
            for side in (-1.0, 1.0):
                if shelves:
                    high = float(rng.uniform(1.8, 2.8))
                    half = 0.8 * (self._half_x - 0.4 * aside) * 0.5
                    x = side * (self._half_x - half - 0.3)
                    self._boxes.append(Box(x, z, half, 0.25, 0.0, high, self._wood, self._tone(), BOOKS, 0.34))
                else:
                    self._add(side * aside, z, thick, thick, 0.0, self._height, colour, int(rng.choice(_WALLS)), 0.5)
                    self._add(side * aside, z, 1.3 * thick, 1.3 * thick, 0.0, 0.3, colour)

    def _furniture(self) -> None:
        rng = self._rng
        area = 4.0 * self._half_x * self._half_z
        for _ in range(int(rng.integers(2, 5 + int(min(20.0, area / 3.0))))):
            x = float(rng.uniform(-0.85, 0.85)) * self._half_x
            z = float(rng.uniform(-0.9, 0.9)) * self._half_z
            if abs(x) < 0.7 and self._half_x < 2.3:
                x = math.copysign(self._half_x - 0.35, x)  # the middle of a narrow room stays free
            turn = float(rng.choice((0.0, 0.5 * math.pi))) + (
                float(rng.normal(0.0, 0.3)) if rng.random() < 0.4 else 0.0
            )
            match int(rng.integers(6)):
                case 0:
                    self._table(x, z, turn)
                case 1:
                    self._chair(x, z, turn)
                case 2:
                    self._sofa(x, z, turn)
                case 3:
                    self._add(x, z, 0.3, 0.25, 0.0, float(rng.uniform(0.4, 1.8)), self._tone(), PANELS, 0.4, turn)
                case 4:
                    self._add(x, z, 0.03, 0.03, 0.0, 1.5, (0.1, 0.1, 0.1))
                    self._boxes.append(Box(x, z, 0.18, 0.18, 1.4, 1.75, (1.3, 1.0, 0.6), (1.3, 1.1, 0.8), GLOW))
                case _:
                    self._add(x, z, 0.16, 0.16, 0.0, 0.4, self._tone(), CLOTH, 0.2)
                    self._add(x, z, 0.28, 0.28, 0.4, float(rng.uniform(0.8, 1.6)), (0.08, 0.25, 0.07), CLOTH, 0.1, 0.6)

    def _table(self, x: float, z: float, turn: float) -> None:
        half_a, half_b, colour = float(self._rng.uniform(0.3, 1.1)), float(self._rng.uniform(0.3, 0.5)), self._wood
        high = float(self._rng.uniform(0.45, 0.8))
        self._add(x, z, half_a, half_b, high - 0.05, high, colour, PLANKS, 0.12, turn)
        for a in (-0.9, 0.9):
            for b in (-0.85, 0.85):
                self._part(x, z, turn, a * half_a, b * half_b, 0.035, 0.035, 0.0, high - 0.05, colour)
        if self._rng.random() < 0.5:
            self._part(x, z, turn, 0.2 * half_a, 0.0, 0.12, 0.09, high, high + 0.18, self._tone())

    def _chair(self, x: float, z: float, turn: float) -> None:
        colour = self._wood if self._rng.random() < 0.6 else self._tone()
        self._add(x, z, 0.22, 0.22, 0.42, 0.47, colour, PLASTER, 1.0, turn)
        self._part(x, z, turn, 0.0, 0.2, 0.22, 0.025, 0.47, 0.92, colour)
        for a in (-0.19, 0.19):
            for b in (-0.19, 0.19):
                self._part(x, z, turn, a, b, 0.025, 0.025, 0.0, 0.42, colour)

    def _sofa(self, x: float, z: float, turn: float) -> None:
        half, colour = float(self._rng.uniform(0.5, 1.1)), self._tone()
        self._add(x, z, half, 0.42, 0.0, 0.42, colour, CLOTH, 0.3, turn)
        self._part(x, z, turn, 0.0, 0.36, half, 0.1, 0.42, 0.85, colour)
        for end in (-1.0, 1.0):
            self._part(x, z, turn, end * (half - 0.08), 0.0, 0.1, 0.42, 0.0, 0.62, colour)

    def _part(
        self,
        x: float,
        z: float,
        turn: float,
        a: float,
        b: float,
        half_a: float,
        half_b: float,
        low: float,
        high: float,
        colour: Colour,
    ) -> None:
        """A box at (a, b) in the axes of a piece of furniture."""
        cos, sin = math.cos(turn), math.sin(turn)
        self._add(x + a * cos - b * sin, z + a * sin + b * cos, half_a, half_b, low, high, colour, turn=turn)
