"""Renders what a player sees: gathers shapes, draws columns of samples, and averages them into pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator._columns import Steps, draw_land, draw_sky, haze_at, make_steps, mirror
from simulator._facades import draw_house
from simulator._jit import inner, njit
from simulator._lens import camera_of, focal_of
from simulator._shapes import HOUSE, MOST_SHAPES, SHAPE_FIELDS, Camera, column_range, gather
from simulator._sky import sky_at
from simulator._solids import Column, draw_solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.player import PlayerState
    from simulator.surroundings import Ground, Surroundings
    from simulator.world import Light, Paint

_BAND: Final = 16  # columns that share a list of shapes
_TONES: Final = 4096  # entries of the tone curve
_BRIGHTEST: Final = 4.0  # linear value at its end


class Renderer:
    """Draws one world at one picture size, with buffers for both. For one thread at a time. `draw` releases the GIL."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        config, light = surroundings.world.config, surroundings.world.light
        self._samples = config.supersample
        self._rows, self._columns = config.height * config.supersample, config.width * config.supersample
        self._focal = focal_of(self._columns, config.fov_deg)
        self._steps = make_steps(light)
        self._tones = tone_curve()
        self._shapes = np.zeros((MOST_SHAPES, SHAPE_FIELDS))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture, pixels."""
        return self._rows // self._samples, self._columns // self._samples

    def draw(
        self,
        state: PlayerState,
        out: NDArray[np.uint8],
        depth: NDArray[np.float32] | None = None,
        *,
        nearest_m: float = 0.0,
    ) -> None:
        """Draw what a player sees.

        `out` is uint8 [height, width, 3], RGB. `depth`, if given, is float32 [height, width]. It gets the smallest
        horizontal distance in metres among a pixel's samples, infinite for the sky. Plants, rocks and
        houses whose middle is nearer than `nearest_m` metres are left out; their shadows stay.
        """
        around = self._surroundings
        world = around.world
        around.follow(state.x, state.z)
        camera = camera_of(state, self._focal, self._rows, self._columns)
        count = gather(around.ground, world.paint, camera, self._shapes)
        away = self._shapes[:count, 12]
        order = np.argsort(away, kind="stable")
        _draw(
            camera,
            around.ground,
            order[np.searchsorted(away[order], nearest_m) :],
            world.light,
            world.paint,
            self._steps,
            around.sky,
            around.texture,
            around.volume,
            self._shapes,
            self._tones,
            self._samples,
            out,
            np.empty((0, 0), dtype=np.float32) if depth is None else depth,
        )


def tone_curve() -> NDArray[np.uint8]:
    """sRGB bytes for linear values from 0 to _BRIGHTEST. The curve keeps dark values and compresses highlights."""
    linear = np.linspace(0.0, _BRIGHTEST, _TONES) * 0.92
    knee = 0.55
    over = np.maximum(0.0, linear - knee)
    curved = np.minimum(linear, knee) + (1.0 - knee) * (1.0 - np.exp(-over / (1.0 - knee)))
    encoded = np.where(curved <= 0.0031308, 12.92 * curved, 1.055 * curved ** (1.0 / 2.4) - 0.055)
    return np.ascontiguousarray(np.round(255.0 * np.clip(encoded, 0.0, 1.0)), dtype=np.uint8)


@njit
def _draw(
    camera: Camera,
    ground: Ground,
    order: NDArray[np.int64],
    light: Light,
    paint: Paint,
    steps: Steps,
    panorama: NDArray[np.float32],
    texture: NDArray[np.float32],
    volume: NDArray[np.float32],
    shapes: NDArray[np.float64],
    tones: NDArray[np.uint8],
    samples: int,
    out: NDArray[np.uint8],
    depth: NDArray[np.float32],
) -> None:
    near_height, near_colour, far_height, far_colour, _, houses = ground
    step_distance, step_haze, step_coarse = steps
    count, snow = order.shape[0], paint.snow
    ranges = np.empty((count, 2), dtype=np.int64)
    haze = np.empty(count)
    for n in range(count):
        ranges[n, 0], ranges[n, 1] = column_range(camera, shapes[n])
        haze[n] = haze_at(light, shapes[n, 12])
    band = np.empty(count, dtype=np.int64)
    in_band = 0
    colours = np.empty((camera.rows, 3), dtype=np.float32)
    distances = np.empty(camera.rows, dtype=np.float32)
    wet = np.empty(camera.rows, dtype=np.float32)
    sums = np.zeros((out.shape[0], 3))
    nearest = np.empty(out.shape[0], dtype=np.float32)
    for c in range(camera.columns):
        if c % _BAND == 0:
            in_band = 0
            for n in order:
                if ranges[n, 0] < c + _BAND and ranges[n, 1] >= c:
                    band[in_band] = n
                    in_band += 1
        aside = (c + 0.5 - 0.5 * camera.columns) / camera.focal
        length = math.sqrt(1.0 + aside * aside)
        dx = (camera.forward_x + aside * camera.forward_z) / length
        dz = (camera.forward_z - aside * camera.forward_x) / length
        sky_column = math.atan2(dx, dz) * (panorama.shape[0] / (2.0 * math.pi))
        column = Column(dx, dz, camera.focal * length, camera.horizon, sky_at(panorama, sky_column, 0.012))
        rows = draw_land(
            column,
            colours,
            distances,
            wet,
            near_height,
            near_colour,
            far_height,
            far_colour,
            step_distance,
            step_haze,
            step_coarse,
            texture,
            camera.x,
            camera.y,
            camera.z,
        )
        draw_sky(column, colours, distances, wet, panorama, rows)
        for m in range(in_band):
            n = band[m]
            if ranges[n, 0] <= c <= ranges[n, 1]:
                if shapes[n, 0] == HOUSE:
                    house = houses[int(shapes[n, 13]), int(shapes[n, 14])]
                    draw_house(
                        column,
                        colours,
                        distances,
                        wet,
                        house,
                        camera.x,
                        camera.y,
                        camera.z,
                        light,
                        paint,
                        float(haze[n]),
                    )
                else:
                    draw_solid(column, colours, distances, wet, shapes[n], light, snow, volume, float(haze[n]))
        mirror(column, colours, distances, wet, panorama, texture, camera.x, camera.z)
        gather_samples(colours, distances, samples, c % samples, sums, nearest)
        if (c + 1) % samples == 0:
            write_pixels(sums, nearest, tones, samples, c // samples, out, depth)


@inner
def gather_samples(
    colours: NDArray[np.float32],
    distances: NDArray[np.float32],
    samples: int,
    part: int,
    sums: NDArray[np.float64],
    nearest: NDArray[np.float32],
) -> None:
    for y in range(sums.shape[0]):
        if part == 0:
            sums[y, 0], sums[y, 1], sums[y, 2] = 0.0, 0.0, 0.0
            nearest[y] = np.inf
        for row in range(y * samples, (y + 1) * samples):
            # Bright samples are capped, because otherwise the edge of the sun would be jagged.
            for c in range(3):
                sums[y, c] += min(colours[row, c], 1.6)
            nearest[y] = min(nearest[y], distances[row])


@inner
def write_pixels(
    sums: NDArray[np.float64],
    nearest: NDArray[np.float32],
    tones: NDArray[np.uint8],
    samples: int,
    x: int,
    out: NDArray[np.uint8],
    depth: NDArray[np.float32],
) -> None:
    scale = (_TONES - 1) / (_BRIGHTEST * samples * samples)
    for y in range(sums.shape[0]):
        for c in range(3):
            out[y, x, c] = tones[min(_TONES - 1, max(0, int(sums[y, c] * scale + 0.5)))]
        if depth.shape[0] > 0:
            depth[y, x] = nearest[y]
