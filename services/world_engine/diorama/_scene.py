"""Prepares a picture once: the atlas of all directions, the horizon, the walls, and the relief of the backdrop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.world_engine.diorama import _close_up
from services.world_engine.diorama._cut import NOTHING
from services.world_engine.diorama._geometry import SKY_ROWS, SOIL_ROWS, Field, unsqueeze
from services.world_engine.diorama._horizon import find_horizon
from services.world_engine.diorama._near_layer import NO_NEAR_LAYER, NearLayer, take_off
from services.world_engine.diorama._near_things import find_near_things
from services.world_engine.diorama._things import NO_THINGS, Things, take_apart
from services.world_engine.diorama._walls import Walls, find_walls
from services.world_engine.diorama.constants import HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._cut import Cut
    from services.world_engine.world_engine import Picture

# Half a turn is 1.5 tiles. A view straight back needs most of another tile on either side.
SIDE_TILES: Final = 2.4
SIDE_COLUMNS: Final = int(SIDE_TILES * WIDTH)
ATLAS_COLUMNS: Final = WIDTH + 2 * SIDE_COLUMNS
ATLAS_ROWS: Final = SKY_ROWS + HEIGHT + SOIL_ROWS
RELIEF_CELL: Final = 16
GRAIN: Final = 6.0  # grey levels of gradient that film grain and JPEG leave in a clear sky
NEAREST: Final = 1.0 / 9.0  # the largest inverse distance (1/m) of the backdrop


@dataclass(frozen=True, slots=True)
class Scene:
    """`atlas` is [ATLAS_ROWS, ATLAS_COLUMNS, 4], or fewer pixels of the same: red, green, blue and padding.

    It has four channels because `cv2.remap` reads them twice as fast as three. `relief` holds inverse distances (1/m)
    of the backdrop for cells of `RELIEF_CELL` atlas pixels. `upright` says how much each cell belongs to upright
    objects, 0 (open sky) to 1. Without ground the backdrop is all there is. `things` were cut out of the picture by
    `cut`, and `near` is what reached into it from its lower edge; the atlas shows what may be behind both.
    """

    atlas: NDArray[np.uint8]
    relief: Field
    upright: Field
    horizon: float
    walls: Walls
    has_ground: bool = True
    cut: Cut = NOTHING
    things: Things = NO_THINGS
    near: NearLayer = NO_NEAR_LAYER


def build_scene(picture: Picture, cut: Cut = NOTHING) -> Scene:
    """The surroundings of a place, [HEIGHT, WIDTH, 3], to walk through."""
    horizon = find_horizon(picture)
    picture, near = take_off(picture, find_near_things(picture, horizon), horizon)
    upright = _estimate_upright(picture)
    walls = find_walls(picture, upright, horizon)
    picture, things = take_apart(picture, cut, horizon)
    if things.sprites:
        upright = _estimate_upright(picture)
    soil = _continue_plane(picture, horizon, SOIL_ROWS)
    sky = _soften(_continue_plane(picture[::-1], HEIGHT - 1 - horizon, SKY_ROWS))[::-1]
    tile = cv2.cvtColor(np.concatenate([sky, picture, soil]), cv2.COLOR_RGB2RGBA)
    atlas = cv2.copyMakeBorder(tile, 0, 0, SIDE_COLUMNS, SIDE_COLUMNS, cv2.BORDER_REFLECT)
    return Scene(
        atlas=np.asarray(atlas, dtype=np.uint8),
        relief=_extend_cells(_relief(upright)),
        upright=_extend_cells(upright),
        horizon=horizon,
        walls=walls,
        cut=cut,
        things=things,
        near=near,
    )


def build_close_up(picture: Picture, cut: Cut = NOTHING) -> Scene:
    """A picture, [HEIGHT, WIDTH, 3], to lean towards."""
    upright = _estimate_upright(picture)
    tile = _close_up.surround(picture, SIDE_COLUMNS)
    return Scene(
        atlas=np.asarray(cv2.cvtColor(tile, cv2.COLOR_RGB2RGBA), dtype=np.uint8),
        relief=_extend_cells(_close_up.relief(upright)),
        upright=_extend_cells(upright),
        horizon=(HEIGHT - 1) / 2,
        walls=Walls(left=0.0, right=0.0),
        has_ground=False,
        cut=cut,
    )


def _continue_plane(picture: Picture, horizon: float, rows: int) -> NDArray[np.uint8]:
    """Extend the picture by `rows` rows below it: its ground is mirrored in depth, as a plane that continues below.

    In units of the nearest visible depth, a row at depth z shows the ground at depth 2 - z with the same lateral
    offset. So paths keep their width, and all directions meet in one point at the player's feet.
    """
    edge = HEIGHT - 0.5 - horizon
    beyond = unsqueeze(np.arange(rows, dtype=np.float32) + 0.5, rows)
    depth = edge / (edge + beyond)[:, None]
    middle = (WIDTH - 1) / 2
    source_u = middle + (np.arange(WIDTH, dtype=np.float32) - middle)[None, :] * (depth / (2.0 - depth))
    source_v = np.broadcast_to(horizon + edge / (2.0 - depth), source_u.shape)
    found = cv2.remap(
        np.ascontiguousarray(picture),
        source_u.astype(np.float32),
        source_v.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(found, dtype=np.uint8)


def _soften(band: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blur `band` more and more from its first row, which stays, to its last, which becomes one colour.

    The result is a sky without landmarks.
    """
    depth = np.linspace(0.0, 1.0, band.shape[0], dtype=np.float32)[:, None, None]
    result = band.astype(np.float32)
    for start, end, sigma in ((0.05, 0.4, 8.0), (0.3, 0.8, 32.0)):
        soft = np.asarray(cv2.GaussianBlur(band, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)
        result += np.clip((depth - start) / (end - start), 0.0, 1.0) * (soft - result)
    mean = band.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    result += np.clip((depth - 0.6) / 0.38, 0.0, 1.0) * (mean - result)
    return np.rint(result).astype(np.uint8)


def _estimate_upright(picture: Picture) -> Field:
    """How much each cell belongs to upright objects rather than sky, 0 to 1, judged by its detail."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.5), dtype=np.float32)
    slope_x = np.asarray(cv2.Sobel(grey, cv2.CV_32F, 1, 0), dtype=np.float32)
    slope_y = np.asarray(cv2.Sobel(grey, cv2.CV_32F, 0, 1), dtype=np.float32)
    size = (WIDTH // RELIEF_CELL, HEIGHT // RELIEF_CELL)
    detail = np.asarray(cv2.resize(np.hypot(slope_x, slope_y), size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    detail = np.asarray(cv2.GaussianBlur(detail, (0, 0), 2.5), dtype=np.float32)
    upright = 1.0 - np.exp(-np.maximum(detail - GRAIN, 0.0) / 20.0)
    return upright.astype(np.float32)


def _relief(upright: Field) -> Field:
    """A smooth estimate of inverse distances: objects are nearer than the sky, and the sides nearer than the middle."""
    aside = np.abs(np.linspace(-1.0, 1.0, upright.shape[1], dtype=np.float32))[None, :]
    return np.asarray(cv2.GaussianBlur(NEAREST * upright * (0.3 + 0.7 * aside**1.5), (0, 0), 2.5), dtype=np.float32)


def _extend_cells(cells: Field) -> Field:
    """Extend cells of the seed to cells of the whole atlas, mirrored as in the atlas."""
    above, below, beside = SKY_ROWS // RELIEF_CELL, SOIL_ROWS // RELIEF_CELL, SIDE_COLUMNS // RELIEF_CELL
    return np.asarray(cv2.copyMakeBorder(cells, above, below, beside, beside, cv2.BORDER_REFLECT), dtype=np.float32)
