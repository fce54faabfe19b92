"""Peeled views: the same picture with near things left out, so that what they hide is known, too.

Worlds leave out whole things by their middle, built places leave out what is near pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.player import PlayerState


class ViewRenderer(Protocol):
    """What draws a world or a built place."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture, pixels."""
        ...

    def draw(
        self,
        state: PlayerState,
        out: NDArray[np.uint8],
        depth: NDArray[np.float32] | None = None,
        *,
        nearest_m: float = 0.0,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class PeeledView:
    """One view drawn several times, each time without things that are nearer than a distance."""

    pictures: NDArray[np.uint8]  # [peels, h, w, 3], RGB
    depths: NDArray[np.float32]  # [peels, h, w], horizontal metres as `Renderer.draw` gives them; infinite for the sky


def draw_peeled(renderer: ViewRenderer, state: PlayerState, peels: Sequence[float]) -> PeeledView:
    """Draw what a player sees once for each of `peels`, the distance in metres below which things are left out.

    Where two peels agree in depth, no thing between their distances covers the pixel; `math.inf` leaves the land alone.
    """
    height, width = renderer.size
    view = PeeledView(
        pictures=np.empty((len(peels), height, width, 3), dtype=np.uint8),
        depths=np.empty((len(peels), height, width), dtype=np.float32),
    )
    for picture, depth, nearest_m in zip(view.pictures, view.depths, peels, strict=True):
        renderer.draw(state, picture, depth, nearest_m=nearest_m)
    return view
