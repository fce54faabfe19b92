"""Renders what a player sees in a built place: sky, floor and boxes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator._boxes import FLOOR, NOTHING, hit_box, hit_floor, shade_box, shade_floor
from simulator._columns import haze_at, panorama_column
from simulator._jit import inner, njit
from simulator._lens import camera_of, focal_of
from simulator._sky import paint_sky, sky_at
from simulator._solids import Column
from simulator.renderer import gather_samples, tone_curve, write_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator._boxes import Floor, Lighting
    from simulator._shapes import Camera
    from simulator.places import Place
    from simulator.player import PlayerState
    from simulator.world import Light

_SHELL: Final = 17  # field of a box
_HAZE_SLOPE: Final = 0.012  # of the sky that haze has the colour of


class PlaceRenderer:
    """Draws one place at one picture size, as `Renderer` draws a world. For one thread at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        config = place.world.config
        self._samples = config.supersample
        self._rows, self._columns = config.height * config.supersample, config.width * config.supersample
        self._focal = focal_of(self._columns, config.fov_deg)
        self._tones = tone_curve()
        self._sky = paint_sky(place.world.light, place.world.relief.salt)

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
        """Draw what a player sees, with the arguments of `Renderer.draw`.

        What is nearer than `nearest_m` is left out pixel by pixel, but walls and ceilings of a room stay. Infinity
        leaves the floor alone.
        """
        place = self._place
        camera = camera_of(state, self._focal, self._rows, self._columns)
        _draw(
            camera,
            place.boxes if math.isfinite(nearest_m) else place.boxes[:0],
            place.lamps,
            place.floor,
            place.lighting,
            place.world.light,
            self._sky,
            nearest_m,
            self._tones,
            self._samples,
            out,
            np.empty((0, 0), dtype=np.float32) if depth is None else depth,
        )


@njit
def _draw(
    camera: Camera,
    boxes: NDArray[np.float64],
    lamps: NDArray[np.float64],
    floor: Floor,
    lighting: Lighting,
    light: Light,
    panorama: NDArray[np.float32],
    nearest_m: float,
    tones: NDArray[np.uint8],
    samples: int,
    out: NDArray[np.uint8],
    depth: NDArray[np.float32],
) -> None:
    colours = np.empty((camera.rows, 3), dtype=np.float32)
    distances = np.empty(camera.rows, dtype=np.float32)
    hits = np.empty((camera.rows, 2), dtype=np.int64)
    sums = np.zeros((out.shape[0], 3))
    nearest = np.empty(out.shape[0], dtype=np.float32)
    for c in range(camera.columns):
        column = _column(camera, panorama, c)
        hit_floor(column, distances, hits, camera.y)
        for n in range(boxes.shape[0]):
            from_m = 0.0 if boxes[n, _SHELL] > 0.0 else nearest_m
            hit_box(column, distances, hits, boxes[n], n, camera.x, camera.y, camera.z, from_m)
        _shade(camera, column, boxes, lamps, floor, lighting, light, panorama, distances, hits, colours)
        gather_samples(colours, distances, samples, c % samples, sums, nearest)
        if (c + 1) % samples == 0:
            write_pixels(sums, nearest, tones, samples, c // samples, out, depth)


@inner
def _shade(
    camera: Camera,
    column: Column,
    boxes: NDArray[np.float64],
    lamps: NDArray[np.float64],
    floor: Floor,
    lighting: Lighting,
    light: Light,
    panorama: NDArray[np.float32],
    distances: NDArray[np.float32],
    hits: NDArray[np.int64],
    colours: NDArray[np.float32],
) -> None:
    """Fill the colours [rows, 3] of a column."""
    place = panorama_column(column)
    for row in range(distances.shape[0]):
        s = (column.horizon - row - 0.5) / column.focal
        t, n = float(distances[row]), hits[row, 0]
        haze = haze_at(light, t) * (1.0 - lighting.indoors)
        if n == NOTHING:
            colour, haze = sky_at(panorama, place, s), 0.0
        elif n == FLOOR:
            colour = shade_floor(column, floor, lamps, light, lighting, camera.x, camera.z, t)
        else:
            face = hits[row, 1]
            colour = shade_box(column, boxes[n], face, lamps, light, lighting, camera.x, camera.y, camera.z, t, s)
        for channel in range(3):
            colours[row, channel] = colour[channel] + (column.haze[channel] - colour[channel]) * haze


@inner
def _column(camera: Camera, panorama: NDArray[np.float32], c: int) -> Column:
    aside = (c + 0.5 - 0.5 * camera.columns) / camera.focal
    length = math.sqrt(1.0 + aside * aside)
    dx = (camera.forward_x + aside * camera.forward_z) / length
    dz = (camera.forward_z - aside * camera.forward_x) / length
    column = Column(dx, dz, camera.focal * length, camera.horizon, (0.0, 0.0, 0.0))
    return Column(dx, dz, camera.focal * length, camera.horizon, sky_at(panorama, panorama_column(column), _HAZE_SLOPE))
