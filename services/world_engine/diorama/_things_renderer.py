"""Draws things over a frame: each as a flat cut-out that stands in the world and turns with whoever looks at it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from services.world_engine.diorama._things import Stand
from services.world_engine.diorama.constants import EYE_HEIGHT, FOCAL, HALF_FOV, HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._things import Sprite, Things
    from services.world_engine.diorama.motion import Player

# The things stand around the start, and again around every point of a square lattice. Those of another point are out of
# sight from the start, as they are farther away than `GONE`.
LATTICE: Final = 44.0  # metres
FADES: Final = 20.0  # metres, from which on things fade with the distance
GONE: Final = 25.0
_TOUCHED: Final = (0.7, 1.5)  # metres, between which what is walked through fades
_BEHIND: Final = 0.2  # metres before the eye that a corner needs, or it has no place in the frame
_VIEW: Final = 1.5 * HALF_FOV  # a little more than what is seen when the player looks up or down


class _Seen(NamedTuple):
    away: float
    x: float  # metres from the player
    z: float
    stand: Stand


def draw_things(things: Things, player: Player, horizon: float, out: NDArray[np.uint8]) -> None:
    """Draw `things` over `out`, a frame of any size, the farthest first. `horizon` is a row of one of HEIGHT rows."""
    for seen in sorted(_in_view(things, player), reverse=True, key=lambda one: one.away):
        sprite = things.sprites[seen.stand.sprite]
        corners = _corners(sprite, seen, player, horizon)
        if corners is not None:
            _lay(sprite.rgba, _on_frame(corners, out), _opacity(seen.away), out)


def draw_sprite(sprite: Sprite, player: Player, horizon: float, opacity: float, out: NDArray[np.uint8]) -> None:
    """Draw a sprite that goes with the player's steps, but not with their turns."""
    middle = (sprite.left + sprite.right) / 2
    stand = Stand(0, middle, sprite.ahead, mirrored=False)
    corners = _corners(sprite, _Seen(sprite.ahead, middle, sprite.ahead, stand), player, horizon)
    if corners is not None:
        _lay(sprite.rgba, corners, opacity, out)


def _in_view(things: Things, player: Player) -> list[_Seen]:
    nearest_x, nearest_z = (LATTICE * math.floor(at / LATTICE + 0.5) for at in (player.x, player.z))
    found: list[_Seen] = []
    for stand in things.stands:
        half_width = things.sprites[stand.sprite].half_width
        for across in (-LATTICE, 0.0, LATTICE):
            for along in (-LATTICE, 0.0, LATTICE):
                x, z = stand.x + nearest_x + across - player.x, stand.z + nearest_z + along - player.z
                away = math.hypot(x, z)
                if not _TOUCHED[0] < away < GONE:
                    continue
                aside = abs(math.remainder(math.atan2(x, z) - player.yaw, 2.0 * math.pi))
                if aside - math.atan(half_width / away) < _VIEW:
                    found.append(_Seen(away, x, z, stand))
    return found


def _opacity(away: float) -> float:
    near, far = _TOUCHED
    return min(1.0, (GONE - away) / (GONE - FADES)) * min(1.0, (away - near) / (far - near))


def _corners(sprite: Sprite, seen: _Seen, player: Player, horizon: float) -> NDArray[np.float32] | None:
    """Where the sprite's corners are in a frame of WIDTH by HEIGHT, pixels, [4, 2]: clockwise from its top left.

    None: one of them is beside the eye. The sprite's plane turns with the direction from the player, so that it always
    looks as it did in the picture.
    """
    turn = math.atan2(seen.x, seen.z) - (-sprite.azimuth if seen.stand.mirrored else sprite.azimuth)
    along_x, along_z = math.cos(turn), -math.sin(turn)
    sin_y, cos_y = math.sin(player.yaw), math.cos(player.yaw)
    sin_p, cos_p = math.sin(player.pitch), math.cos(player.pitch)
    reach = -sprite.half_width if seen.stand.mirrored else sprite.half_width
    places: list[tuple[float, float]] = []
    for across, height in (
        (-reach, sprite.top),
        (reach, sprite.top),
        (reach, sprite.bottom),
        (-reach, sprite.bottom),
    ):
        x, y, z = seen.x + across * along_x, height + EYE_HEIGHT - player.eye, seen.z + across * along_z
        aside, onward = x * cos_y - z * sin_y, x * sin_y + z * cos_y
        ahead = onward * cos_p + y * sin_p
        if ahead < _BEHIND:
            return None
        up = y * cos_p - onward * sin_p
        places.append(((WIDTH - 1) / 2 + aside / ahead * FOCAL, horizon - up / ahead * FOCAL))
    return np.array(places, dtype=np.float32)


def _on_frame(corners: NDArray[np.float32], out: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The same corners in pixels of `out`."""
    height, width = out.shape[:2]
    if (height, width) == (HEIGHT, WIDTH):
        return corners
    scale = np.array([width / WIDTH, height / HEIGHT], dtype=np.float32)
    return ((corners + 0.5) * scale - 0.5).astype(np.float32)


def _lay(rgba: NDArray[np.uint8], corners: NDArray[np.float32], opacity: float, out: NDArray[np.uint8]) -> None:
    """Lay a picture with alpha over the frame, its corners where they are told."""
    left, top = (max(0, math.floor(float(edge))) for edge in corners.min(axis=0))
    right, bottom = (
        min(size, math.ceil(float(edge)) + 1) for edge, size in zip(corners.max(axis=0), out.shape[1::-1], strict=True)
    )
    if left >= right or top >= bottom:
        return
    height, width = rgba.shape[:2]
    own = np.array([(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)], np.float32)
    placing = cv2.getPerspectiveTransform(own, corners - np.array([left, top], dtype=np.float32))
    seen = cv2.warpPerspective(rgba, placing, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    if opacity < 1.0:
        seen = cv2.convertScaleAbs(seen, alpha=opacity)
    clear = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(seen, 3)), cv2.COLOR_GRAY2RGB)
    below = out[top:bottom, left:right]
    colours = cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB)
    cv2.add(cv2.multiply(below, clear, scale=1.0 / 255.0), colours, dst=below)
