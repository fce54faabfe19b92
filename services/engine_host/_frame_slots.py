"""Where the host puts frames: a slot of shared memory for each pass, free again once nobody looks at it any more."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, cast

import numpy as np

from services.engine_host._shared_memory import pages

if TYPE_CHECKING:
    from services.engine_host._shared_memory import SharedMemory
    from services.world_engine.world_engine import Frames

    Shape = tuple[int, int, int, int]


class FrameSlots:
    """Slots of one pass each. The one that became free last is taken first, as its memory is there already.

    A slot that was handed over as `Frames` becomes free with the last array that looks into it.
    """

    def __init__(self, memory: SharedMemory, size: int, shape: Shape) -> None:
        self._memory = memory
        self._shape = shape
        self._bytes = int(np.prod(shape))
        each = pages(self._bytes)
        # A deque: a slot may become free in the midst of `take`, when Python collects garbage.
        self._free = deque(offset for offset in range(size - each, -1, -each))

    def take(self) -> int | None:
        """The offset of a free slot; None: there is none."""
        try:
            return self._free.pop()
        except IndexError:
            return None

    def give_back(self, offset: int) -> None:
        self._free.append(offset)

    def hand_over(self, offset: int) -> Frames:
        """What the host has written there. It is not written to again before it was dropped."""
        owner = self._memory.owned_bytes(offset, self._bytes)
        weakref.finalize(owner, self._free.append, offset).atexit = False
        return cast("Frames", np.frombuffer(memoryview(owner), np.uint8).reshape(self._shape))


def frames_shape(frames_per_pass: int, height: int, width: int) -> Shape:
    return frames_per_pass, height, width, 3
