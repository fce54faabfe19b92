"""How the C library's allocator keeps memory that the process has freed."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_M_ARENA_MAX: Final = -8  # of glibc's malloc.h
_ARENAS: Final = 2


def limit_arenas() -> None:
    """Have threads share few arenas. Called before there are threads; does nothing where the C library is another one.

    glibc gives each thread an arena of its own, up to eight for each core, and memory that is free in one is of no use
    to the others. Frames, pictures and snapshots are made on one thread and freed on another, so that after hours of
    play much of the process was such free memory.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
