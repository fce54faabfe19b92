"""The surroundings of a player: the world, evaluated on grids that follow the player.

They are only a cache, so results do not depend on them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from simulator._houses import HOUSE_CELL, HOUSE_FIELDS, house_at
from simulator._jit import inner, njit
from simulator._noise import noise_texture, noise_volume
from simulator._plants import PLANT_CELL, PLANT_FIELDS, plant_at
from simulator._shade import cast_shadows
from simulator._sky import paint_sky
from simulator._terrain import ground_colour, height_at, under_water

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.world import Growth, Light, Paint, Relief, World

BLOCK: Final = 16  # cells of ground that are evaluated together, along each axis
NEAR_CELL: Final = 0.5  # m
NEAR_SIDE: Final = 256  # cells; every side is a power of two
FAR_CELL: Final = 1.5
FAR_SIDE: Final = 512
PLANT_BLOCK: Final = 8
PLANT_SIDE: Final = 128
HOUSE_SIDE: Final = 64
VIEW_DISTANCE: Final = 345.0  # m; the far grid covers it in every direction
TEXTURE_SIDE: Final = 256
_NOWHERE: Final = np.iinfo(np.int64).min


class Ground(NamedTuple):
    """Grids that wrap around: cell (i, j) of the world is stored at indices (i mod side, j mod side)."""

    near_height: NDArray[np.float32]  # [NEAR_SIDE, NEAR_SIDE], metres
    near_colour: NDArray[np.float32]  # [NEAR_SIDE, NEAR_SIDE, 3], lit, linear RGB
    far_height: NDArray[np.float32]
    far_colour: NDArray[np.float32]
    plants: NDArray[np.float64]  # [PLANT_SIDE, PLANT_SIDE, PLANT_FIELDS]
    houses: NDArray[np.float64]  # [HOUSE_SIDE, HOUSE_SIDE, HOUSE_FIELDS]


class Surroundings:
    """The grids that follow one player, and the sky. For one thread at a time. Several may share a `World`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ground = Ground(
            near_height=np.zeros((NEAR_SIDE, NEAR_SIDE), dtype=np.float32),
            near_colour=np.zeros((NEAR_SIDE, NEAR_SIDE, 3), dtype=np.float32),
            far_height=np.zeros((FAR_SIDE, FAR_SIDE), dtype=np.float32),
            far_colour=np.zeros((FAR_SIDE, FAR_SIDE, 3), dtype=np.float32),
            plants=np.zeros((PLANT_SIDE, PLANT_SIDE, PLANT_FIELDS)),
            houses=np.zeros((HOUSE_SIDE, HOUSE_SIDE, HOUSE_FIELDS)),
        )
        self.texture = noise_texture(world.relief.salt, TEXTURE_SIDE)
        self.volume = noise_volume(world.relief.salt)
        self.sky = paint_sky(world.light, world.relief.salt)
        self._owners = (
            _owners(HOUSE_SIDE),
            _owners(PLANT_SIDE // PLANT_BLOCK),
            _owners(FAR_SIDE // BLOCK),
            _owners(NEAR_SIDE // BLOCK),
        )

    def follow(self, x: float, z: float) -> None:
        """Evaluate everything that a player at (x, z) can touch or see, unless that was done already."""
        world, ground = self.world, self.ground
        houses, plants, far, near = self._owners
        _fill_houses(world.relief, world.growth, ground.houses, houses, x, z)
        _fill_plants(world.relief, world.growth, ground.houses, ground.plants, plants, x, z)
        for cell, height, colour, owners in (
            (FAR_CELL, ground.far_height, ground.far_colour, far),
            (NEAR_CELL, ground.near_height, ground.near_colour, near),
        ):
            _fill_ground(
                world.relief, world.paint, world.light, ground.plants, ground.houses, height, colour, owners, cell, x, z
            )


def _owners(side: int) -> NDArray[np.int64]:
    """The block of the world that each slot of a grid contains, initially none: [side, side, 2]."""
    return np.full((side, side, 2), _NOWHERE, dtype=np.int64)


@inner
def _claim(owners: NDArray[np.int64], i: int, j: int) -> bool:
    """Assign a slot to block (i, j) of the world. True: the slot had another block, so it must be evaluated."""
    side = owners.shape[0] - 1
    owner = owners[i & side, j & side]
    if owner[0] == i and owner[1] == j:
        return False
    owner[0], owner[1] = i, j
    return True


@njit
def _fill_houses(
    relief: Relief, growth: Growth, houses: NDArray[np.float64], owners: NDArray[np.int64], x: float, z: float
) -> None:
    side = owners.shape[0]
    i0, j0 = math.floor(x / HOUSE_CELL) - side // 2, math.floor(z / HOUSE_CELL) - side // 2
    for i in range(i0, i0 + side):
        for j in range(j0, j0 + side):
            if _claim(owners, i, j):
                house_at(relief, growth, i, j, houses[i & (side - 1), j & (side - 1)])


@njit
def _fill_plants(
    relief: Relief,
    growth: Growth,
    houses: NDArray[np.float64],
    plants: NDArray[np.float64],
    owners: NDArray[np.int64],
    x: float,
    z: float,
) -> None:
    side, mask = owners.shape[0], plants.shape[0] - 1
    size = PLANT_CELL * PLANT_BLOCK
    i0, j0 = math.floor(x / size) - side // 2, math.floor(z / size) - side // 2
    for i in range(i0, i0 + side):
        for j in range(j0, j0 + side):
            if _claim(owners, i, j):
                for a in range(i * PLANT_BLOCK, (i + 1) * PLANT_BLOCK):
                    for b in range(j * PLANT_BLOCK, (j + 1) * PLANT_BLOCK):
                        plant_at(relief, growth, houses, a, b, plants[a & mask, b & mask])


@njit
def _fill_ground(
    relief: Relief,
    paint: Paint,
    light: Light,
    plants: NDArray[np.float64],
    houses: NDArray[np.float64],
    height: NDArray[np.float32],
    colour: NDArray[np.float32],
    owners: NDArray[np.int64],
    cell: float,
    x: float,
    z: float,
) -> None:
    side = owners.shape[0]
    i0, j0 = math.floor(x / (cell * BLOCK)) - side // 2, math.floor(z / (cell * BLOCK)) - side // 2
    for i in range(i0, i0 + side):
        for j in range(j0, j0 + side):
            if _claim(owners, i, j):
                _fill_block(relief, paint, light, plants, houses, height, colour, cell, i * BLOCK, j * BLOCK)


@inner
def _fill_block(
    relief: Relief,
    paint: Paint,
    light: Light,
    plants: NDArray[np.float64],
    houses: NDArray[np.float64],
    height: NDArray[np.float32],
    colour: NDArray[np.float32],
    cell: float,
    i0: int,
    j0: int,
) -> None:
    """Evaluate heights, and colours as albedo times light, of BLOCK x BLOCK cells from cell (i0, j0) of the world."""
    mask = height.shape[0] - 1
    rim = np.empty((BLOCK + 2, BLOCK + 2))
    for a in range(BLOCK + 2):
        for b in range(BLOCK + 2):
            rim[a, b] = height_at(relief, (i0 + a - 1) * cell, (j0 + b - 1) * cell)
    sun, sky = np.empty((BLOCK, BLOCK)), np.empty((BLOCK, BLOCK))
    cast_shadows(light, plants, houses, i0 * cell, j0 * cell, cell, sun, sky)
    for a in range(BLOCK):
        for b in range(BLOCK):
            here = rim[a + 1, b + 1]
            slope_x = (rim[a + 2, b + 1] - rim[a, b + 1]) / (2.0 * cell)
            slope_z = (rim[a + 1, b + 2] - rim[a + 1, b]) / (2.0 * cell)
            up = 1.0 / math.sqrt(1.0 + slope_x * slope_x + slope_z * slope_z)
            albedo = ground_colour(relief, paint, (i0 + a) * cell, (j0 + b) * cell, here, up)
            if here < 0.0:
                albedo = under_water(paint, albedo, -here)
                slope_x, slope_z, up = 0.0, 0.0, 1.0
            facing = max(0.0, up * (light.sun_y - slope_x * light.sun_x - slope_z * light.sun_z))
            # A low sun hardly lights level ground. A little wrap keeps meadows from turning grey at golden hour.
            direct = (0.82 * facing + 0.18 * up) * sun[a, b]
            i, j = (i0 + a) & mask, (j0 + b) & mask
            height[i, j] = here
            for c in range(3):
                diffuse = light.sun[c] * direct + light.ambient[c] * (0.55 + 0.45 * up) * sky[a, b]
                colour[i, j, c] = albedo[c] * diffuse
