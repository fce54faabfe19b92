"""How a camera moved between two pictures, measured from the pictures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from simulator.player import EYE_HEIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluation.trials import Picture

_READ_WIDTH: Final = 224  # pixels at most: motion is told by large things, and a reading costs less than a frame then
_CLEAR: Final = 25.0  # grey levels of a clear difference; more counts no more
_LARGE: Final = 0.25  # of the height: parts from this size on have their light and shade taken out
_GROUND_FROM: Final = 0.15  # of the half height below the horizon; what is nearer to it hardly moves


class Odometer:
    """Measures pictures of one size whose camera looks about level. May be used by several threads."""

    def __init__(self, height: int, width: int, focal: float) -> None:
        """`focal` is in pixels."""
        scale = min(1.0, _READ_WIDTH / width)
        height, width, focal = round(scale * height), round(scale * width), scale * focal
        self._size, self._focal = (width, height), focal
        x, y = np.arange(width) - 0.5 * (width - 1), np.arange(height) - 0.5 * (height - 1)
        # On a cylinder a turn moves the whole picture by the same way: a column there is an angle of 1 / focal.
        angle = x[np.abs(x) < focal * np.arctan(0.5 * width / focal)] / focal
        columns = np.tan(angle) * focal + 0.5 * (width - 1)
        self._map_x = np.tile(columns.astype(np.float32), (height, 1))
        self._map_y = (y[:, None] / np.cos(angle) + 0.5 * (height - 1)).astype(np.float32)
        self._large = max(3, round(_LARGE * height))
        # A step of s metres over level ground moves a pixel below the horizon by s y (x, y) / (focal EYE_HEIGHT).
        self._ground = y > _GROUND_FROM * 0.5 * height
        below = y[self._ground, None]
        flow = np.stack([below * x, np.broadcast_to(below * below, (len(below), width))], axis=-1)
        self._step_flow = flow / (focal * EYE_HEIGHT)
        self._weight = np.linalg.norm(self._step_flow, axis=-1)

    def turn(self, before: Picture, after: Picture) -> float:
        """Radians to the right: the shift on the cylinder at which the two pictures differ least.

        What differs much, as where something is torn or comes into view, counts no more than what differs clearly, so
        that a part of the picture cannot mislead the whole. A peak of phase correlation has no such protection.
        """
        one, other = (self._details(self._unrolled(self._small(picture))) for picture in (before, after))
        return _least_shift(one, other) / self._focal

    def tilt(self, before: Picture, after: Picture) -> float:
        """The same, of looking up. Tangents stand for angles here."""
        one, other = (self._details(_grey(self._small(picture))).T for picture in (before, after))
        return -_least_shift(one, other) / self._focal

    def advance(self, before: Picture, after: Picture) -> float:
        """How far a camera that does not turn went ahead: metres over level ground, and proportional to them elsewhere.

        The weighted median of what each pixel of the ground says (flow by Farneback's method).
        """
        grey, next_grey = (cv2.cvtColor(self._small(picture), cv2.COLOR_RGB2GRAY) for picture in (before, after))
        nothing = np.zeros((*grey.shape, 2), dtype=np.float32)
        flow = cv2.calcOpticalFlowFarneback(grey, next_grey, nothing, 0.5, 4, 15, 3, 5, 1.1, 0)[self._ground]
        said = (flow * self._step_flow).sum(axis=-1) / np.square(self._weight)
        order = np.argsort(said, axis=None)
        share = np.cumsum(self._weight.ravel()[order])
        return float(said.ravel()[order[np.searchsorted(share, 0.5 * share[-1])]])

    def _small(self, picture: Picture) -> Picture:
        if picture.shape[1] == self._size[0]:
            return picture
        return np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _unrolled(self, picture: Picture) -> NDArray[np.float32]:
        return cv2.remap(
            _grey(picture), self._map_x, self._map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)

    def _details(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """Without light and shade of large parts."""
        return (grey - cv2.blur(grey, (self._large, self._large))).astype(np.float32)


def _grey(picture: Picture) -> NDArray[np.float32]:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _least_shift(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """By how many columns `other` lies to the left of `one`, to a fraction of a column."""
    width = one.shape[1]
    most = width // 4
    costs = np.empty(2 * most + 1)
    for n, shift in enumerate(range(-most, most + 1)):
        a, b = one[:, max(0, shift) : width + min(0, shift)], other[:, max(0, -shift) : width + min(0, -shift)]
        detail = np.minimum(np.abs(a) + np.abs(b), 2.0 * _CLEAR).mean() + 1e-3
        costs[n] = np.minimum(np.abs(a - b), _CLEAR).mean() / detail
    best = int(costs.argmin())
    if not 0 < best < len(costs) - 1:
        return float(best - most)
    left, middle, right = costs[best - 1 : best + 2]
    curve = left - 2.0 * middle + right
    return float(best - most + (0.5 * (left - right) / curve if curve > 1e-9 else 0.0))
