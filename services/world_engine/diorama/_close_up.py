"""Pictures that are not walked into: close-ups, portraits, pages. The player leans towards them and looks about.

Nobody walks over a table top as if it were a plain. So such a picture stands before the player as one softly curved
surface, a step away; whatever lies beyond its edges is its own blurred reflection.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.world_engine.diorama._geometry import SKY_ROWS, SOIL_ROWS, unsqueeze
from services.world_engine.diorama.constants import WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._geometry import Field
    from services.world_engine.diorama.motion import Player
    from services.world_engine.world_engine import Picture

LEASH: Final = 4.0  # metres that the player may go from where they began; the view follows by a third of it
TURN_LIMIT: Final = math.radians(24.0)
TILT_LIMIT: Final = math.radians(14.0)
_NEARNESS: Final = 0.2  # 1/m, of the surface where nothing stands out
_BULGE: Final = 0.08  # 1/m, by which what has most detail, in the middle, is nearer
_NARROW: Final = 4.0  # pixels, deviation of a Gaussian that takes little time


def surround(picture: Picture, columns: int) -> NDArray[np.uint8]:
    """`picture` in the midst of its blurred reflections: [SKY_ROWS + HEIGHT + SOIL_ROWS, WIDTH + 2 * columns, 3]."""
    middle = np.concatenate([_reflect(picture, SKY_ROWS)[::-1], picture, _reflect(picture[::-1], SOIL_ROWS)])
    right = _blur_away(np.ascontiguousarray(middle[:, ::-1].swapaxes(0, 1))).swapaxes(0, 1)
    left = _blur_away(np.ascontiguousarray(middle.swapaxes(0, 1)))[::-1].swapaxes(0, 1)
    beside = columns - WIDTH
    return np.asarray(
        cv2.copyMakeBorder(np.hstack([left, middle, right]), 0, 0, beside, beside, cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def relief(upright: Field) -> Field:
    """Inverse distances (1/m) of the surface, for cells that say how much detail they have (0 to 1)."""
    rows, columns = upright.shape
    across = np.linspace(-1.0, 1.0, columns, dtype=np.float32)[None, :]
    down = np.linspace(-1.0, 1.0, rows, dtype=np.float32)[:, None]
    centred = np.exp(-1.5 * (across**2 + down**2)) * cv2.GaussianBlur(upright.astype(np.float32), (0, 0), 4.0)
    return (_NEARNESS + _BULGE * centred).astype(np.float32)


def on_leash(player: Player) -> Player:
    """`player`, who neither walks away from the picture nor turns their back on it."""
    away = math.hypot(player.x, player.z)
    yaw = max(-2.0 * TURN_LIMIT, min(2.0 * TURN_LIMIT, player.yaw))
    tilt = max(-2.0 * TILT_LIMIT, min(2.0 * TILT_LIMIT, player.tilt))
    if away <= LEASH:
        return replace(player, yaw=yaw, tilt=tilt)
    out_x, out_z = player.x / away, player.z / away
    outward = max(0.0, player.vx * out_x + player.vz * out_z)
    return replace(
        player,
        x=LEASH * out_x,
        z=LEASH * out_z,
        vx=player.vx - outward * out_x,
        vz=player.vz - outward * out_z,
        yaw=yaw,
        tilt=tilt,
    )


def leaning(player: Player) -> Player:
    """The player as the camera shows them: it turns less and less towards its limits."""
    yaw, tilt = math.tanh(player.yaw / TURN_LIMIT), math.tanh(player.tilt / TILT_LIMIT)
    return replace(player, yaw=TURN_LIMIT * yaw, tilt=TILT_LIMIT * tilt)


def _reflect(picture: Picture, rows: int) -> NDArray[np.uint8]:
    """What the atlas has beyond the first row of `picture`: its reflection, more and more blurred; first row first."""
    beyond = unsqueeze(np.arange(rows, dtype=np.float32) + 0.5, rows)
    return _blur_away(picture[np.minimum(beyond, len(picture) - 1).astype(np.int64)])


def _blur_away(band: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`band`, blurred more and more from its first row, which stays."""
    share = np.linspace(0.0, 1.0, len(band), dtype=np.float32)[:, None, None]
    result = band.astype(np.float32)
    for start, end, sigma in ((0.0, 0.08, 4.0), (0.04, 0.2, 14.0), (0.15, 0.5, 48.0)):
        result += np.clip((share - start) / (end - start), 0.0, 1.0) * (_blurred(band, sigma) - result)
    return np.rint(result).astype(np.uint8)


def _blurred(band: NDArray[np.uint8], sigma: float) -> NDArray[np.float32]:
    """`band` without what is finer than `sigma` pixels, a Gaussian's. A wide one is applied to a smaller picture."""
    height, width, _ = band.shape
    step = max(1.0, sigma / _NARROW)
    size = math.ceil(width / step), math.ceil(height / step)
    small = cv2.resize(band.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
