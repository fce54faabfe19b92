"""Streets by a seed: two rows of house fronts, pavements, lamp posts, cars and signs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator._boxes import Floor, Lighting
from simulator._surfaces import BRICK, CLOTH, FACADE, GLOW, PANELS, PLANKS, ROAD, STRIPES
from simulator.places import Box, Lamp, make_place

if TYPE_CHECKING:
    import numpy as np

    from simulator.places import Place
    from simulator.world import Colour, World

_REACH: Final = 150.0  # m to each end
_START_M: Final = 40.0


def make_street(world: World, rng: np.random.Generator) -> Place:
    """A street along z with the origin in its middle."""
    road, pavement = float(rng.uniform(1.6, 5.0)), float(rng.uniform(1.0, 3.5))
    street = _Builder(world, rng, road, pavement)
    for side in (-1.0, 1.0):
        street.row(side)
        street.furniture(side)
    if rng.random() < 0.4:
        street.closed_end()
    asphalt = float(rng.uniform(0.03, 0.16))
    stones = float(rng.uniform(0.12, 0.4))
    cobbled = rng.random() < 0.25
    floor = Floor(
        ROAD,
        (asphalt, asphalt, 1.05 * asphalt),
        (stones, 0.97 * stones, 0.92 * stones),
        0.0 if cobbled else road,
        int(rng.integers(1000)),
    )
    return make_place(
        world,
        street.boxes,
        street.lamps,
        floor,
        Lighting(0.0, (0.0, 0.0, 0.0)),
        half_x=road + 0.7 * pavement,
        half_z=_START_M,
    )


class _Builder:
    def __init__(self, world: World, rng: np.random.Generator, road: float, pavement: float) -> None:
        self._world, self._rng, self._road, self._front = world, rng, road, road + pavement
        self.boxes: list[Box] = []
        self.lamps: list[Lamp] = []
        self._tall = float(rng.uniform(3.5, 16.0))
        self._neon = world.light.lamps > 0.0 and rng.random() < 0.6
        self._jitter = float(rng.uniform(0.0, 0.8))

    def row(self, side: float) -> None:
        """House beside house, with a side street here and there."""
        rng, z = self._rng, -_REACH
        while z < _REACH:
            wide = float(rng.uniform(4.0, 13.0))
            if rng.random() < 0.13:
                z += float(rng.uniform(3.0, 8.0))
                continue
            self._house(side, z, wide)
            z += wide

    def _house(self, side: float, z: float, wide: float) -> None:
        rng = self._rng
        deep, high = float(rng.uniform(5.0, 12.0)), max(3.3, self._tall * float(rng.uniform(0.6, 1.5)))
        x = side * (self._front + self._jitter * float(rng.random()) + 0.5 * deep)
        wall, frame = self._wall(), self._pale()
        middle = z + 0.5 * wide
        salt_scale = float(rng.uniform(1.6, 3.4))
        surface = FACADE if rng.random() < 0.85 else (BRICK if rng.random() < 0.5 else PLANKS)
        scale = {FACADE: salt_scale, BRICK: 0.1, PLANKS: 0.3}[surface]
        self.boxes.append(Box(x, middle, 0.5 * deep, 0.5 * wide, 0.0, high, wall, frame, surface, scale))
        self.boxes.append(Box(x, middle, 0.5 * deep + 0.2, 0.5 * wide, high, high + 0.35, frame, frame))  # a cornice
        if rng.random() < 0.6:
            roof = self._dim((0.25, 0.1, 0.07) if rng.random() < 0.5 else (0.1, 0.1, 0.12), 0.4)
            for step in range(4):
                narrow = 0.5 * deep * (1.0 - 0.25 * step)
                low = high + 0.35 + 0.6 * step
                self.boxes.append(Box(x, middle, narrow, 0.5 * wide, low, low + 0.6, roof, roof, PANELS, 0.4))
        face = x - side * 0.5 * deep
        draw = rng.random()
        if draw < 0.25:  # an awning
            colour = self._strong()
            self.boxes.append(
                Box(face - side * 0.6, middle, 0.6, 0.4 * wide, 2.5, 2.7, colour, (0.8, 0.8, 0.78), STRIPES, 0.6)
            )
        elif draw < 0.5 or self._neon:
            glows = self.neon_share() > rng.random()
            colour = self._strong()
            bright = tuple(2.2 * value for value in colour) if glows else colour
            a: Colour = (bright[0], bright[1], bright[2])
            low = float(rng.uniform(2.6, 4.5))
            self.boxes.append(
                Box(
                    face - side * 0.4,
                    middle,
                    0.4,
                    0.06,
                    low,
                    low + float(rng.uniform(0.5, 2.5)),
                    a,
                    self._pale(),
                    GLOW if glows else PANELS,
                    0.9,
                )
            )
            if glows and len(self.lamps) < 10 and abs(middle) < _START_M:
                self.lamps.append(
                    Lamp(face - side * 0.8, low, middle, (2.0 * colour[0], 2.0 * colour[1], 2.0 * colour[2]))
                )
        if rng.random() < 0.3:  # balconies
            for storey in range(1, int(high / 3.0)):
                low = 3.0 * storey
                self.boxes.append(Box(face - side * 0.45, middle, 0.45, 0.3 * wide, low, low + 0.12, frame, frame))
                self.boxes.append(Box(face - side * 0.88, middle, 0.02, 0.3 * wide, low, low + 1.0, frame, frame))

    def neon_share(self) -> float:
        return 0.85 if self._neon else 0.15

    def furniture(self, side: float) -> None:
        """Lamp posts, cars, trees, benches and bins along the kerb."""
        rng, z = self._rng, -_START_M - 50.0
        spacing = float(rng.uniform(5.0, 14.0))
        trees = rng.random() < 0.4
        kerb = side * (self._road + 0.3)
        while z < _START_M + 50.0:
            z += spacing * float(rng.uniform(0.6, 1.4))
            draw = rng.random()
            if draw < 0.3:
                self._lamp_post(kerb, side, z)
            elif draw < 0.45 and trees:
                self._tree(kerb, z)
            elif draw < 0.7 and self._road > 2.4:
                self._car(side * (self._road - 0.95), z)
            elif draw < 0.85:
                x = side * (self._front - 0.35)
                self._crate(x, z)

    def _lamp_post(self, x: float, side: float, z: float) -> None:
        high, dark = float(self._rng.uniform(3.0, 6.0)), (0.05, 0.06, 0.06)
        self.boxes.append(Box(x, z, 0.06, 0.06, 0.0, high, dark, dark))
        self.boxes.append(Box(x - side * 0.4, z, 0.45, 0.05, high, high + 0.08, dark, dark))
        lit = self._world.light.lamps > 0.0
        glow = (1.6, 1.25, 0.8) if lit else (0.6, 0.6, 0.55)
        self.boxes.append(Box(x - side * 0.8, z, 0.2, 0.12, high - 0.1, high, glow, glow, GLOW if lit else PANELS))
        if lit and len(self.lamps) < 14 and abs(z) < _START_M:
            self.lamps.append(Lamp(x - side * 0.8, high - 0.2, z, (2.4, 1.8, 1.0)))

    def _tree(self, x: float, z: float) -> None:
        leaf = self._dim((0.09, 0.2, 0.06), 0.5)
        high = float(self._rng.uniform(3.5, 6.5))
        self.boxes.append(Box(x, z, 0.12, 0.12, 0.0, high - 1.5, (0.14, 0.1, 0.07), (0.1, 0.07, 0.05), CLOTH, 0.2))
        for level in range(4):
            half = 1.1 * math.sin(0.5 + 0.7 * level) * float(self._rng.uniform(0.8, 1.2))
            low = high - 2.2 + 0.7 * level
            turn = float(self._rng.uniform(0.0, 1.5))
            self.boxes.append(Box(x, z, half, half, low, low + 0.75, leaf, self._dim(leaf, 0.5), CLOTH, 0.35, turn))

    def _car(self, x: float, z: float) -> None:
        colour, turn = self._strong(), float(self._rng.normal(0.0, 0.03))
        long = float(self._rng.uniform(1.8, 2.4))
        glass = (0.03, 0.04, 0.05)
        self.boxes.append(Box(x, z, 0.85, long, 0.25, 0.85, colour, colour, turn=turn))
        self.boxes.append(Box(x, z - 0.15 * long, 0.75, 0.55 * long, 0.85, 1.4, glass, glass, turn=turn))
        self.boxes.append(Box(x, z - 0.15 * long, 0.77, 0.5 * long, 1.38, 1.46, colour, colour, turn=turn))
        for end in (-0.62, 0.62):
            self.boxes.append(Box(x, z + end * long, 0.87, 0.32, 0.0, 0.55, (0.02, 0.02, 0.02), (0.02, 0.02, 0.02)))

    def _crate(self, x: float, z: float) -> None:
        colour = self._wall()
        for _ in range(int(self._rng.integers(1, 4))):
            half, high = float(self._rng.uniform(0.15, 0.5)), float(self._rng.uniform(0.3, 1.2))
            turn = float(self._rng.normal(0.0, 0.2))
            self.boxes.append(Box(x, z, half, half, 0.0, high, colour, self._pale(), PLANKS, 0.2, turn))
            z += 2.2 * half

    def closed_end(self) -> None:
        """A house across the street, where it ends."""
        z = float(self._rng.uniform(25.0, 90.0)) * (1.0 if self._rng.random() < 0.5 else -1.0)
        wall, high = self._wall(), self._tall * float(self._rng.uniform(0.8, 1.6)) + 2.0
        self.boxes.append(Box(0.0, z, self._front + 6.0, 5.0, 0.0, high, wall, self._pale(), FACADE, 2.4))

    def _wall(self) -> Colour:
        rng, paint = self._rng, self._world.paint
        if rng.random() < 0.35:
            walls = paint.wall_a, paint.wall_b, paint.wall_c
            return self._dim(walls[int(rng.integers(3))], 0.3)
        grey = float(rng.uniform(0.08, 0.7))
        return grey, grey * float(rng.uniform(0.6, 1.0)), grey * float(rng.uniform(0.45, 1.0))

    def _pale(self) -> Colour:
        grey = float(self._rng.uniform(0.3, 0.85))
        return grey, 0.97 * grey, 0.92 * grey

    def _strong(self) -> Colour:
        """One channel or two of three."""
        low, high = float(self._rng.uniform(0.02, 0.2)), float(self._rng.uniform(0.3, 0.8))
        red, green, blue = (high if self._rng.random() < 0.5 else low for _ in range(3))
        return red, green, blue

    def _dim(self, colour: Colour, spread: float) -> Colour:
        factor = float(self._rng.uniform(1.0 - spread, 1.0 + spread))
        return colour[0] * factor, colour[1] * factor, colour[2] * factor
