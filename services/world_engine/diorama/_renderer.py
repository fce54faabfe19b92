"""Draws sub-frames: a coarse inverse map, one `cv2.remap` per visible copy of the picture, and a dissolve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.world_engine.diorama._canvas import Canvas, in_detail
from services.world_engine.diorama._geometry import (
    SKY_ROWS,
    Field,
    Rays,
    atlas_angles,
    atlas_points,
    blend_rays,
    near_rays,
    view_rays,
)
from services.world_engine.diorama._near_layer import draw_near_layer
from services.world_engine.diorama._phases import BACKDROP_SHARE, Home, Phases
from services.world_engine.diorama._scene import ATLAS_COLUMNS, ATLAS_ROWS, RELIEF_CELL, SIDE_COLUMNS, Scene
from services.world_engine.diorama._things_renderer import draw_things
from services.world_engine.diorama._walls import wall_inverse_distance
from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama.motion import Player

_MIDDLE = SIDE_COLUMNS + (WIDTH - 1) / 2  # the atlas column of the seed's centre


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a sub-frame depends on besides the scene."""

    player: Player
    phases: Phases


class Renderer:
    """Draws the frames of one world in one size. One thread at a time uses it.

    It keeps its buffers, because allocating them for every frame would double its cost through page faults.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        cell, height, width = canvas.cell, canvas.height, canvas.width
        map_shape = (len(canvas.rows) * cell, canvas.columns.shape[1] * cell)
        self._maps = (np.empty(map_shape, dtype=np.float32), np.empty(map_shape, dtype=np.float32))
        self._current = np.empty((height, width, 4), dtype=np.uint8)
        self._coming = np.empty((height, width, 4), dtype=np.uint8)
        self._reduced: tuple[Scene, Scene] | None = None  # the scene that was drawn last, and what is drawn of it

    def draw(self, scene: Scene, view: View, out: NDArray[np.uint8]) -> None:
        """Draw a sub-frame into `out`, [height, width, 3] of the canvas."""
        scene, phases = self._in_detail(scene), view.phases
        picture = self._current
        self._draw_copy(scene, view.player, phases.current, picture)
        if phases.coming is not None and phases.weight > 0.002:
            only_ground_differs = phases.coming.shares_backdrop(phases.current) and not scene.walls.stand
            first_row = self._horizon_row(scene, view.player) if only_ground_differs else 0
            coming = self._coming[first_row:]
            self._draw_copy(scene, view.player, phases.coming, coming)
            below = picture[first_row:]
            cv2.addWeighted(below, 1.0 - phases.weight, coming, phases.weight, 0.0, dst=below)
        cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB, dst=out)
        draw_things(scene.things, view.player, scene.horizon, out)
        draw_near_layer(scene.near, view.player, scene.horizon, out)

    def _in_detail(self, scene: Scene) -> Scene:
        if self._reduced is None or self._reduced[0] is not scene:
            self._reduced = (scene, in_detail(scene, self._canvas))
        return self._reduced[1]

    def _draw_copy(self, scene: Scene, player: Player, home: Home, out: NDArray[np.uint8]) -> None:
        """Draw one copy of the picture into `out`, [rows, width, 4]: the lowest `rows`, from the edge of a cell on."""
        cell, count = self._canvas.cell, len(out)
        first_cell = (self._canvas.height - count) // cell
        u, v = _atlas_pixels(scene, *self._seen_points(scene, player, home, self._canvas.rows[first_cell:]))
        fine_u, fine_v = (
            _enlarge(coarse, cell, buffer)[cell : cell + count, cell : cell + self._canvas.width]
            for coarse, buffer in zip((u, v), self._maps, strict=True)
        )
        cv2.remap(scene.atlas, fine_u, fine_v, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)

    def _horizon_row(self, scene: Scene, player: Player) -> int:
        """The frame's row of the horizon, rounded towards the top to a whole cell."""
        canvas = self._canvas
        row = (scene.horizon + FOCAL * math.tan(player.pitch)) / canvas.down
        return int(max(0, min(canvas.height - canvas.cell, row)) // canvas.cell) * canvas.cell

    def _seen_points(self, scene: Scene, player: Player, home: Home, rows: Field) -> tuple[Field, Field]:
        rays = view_rays(self._canvas.columns, rows, horizon=scene.horizon, yaw=player.yaw, pitch=player.pitch)
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


def _atlas_pixels(scene: Scene, u: Field, v: Field) -> tuple[Field, Field]:
    """Columns and rows of the atlas in the pixels that it has."""
    height, width = scene.atlas.shape[:2]
    if (height, width) == (ATLAS_ROWS, ATLAS_COLUMNS):
        return u, v
    across, down = np.float32(width / ATLAS_COLUMNS), np.float32(height / ATLAS_ROWS)
    return (u + 0.5) * across - 0.5, (v + 0.5) * down - 0.5


def _enlarge(coarse: Field, cell: int, buffer: Field) -> Field:
    """Interpolate grid points to pixels, in `buffer`."""
    height, width = coarse.shape[0] * cell, coarse.shape[1] * cell
    fine = buffer[:height]
    cv2.resize(coarse, (width, height), dst=fine, interpolation=cv2.INTER_LINEAR)
    return fine
