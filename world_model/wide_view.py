"""What lies around a keyframe's picture: where its pixels are, and how it is joined to the picture.

A frame soon looks beyond the picture of its keyframe. So each keyframe also has a *wide picture*, which shows what is
known or imagined there. Its pixels are those of the layers in the middle, and ever wider towards its border:
a point that is `d` pixels beyond an edge of the picture is `reach * log(1 + d / reach)` pixels beyond it in the wide
one. So a narrow rim holds all that is seen in a quick turn, and is finest next to the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from world_model.layers import CELL, FINE
from world_model.quilting import seam_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from world_model.config import ModelConfig

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

_RIM_ASIDE: Final = 2 / 7  # of the picture's width, on each side
_RIM_UP: Final = 1 / 8  # of the picture's height, above and below
_OFFSET: Final = 4.0  # pixels over which what is above and below takes on the colours of the picture's edge
_SEAM_WITHIN: Final = 24  # pixels beyond the picture's sides
_SOON: Final = 1.0  # cost of a seam for each pixel, as a difference of colours
_SOFTNESS: Final = 0.7  # pixels over which the two sides of a seam are blended


@dataclass(frozen=True, slots=True)
class _Axis:
    size: int  # of the picture, pixels of the layers
    rim: int  # at each end
    focal: float

    @property
    def inner(self) -> slice:
        return slice(self.rim, self.rim + self.size)

    @property
    def whole(self) -> int:
        return self.size + 2 * self.rim

    def places(self, places: NDArray[Any]) -> Floats:
        """Pixels of the layers as pixels of the wide picture."""
        within = np.clip(places, -0.5, self.size - 0.5)
        beyond = places - within
        return (within + np.sign(beyond) * self.rim * np.log1p(np.abs(beyond) / self.rim) + self.rim).astype(np.float32)

    def places_of(self, slopes: NDArray[Any]) -> Floats:
        """Tangents to the right, or down, as pixels of the wide picture."""
        return self.places(slopes * self.focal + 0.5 * (self.size - 1))

    def slopes(self, places: NDArray[Any]) -> Floats:
        """Where a pixel of the wide picture looks: the tangent to the right, or down."""
        moved = places - self.rim
        within = np.clip(moved, -0.5, self.size - 0.5)
        beyond = moved - within
        plain = within + np.sign(beyond) * self.rim * np.expm1(np.abs(beyond) / self.rim)
        return ((plain - 0.5 * (self.size - 1)) / self.focal).astype(np.float32)


class WideView:
    """The sizes and directions of wide pictures."""

    def __init__(self, config: ModelConfig) -> None:
        """`config` has the size of the layers."""
        self.across = _Axis(config.width, _whole_cells(_RIM_ASIDE * config.width), config.focal)
        self.down = _Axis(config.height, _whole_cells(_RIM_UP * config.height), config.focal)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.down.whole, self.across.whole

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the picture is."""
        return self.down.inner, self.across.inner

    def mirrored(self, small: Bytes) -> Bytes:
        """The wide picture around one of the layers' size of which nothing more is known."""
        return np.asarray(self._bordered(small, cv2.BORDER_REFLECT), dtype=np.uint8)

    def around(self, small: Bytes, wide: Bytes) -> Bytes:
        """A wide picture with this one, of the layers' size, in its middle, to whose edges it leads.

        What is cut off at a side goes on as its mirror image, up to a seam close by along which that shows least.
        """
        middle, columns = self.inner
        rows = np.asarray(wide[middle], dtype=np.float32)
        mirrored = np.asarray(self._bordered(small, cv2.BORDER_REFLECT)[middle], dtype=np.float32)
        rows[:, columns] = small
        for flip in (slice(None), slice(None, None, -1)):
            beyond = slice(columns.stop, columns.stop + min(_SEAM_WITHIN, self.across.rim))
            rows[:, flip][:, beyond] = _led_to(mirrored[:, flip][:, beyond], rows[:, flip][:, beyond])
        offset = cv2.copyMakeBorder(rows - wide[middle], self.down.rim, self.down.rim, 0, 0, cv2.BORDER_REPLICATE)
        made = wide + offset * self._nearness(self.down)[:, None, None]
        made[middle] = rows
        return np.rint(np.clip(made, 0.0, 255.0)).astype(np.uint8)

    def texture(self, wide: Bytes, picture: Bytes) -> Bytes:
        """A wide picture with `FINE` pixels for each one, and the keyframe's picture in its middle."""
        size = FINE * wide.shape[1], FINE * wide.shape[0]
        made = np.asarray(cv2.resize(wide, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        made[self.fine_inner] = picture
        return made

    @property
    def fine_inner(self) -> tuple[slice, slice]:
        """Where the picture is in a texture."""
        rows, columns = (slice(FINE * part.start, FINE * part.stop) for part in self.inner)
        return rows, columns

    def _bordered(self, small: NDArray[Any], border: int) -> NDArray[Any]:
        up, aside = self.down.rim, self.across.rim
        return np.asarray(cv2.copyMakeBorder(small, up, up, aside, aside, border))

    @staticmethod
    def _nearness(axis: _Axis) -> Floats:
        """1 within the picture, and falling beyond its edges."""
        places = np.arange(axis.whole, dtype=np.float32) - axis.rim
        return np.exp(-np.abs(places - np.clip(places, 0, axis.size - 1)) / _OFFSET).astype(np.float32)


def _led_to(mirrored: Floats, wide: Floats) -> Floats:
    """From the first of two pictures [h, w, 3] at its left to the second at its right."""
    places = np.arange(mirrored.shape[1], dtype=np.float32)
    seam = seam_between(np.abs(mirrored - wide).sum(axis=2) + _SOON * places)
    share = 1.0 / (1.0 + np.exp((seam[:, None] - places) / _SOFTNESS))
    return np.asarray(mirrored + share[..., None] * (wide - mirrored), dtype=np.float32)


def _whole_cells(pixels: float) -> int:
    return max(1, round(pixels / CELL)) * CELL
