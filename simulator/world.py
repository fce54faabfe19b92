"""A world as numbers: everything that the seed decides, in the form that the kernels use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from simulator.biomes import BIOMES, Biome
from simulator.config import WorldConfig
from simulator.daylights import DAYLIGHTS, Daylight

Colour: TypeAlias = tuple[float, float, float]  # linear RGB
Seven: TypeAlias = tuple[float, float, float, float, float, float, float]

_SALT_LIMIT: Final = 2**31
_NamedT = TypeVar("_NamedT", Biome, Daylight)


class Relief(NamedTuple):
    """The form of the land; lengths in metres."""

    salt: int
    lift: float
    swell: float
    hills: float
    ridges: float
    rough: float
    terraces: float
    paths: float  # 1 with paths, 0 without


class Paint(NamedTuple):
    """Colours of ground, plants and houses."""

    grass_a: Colour
    grass_b: Colour
    patch: Colour
    earth: Colour
    rock: Colour
    sand: Colour
    snow: Colour
    water: Colour
    leaf_a: Colour
    leaf_b: Colour
    leaf_c: Colour
    bark: Colour
    stone: Colour
    wall_a: Colour
    wall_b: Colour
    wall_c: Colour
    roof_a: Colour
    roof_b: Colour
    roof_c: Colour
    snowline: float  # m above the water
    snow_on_leaves: float


class Growth(NamedTuple):
    """The density of plants and houses. `plants` are the cumulative shares of the kinds."""

    density: float
    villages: float
    plants: Seven


class Light(NamedTuple):
    """Sun, sky and haze. `sun_x, sun_y, sun_z` is the unit vector to the sun (or moon)."""

    sun_x: float
    sun_y: float
    sun_z: float
    shadow_run: float  # metres of shadow per metre of height
    sun: Colour
    ambient: Colour
    bounce: Colour  # light from the ground
    zenith: Colour
    horizon: Colour
    glow: Colour
    cloud: Colour
    cloud_shade: Colour
    cover: float
    haze: float  # m
    lamps: float
    stars: float


@dataclass(frozen=True, slots=True)
class World:
    """All parameters of a world. They do not depend on any player."""

    seed: int
    config: WorldConfig
    biome: str
    daylight: str
    relief: Relief
    paint: Paint
    growth: Growth
    light: Light


def make_world(seed: int, config: WorldConfig | None = None) -> World:
    """Create the world of a seed. The same seed and config always give the same world.

    Raises:
        ValueError: the config names a biome or a daylight that does not exist.
    """
    config = config or WorldConfig()
    rng = np.random.default_rng([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, 0x7E88A])
    # Both are drawn in any case, so that fixing the biome or the daylight does not change the rest of the world.
    drawn_biome, drawn_daylight = int(rng.integers(len(BIOMES))), _weighted(rng.random())
    salt, spread = int(rng.integers(_SALT_LIMIT)), rng.random(12)
    biome = _named(BIOMES, config.biome) if config.biome else BIOMES[drawn_biome]
    daylight = _named(DAYLIGHTS, config.daylight) if config.daylight else DAYLIGHTS[drawn_daylight]
    return World(
        seed=seed,
        config=config,
        biome=biome.name,
        daylight=daylight.name,
        relief=_relief(biome, salt, spread, paths=config.paths),
        paint=_paint(biome, config.tint),
        growth=_growth(biome, buildings=config.buildings),
        light=_light(daylight, biome, spread),
    )


def linear(colour: str) -> Colour:
    """Linear RGB of `#rrggbb`."""
    red, green, blue = (_to_linear(int(colour[i : i + 2], 16) / 255.0) for i in (1, 3, 5))
    return red, green, blue


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _weighted(draw: float) -> int:
    """Index of the daylight for a random number from [0, 1), according to the weights."""
    left = draw * sum(daylight.weight for daylight in DAYLIGHTS)
    for index, daylight in enumerate(DAYLIGHTS):
        left -= daylight.weight
        if left < 0.0:
            return index
    return 0


def _named(choices: tuple[_NamedT, ...], name: str) -> _NamedT:
    for choice in choices:
        if choice.name == name:
            return choice
    raise ValueError(f"'{name}' is unknown. Choose one of: {', '.join(choice.name for choice in choices)}.")


def _relief(biome: Biome, salt: int, spread: np.ndarray[tuple[int], np.dtype[np.float64]], *, paths: bool) -> Relief:
    vary = [0.75 + 0.5 * float(value) for value in spread[:4]]
    return Relief(
        salt=salt,
        lift=biome.lift,
        swell=biome.swell * vary[0],
        hills=biome.hills * vary[1],
        ridges=biome.ridges * vary[2],
        rough=biome.rough * vary[3],
        terraces=biome.terraces,
        paths=float(paths),
    )


def _paint(biome: Biome, tint: tuple[float, float, float] | None) -> Paint:
    def leaning(colour: str, share: float) -> Colour:
        base = linear(colour)
        if tint is None:
            return base
        goal = [_to_linear(min(1.0, max(0.0, value))) for value in tint]
        # The tint changes the hue, but the colour keeps its brightness, so a dark picture does not make a dark world.
        scale = (sum(base) + 0.03) / (sum(goal) + 0.03)
        red, green, blue = ((1.0 - share) * b + share * min(1.0, g * scale) for b, g in zip(base, goal, strict=True))
        return red, green, blue

    grass_a, grass_b, patch = (leaning(colour, 0.30) for colour in biome.grass)
    leaf_a, leaf_b, leaf_c = (leaning(colour, 0.30) for colour in biome.leaves)
    wall_a, wall_b, wall_c = (leaning(colour, 0.25) for colour in biome.walls)
    roof_a, roof_b, roof_c = (leaning(colour, 0.25) for colour in biome.roofs)
    return Paint(
        grass_a=grass_a,
        grass_b=grass_b,
        patch=patch,
        earth=leaning(biome.earth, 0.30),
        rock=leaning(biome.rock, 0.15),
        sand=leaning(biome.sand, 0.15),
        snow=linear("#eef3fa"),
        water=leaning(biome.water, 0.20),
        leaf_a=leaf_a,
        leaf_b=leaf_b,
        leaf_c=leaf_c,
        bark=linear(biome.bark),
        stone=linear(biome.stone),
        wall_a=wall_a,
        wall_b=wall_b,
        wall_c=wall_c,
        roof_a=roof_a,
        roof_b=roof_b,
        roof_c=roof_c,
        snowline=biome.snowline,
        snow_on_leaves=biome.snow_on_leaves,
    )


def _growth(biome: Biome, *, buildings: bool) -> Growth:
    total = sum(biome.plants)
    a, b, c, d, e, f, g = (float(share) for share in np.cumsum(biome.plants) / total)
    return Growth(density=biome.density, villages=biome.villages * buildings, plants=(a, b, c, d, e, f, g))


def _light(daylight: Daylight, biome: Biome, spread: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Light:
    low, high = daylight.elevation
    elevation = math.radians(low + (high - low) * float(spread[4]))
    azimuth = 2.0 * math.pi * float(spread[5])
    cover_low, cover_high = daylight.cover
    grass = linear(biome.grass[0])
    sun = _scaled(linear(daylight.sun), 2.05 * daylight.sun_strength)
    ambient = _scaled(linear(daylight.ambient), 1.7 * daylight.ambient_strength)
    red, green, blue = (
        g * (0.22 * s * math.sin(elevation) + 0.35 * a) for g, s, a in zip(grass, sun, ambient, strict=True)
    )
    return Light(
        sun_x=math.cos(elevation) * math.sin(azimuth),
        sun_y=math.sin(elevation),
        sun_z=math.cos(elevation) * math.cos(azimuth),
        shadow_run=min(3.0, 1.0 / math.tan(elevation)),
        sun=sun,
        ambient=ambient,
        bounce=(red, green, blue),
        zenith=linear(daylight.zenith),
        horizon=linear(daylight.horizon),
        glow=linear(daylight.glow),
        cloud=linear(daylight.cloud),
        cloud_shade=linear(daylight.cloud_shade),
        cover=cover_low + (cover_high - cover_low) * float(spread[6]),
        haze=daylight.haze * (0.8 + 0.5 * float(spread[7])),
        lamps=daylight.lamps,
        stars=daylight.stars,
    )


def _scaled(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor
