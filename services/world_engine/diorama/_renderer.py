"""Draws sub-frames: a coarse inverse map, one `cv2.remap` per visible copy of the picture, and a dissolve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.world_engine.diorama._geometry import (
    CELL,
    SKY_ROWS,
    Field,
    Rays,
    atlas_angles,
    atlas_points,
    blend_rays,
    near_rays,
    screen_grid,
    view_rays,
)
from services.world_engine.diorama._near_layer import draw_near_layer
from services.world_engine.diorama._phases import BACKDROP_SHARE, Home, Phases
from services.world_engine.diorama._scene import RELIEF_CELL, SIDE_COLUMNS, Scene
from services.world_engine.diorama._things_renderer import draw_things
from services.world_engine.diorama._walls import wall_inverse_distance
from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama.motion import Player

_MIDDLE = SIDE_COLUMNS + (WIDTH - 1) / 2  # the atlas column of the seed's centre


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a sub-frame depends on besides the scene."""

    player: Player
    phases: Phases


class Scratch:
    """The drawing buffers of one world. Allocating them for every frame would double its cost through page faults."""

    def __init__(self) -> None:
        map_shape = (HEIGHT + 2 * CELL, WIDTH + 2 * CELL)
        self.maps = (np.empty(map_shape, dtype=np.float32), np.empty(map_shape, dtype=np.float32))
        self.current = np.empty((HEIGHT, WIDTH, 4), dtype=np.uint8)
        self.coming = np.empty((HEIGHT, WIDTH, 4), dtype=np.uint8)


class Renderer:
    """Has no state between calls. Safe to use from several threads, each with its own `Scratch`."""

    def __init__(self) -> None:
        self._columns, self._rows = screen_grid()

    def draw(self, scene: Scene, view: View, scratch: Scratch, out: NDArray[np.uint8]) -> None:
        """Draw a sub-frame into `out`, [HEIGHT, WIDTH, 3]."""
        phases = view.phases
        picture = scratch.current
        self._draw_copy(scene, view.player, phases.current, scratch.maps, picture)
        if phases.coming is not None and phases.weight > 0.002:
            only_ground_differs = phases.coming.shares_backdrop(phases.current) and not scene.walls.stand
            first_row = _horizon_row(scene, view.player) if only_ground_differs else 0
            coming = scratch.coming[first_row:]
            self._draw_copy(scene, view.player, phases.coming, scratch.maps, coming)
            below = picture[first_row:]
            cv2.addWeighted(below, 1.0 - phases.weight, coming, phases.weight, 0.0, dst=below)
        cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB, dst=out)
        draw_things(scene.things, view.player, scene.horizon, out)
        draw_near_layer(scene.near, view.player, scene.horizon, out)

    def _draw_copy(
        self, scene: Scene, player: Player, home: Home, maps: tuple[Field, Field], out: NDArray[np.uint8]
    ) -> None:
        """Draw one copy of the picture into `out`, [rows, WIDTH, 4]: the lowest `rows`, a multiple of `CELL`."""
        first_cell = (HEIGHT - len(out)) // CELL
        u, v = self._seen_points(scene, player, home, self._rows[first_cell:])
        fine_u, fine_v = _enlarge(u, maps[0]), _enlarge(v, maps[1])
        cv2.remap(scene.atlas, fine_u, fine_v, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)

    def _seen_points(self, scene: Scene, player: Player, home: Home, rows: Field) -> tuple[Field, Field]:
        rays = view_rays(self._columns, rows, horizon=scene.horizon, yaw=player.yaw, pitch=player.pitch)
        backdrop = self._backdrop_rays(scene, player, home, rays)
        if not scene.has_ground:
            return _locate(scene, backdrop, player.yaw)
        near, share = _near_rays(scene, player, home, rays)
        return _locate(scene, blend_rays(backdrop, near, share), player.yaw)

    def _backdrop_rays(self, scene: Scene, player: Player, home: Home, rays: Rays) -> Rays:
        """The rays along which the seed's camera saw the relief points that `rays` hit.

        The player sees the relief point in direction q with inverse distance n along q - n * offset. Its inverse is a
        fixed point. Two iterations suffice, because the relief is smooth and n * offset stays well below one.
        """
        x, z = home.backdrop_offset(player)
        y = (player.eye - EYE_HEIGHT) * BACKDROP_SHARE
        if x == 0.0 and y == 0.0 and z == 0.0:
            return rays
        length = np.sqrt(rays.x * rays.x + rays.y * rays.y + rays.z * rays.z)
        shifted = rays
        for _ in range(2):
            inverse_distance = _cells_at(scene.relief, *_locate(scene, shifted, player.yaw)) * length
            shifted = Rays(
                rays.x + inverse_distance * np.float32(x),
                rays.y + inverse_distance * np.float32(y),
                rays.z + inverse_distance * np.float32(z),
            )
        return shifted


def _locate(scene: Scene, rays: Rays, near_azimuth: float) -> tuple[Field, Field]:
    """Atlas columns and rows of rays."""
    azimuth, slope = atlas_angles(rays, near_azimuth=near_azimuth)
    u, v = atlas_points(azimuth, slope, horizon=scene.horizon)
    return u + np.float32(_MIDDLE), v + np.float32(SKY_ROWS)


def _near_rays(scene: Scene, player: Player, home: Home, rays: Rays) -> tuple[Rays, Field]:
    """The rays along which the seed's camera saw the ground or wall points that `rays` hit, and their weight.

    Above the horizon a wall has weight only where the picture shows upright objects.
    """
    x, z = home.ground_offset(player)
    if not scene.walls.stand:
        return near_rays(rays, np.zeros_like(rays.x), x=x, z=z, eye=player.eye)
    walls = wall_inverse_distance(scene.walls, np.arctan2(rays.x, rays.z), x=x, z=z)
    near, share = near_rays(rays, walls, x=x, z=z, eye=player.eye)
    stands = _cells_at(scene.upright, *_locate(scene, near, player.yaw))
    rising = np.clip(8.0 * rays.y / np.hypot(rays.x, rays.z), 0.0, 1.0)
    return near, share * (1.0 + rising * (np.clip(2.5 * stands - 0.5, 0.0, 1.0) - 1.0))


def _cells_at(cells: Field, u: Field, v: Field) -> Field:
    scale = np.float32(1.0 / RELIEF_CELL)
    found = cv2.remap(
        cells,
        (u + 0.5) * scale - 0.5,
        (v + 0.5) * scale - 0.5,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, dtype=np.float32)


def _enlarge(coarse: Field, buffer: Field) -> Field:
    """Interpolate grid points to pixels, in `buffer`. The margin of one cell all around is cropped."""
    height, width = coarse.shape[0] * CELL, coarse.shape[1] * CELL
    fine = buffer[:height]
    cv2.resize(coarse, (width, height), dst=fine, interpolation=cv2.INTER_LINEAR)
    return fine[CELL:-CELL, CELL:-CELL]


def _horizon_row(scene: Scene, player: Player) -> int:
    """The screen row of the horizon, rounded towards the top to a whole cell."""
    row = scene.horizon + FOCAL * math.tan(player.pitch)
    return int(max(0, min(HEIGHT - CELL, row)) // CELL) * CELL
