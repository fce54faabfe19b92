"""Memory that the server and one host's process share. It has no name, so nothing is left of it when both are gone."""

from __future__ import annotations

import ctypes
import mmap
import os
import secrets
import sys
import tempfile
from multiprocessing import reduction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIB: Final = 1 << 20
_PAGE: Final = mmap.ALLOCATIONGRANULARITY
# Address space: memory is taken where it is written to. Windows takes all of it, so it gets less.
FRAME_BYTES: Final = (1024 if sys.platform != "win32" else 256) * _MIB
STATE_BYTES: Final = (2048 if sys.platform != "win32" else 256) * _MIB  # each way


class SharedMemory:
    """`size` bytes of zeros. Pickled as an argument of a process that is being spawned, it is the same memory there."""

    def __init__(self, size: int) -> None:
        self._open(_new_source(), size)

    def array(self, offset: int, size: int) -> NDArray[np.uint8]:
        """A view of so many bytes. The memory stays as long as there is one."""
        return np.frombuffer(self._map, np.uint8, size, offset)

    def owned_bytes(self, offset: int, size: int) -> ctypes.Array[ctypes.c_ubyte]:
        """The same as an object that lives as long as any array that is made of it, and can be watched by `weakref`."""
        return (ctypes.c_ubyte * size).from_buffer(self._map, offset)

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


def copied_bytes(view: NDArray[np.uint8]) -> bytes:
    """The same as `tobytes`, but other threads go on meanwhile: a state may be a gigabyte."""
    data = bytes(view.size)
    if view.size > 1:  # shorter ones are shared by all of Python
        ctypes.memmove(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), view.ctypes.data, view.size)
        return data
    return view.tobytes()
