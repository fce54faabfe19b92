"""Memory that the server and one host's process share. It has no name, so nothing is left of it when both are gone."""

from __future__ import annotations

import ctypes
import mmap
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing import reduction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIB: Final = 1 << 20
_PAGE: Final = mmap.ALLOCATIONGRANULARITY
# Address space: memory is taken where it is written to. Windows takes all of it, so it gets less.
FRAME_BYTES: Final = (1024 if sys.platform != "win32" else 256) * _MIB
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE of Linux 5.14, which Python has no name for


def state_bytes() -> int:
    """For states of worlds: as many as this machine could hold."""
    if sys.platform == "win32":
        return 256 * _MIB
    return max(2048 * _MIB, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


class SharedMemory:
    """`size` bytes of zeros. Pickled as an argument of a process that is being spawned, it is the same memory there."""

    def __init__(self, size: int) -> None:
        self._open(_new_source(), size)

    def array(self, offset: int, size: int) -> NDArray[np.uint8]:
        """A view of so many bytes. The memory stays as long as there is one."""
        return np.frombuffer(self._map, np.uint8, size, offset)

    def view(self, offset: int, size: int) -> memoryview:
        """The same as a view of bytes, which can be written to."""
        return memoryview(self._map)[offset : offset + size]

    def owned_bytes(self, offset: int, size: int) -> ctypes.Array[ctypes.c_ubyte]:
        """The same as an object that lives as long as any array that is made of it, and can be watched by `weakref`."""
        return (ctypes.c_ubyte * size).from_buffer(self._map, offset)

    def offset_of(self, state: bytes | memoryview) -> int | None:
        """Where in this memory the bytes lie; None: they are elsewhere."""
        if isinstance(state, bytes) or not len(state):
            return None
        offset = np.frombuffer(state, np.uint8).ctypes.data - self.array(0, 1).ctypes.data
        return offset if 0 <= offset < self._size else None

    def discard(self, offset: int, size: int) -> None:
        """Give whole pages back to the system, where it takes them. Their content is lost."""
        if sys.platform == "linux" and size > 0:
            self._advise(offset, size, mmap.MADV_REMOVE)

    def populate(self, offset: int, size: int) -> None:
        """Have pages in memory, and in this process's tables, before they are written to. Their content is lost."""
        if sys.platform == "linux" and not self._advise(offset, size, _POPULATE_WRITE):
            self.array(offset, size)[::_PAGE] = 0  # an older system has no call for it

    def _advise(self, offset: int, size: int, advice: int) -> bool:
        """Not by `mmap.madvise`, which stops all of Python meanwhile."""
        libc = ctypes.CDLL(None, use_errno=True)
        where = ctypes.c_void_p(self.array(offset, size).ctypes.data)
        return libc.madvise(where, ctypes.c_size_t(size), ctypes.c_int(advice)) == 0

    def __getstate__(self) -> tuple[Any, int]:
        if isinstance(self._source, int):
            return reduction.DupFd(self._source), self._size
        return self._source, self._size

    def __setstate__(self, state: tuple[Any, int]) -> None:
        source, size = state
        self._open(source if isinstance(source, str) else source.detach(), size)
        self.close_source()

    def close_source(self) -> None:
        """Once the process has it too. What was mapped stays."""
        if isinstance(self._source, int):
            os.close(self._source)
            self._source = ""

    def _open(self, source: int | str, size: int) -> None:
        self._source, self._size = source, size
        if isinstance(source, int):
            os.ftruncate(source, size)
            self._map = mmap.mmap(source, size)
        else:
            self._map = mmap.mmap(-1, size, tagname=source)  # pyright: ignore[reportCallIssue] - Windows alone


@dataclass(frozen=True, slots=True)
class HostMemory:
    """What a process shares with the server: slots of frames for one life of it, and the states of worlds for all."""

    frames: SharedMemory
    states: SharedMemory


def _new_source() -> int | str:
    """A descriptor of a file without a name; on Windows the name of memory that goes with its last user."""
    if sys.platform == "win32":
        return f"terrarium-{secrets.token_hex(16)}"
    if sys.platform == "linux":  # not below /dev/shm, of which containers have little
        return os.memfd_create("terrarium-engine", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def pages(size: int) -> int:
    """`size`, rounded up to whole pages."""
    return -(-size // _PAGE) * _PAGE
