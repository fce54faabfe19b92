"""Near things at the lower edge of a picture as a layer over it, and the picture without them.

Nobody walks through a cup or over lettering, and the copies of the picture that follow would show it again and again.
So near things belong to the walker's side: they are there where the picture was taken, and dissolve within the first
steps and with the first turn away from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import cv2
import numpy as np

from services.world_engine.diorama._cut import STEP
from services.world_engine.diorama._fill import fill_rows, mix_in
from services.world_engine.diorama._things import Sprite, premultiplied
from services.world_engine.diorama._things_renderer import draw_sprite
from services.world_engine.diorama.constants import FOCAL, HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._cut import Mask
    from services.world_engine.diorama._geometry import Field
    from services.world_engine.diorama.motion import Player
    from services.world_engine.world_engine import Picture

Window: TypeAlias = "tuple[slice[int, int, None], slice[int, int, None]]"

_GONE_AT: Final = 1.0  # metres from the start
_GONE_BY: Final = math.radians(16.0)  # between the view and the picture's own
_STAYS: Final = 0.12  # share of both that changes nothing
_AHEAD: Final = 1000.0  # metres, so that steps do not move the layer, and turns do
_SOFT: Final = 3 * STEP  # pixels over which a layer fades at its outline
_BEYOND: Final = 160  # pixels by which a thing goes on past the picture's edges, while a turn shows more of it
_MIDDLE: Final = (WIDTH - 1) / 2

# The background is made at half the size.
_HIDDEN: Final = 7  # pixels about a mask whose colours are no background
_GRAIN: Final = 8.0  # sigma, up to which detail is lent to the background
_FLAT: Final = 3.0  # width of a hole over its height, from which on it is filled from above and below


@dataclass(frozen=True, slots=True)
class NearLayer:
    """`sprites` have the picture's own size on the screen, as seen from the start."""

    sprites: tuple[Sprite, ...] = ()


NO_NEAR_LAYER: Final = NearLayer()


def take_off(picture: Picture, mask: Mask, horizon: float) -> tuple[Picture, NearLayer]:
    """The picture, [HEIGHT, WIDTH, 3], without what `mask` has, and a layer of that."""
    if not mask.any():
        return picture, NO_NEAR_LAYER
    alpha = _softened(mask)
    background = _background(picture, mask, alpha)
    windows = _windows((alpha > 0).astype(np.uint8))
    return background, NearLayer(tuple(_sprite(picture, background, alpha, window, horizon) for window in windows))


def draw_near_layer(layer: NearLayer, player: Player, horizon: float, out: NDArray[np.uint8]) -> None:
    """Draw `layer` over `out`, [HEIGHT, WIDTH, 3], as far as it has not dissolved."""
    left = max(math.hypot(player.x, player.z) / _GONE_AT, math.hypot(player.yaw, player.pitch) / _GONE_BY)
    faded = min(1.0, max(0.0, (left - _STAYS) / (1.0 - _STAYS)))
    opacity = 1.0 - faded * faded * (3.0 - 2.0 * faded)
    if opacity > 0.0:
        for sprite in layer.sprites:
            draw_sprite(sprite, player, horizon, opacity, out)


def _softened(mask: Mask) -> Field:
    """How much each pixel of the picture belongs to the layer, 0 to 1."""
    wide = cv2.dilate(mask, np.ones((3, 3), dtype=np.uint8)).astype(np.float32)
    large = cv2.resize(wide, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blur(large, (_SOFT, _SOFT), borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


def _windows(mask: Mask) -> list[Window]:
    """The boxes of the parts of `mask`."""
    left, top, width, height = cv2.boundingRect(mask)
    part = np.ascontiguousarray(mask[top : top + height, left : left + width])
    _, _, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    boxes = np.asarray(stats[1:, :4], dtype=np.int64) + np.array([left, top, 0, 0], dtype=np.int64)
    return [(slice(int(y), int(y + h), None), slice(int(x), int(x + w), None)) for x, y, w, h in boxes]


def _sprite(picture: Picture, background: Picture, alpha: Field, window: Window, horizon: float) -> Sprite:
    rows, columns = window
    rgba = premultiplied(picture[window], background[window], alpha[window])
    left, right, below = (
        _BEYOND if cut_off else 0 for cut_off in (columns.start == 0, columns.stop == WIDTH, rows.stop == HEIGHT)
    )
    metre = _AHEAD / FOCAL
    return Sprite(
        rgba=np.asarray(cv2.copyMakeBorder(rgba, 0, below, left, right, cv2.BORDER_REPLICATE), dtype=np.uint8),
        ahead=_AHEAD,
        left=(columns.start - left - 0.5 - _MIDDLE) * metre,
        right=(columns.stop + right - 0.5 - _MIDDLE) * metre,
        top=(horizon - rows.start + 0.5) * metre,
        bottom=(horizon - rows.stop - below + 0.5) * metre,
    )


def _background(picture: Picture, mask: Mask, alpha: Field) -> Picture:
    """The picture as it may look behind near things: what lies beside goes on in colour and in detail."""
    size = WIDTH // 2, HEIGHT // 2
    half = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _HIDDEN + 1, 2 * _HIDDEN + 1))
    hole = np.asarray(cv2.dilate(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), disc), dtype=np.uint8) > 0
    windows = _windows(hole.astype(np.uint8))
    flat = [_is_flat(window) for window in windows]
    across = half if all(flat) else fill_rows(half, hole)
    down = fill_rows(half.swapaxes(0, 1), hole.T).swapaxes(0, 1) if any(flat) else half
    filled = half.astype(np.float32)
    for window, is_flat in zip(windows, flat, strict=True):
        grain = _grain_above(half, window) if is_flat else _grain_beside(half, hole, window)
        filled[window] = (down if is_flat else across)[window] + grain * hole[window][..., None]
    return mix_in(picture, filled, np.minimum(1.0, 2.0 * alpha))


def _is_flat(window: Window) -> bool:
    rows, columns = window
    return columns.stop - columns.start > _FLAT * (rows.stop - rows.start)


def _grain_above(half: Picture, window: Window) -> NDArray[np.float32]:
    """The detail above a window, mirrored into it."""
    rows, columns = window
    sources = np.clip(2 * rows.start - 1 - _indices(rows), 0, None)
    return _detail(half[sources][:, columns])


def _grain_beside(half: Picture, hole: NDArray[np.bool_], window: Window) -> NDArray[np.float32]:
    """The detail on both sides of a window, mirrored into it: each fades out towards the other side."""
    rows, columns = window
    inside = _indices(columns)
    share = np.clip(3.0 * (inside + 0.5 - columns.start) / len(inside) - 1.0, 0.0, 1.0).astype(np.float32)
    sides = (2 * columns.start - 1 - inside, 1.0 - share), (2 * columns.stop - inside, share)
    result = np.zeros((rows.stop - rows.start, len(inside), 3), dtype=np.float32)
    for sources, weight in sides:
        known = np.clip(sources, 0, half.shape[1] - 1)
        is_known = (known == sources) & ~hole[rows][:, known]
        result += _detail(half[rows][:, known]) * (weight * is_known)[..., None]
    return result


def _indices(window: slice[int, int, None]) -> NDArray[np.int64]:
    return np.arange(window.start, window.stop, dtype=np.int64)


def _detail(seen: Picture) -> NDArray[np.float32]:
    colours = seen.astype(np.float32)
    return colours - np.asarray(cv2.GaussianBlur(colours, (0, 0), _GRAIN), dtype=np.float32)
