"""The size in which frames are drawn, and a scene in as many pixels as such a frame can show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from services.world_engine.diorama._geometry import CELL, screen_grid
from services.world_engine.diorama.constants import HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.world_engine.diorama._geometry import Field
    from services.world_engine.diorama._scene import Scene

_FINER: Final = (
    0.6  # pixels of a frame between two pixels of a reduced scene; at 1 frames are blurred, at 0.3 they flicker
)
_FEWEST_CELLS: Final = 56  # across a frame: a coarser grid bends what is straight


@dataclass(frozen=True, slots=True)
class Canvas:
    """Frames of `width` by `height` pixels. They show what a frame of WIDTH by HEIGHT shows, stretched to that size.

    `cell` is the pixels between grid points. `columns` [1, w] and `rows` [h, 1] are where these points are, in pixels
    of the large frame.
    """

    width: int
    height: int
    cell: int
    columns: Field
    rows: Field

    @classmethod
    def of(cls, width: int, height: int) -> Canvas:
        cell = max(1, min(CELL, width // _FEWEST_CELLS, height * WIDTH // HEIGHT // _FEWEST_CELLS))
        return cls(width, height, cell, *screen_grid(width, height, cell))

    @property
    def across(self) -> float:
        """Columns of the large frame in one column of this one."""
        return WIDTH / self.width

    @property
    def down(self) -> float:
        return HEIGHT / self.height


def in_detail(scene: Scene, canvas: Canvas) -> Scene:
    """The scene with no more pixels than frames of this size can show. Takes some 20 ms where it has too many."""
    across, down = _FINER * canvas.across, _FINER * canvas.down
    if across <= 1.0 or down <= 1.0:
        return scene
    sprites = tuple(replace(sprite, rgba=_reduced(sprite.rgba, across, down)) for sprite in scene.things.sprites)
    return replace(scene, atlas=_reduced(scene.atlas, across, down), things=replace(scene.things, sprites=sprites))


def _reduced(pixels: NDArray[np.uint8], across: float, down: float) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    size = (max(1, round(width / across)), max(1, round(height / down)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
