"""Encodes JPEGs on its own threads with simplejpeg, a binding of libjpeg-turbo."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.runtime_config import Subsampling
    from services.frame_encoder.frame_encoder import EncodeTuning
    from services.world_engine.world_engine import Frames

_MOST_BY_ITSELF: Final = 4
_SUBSAMPLINGS: Final[Mapping[Subsampling, str]] = MappingProxyType({"4:2:0": "420", "4:4:4": "444"})


class SimpleJpegEncoder:
    """A `FrameEncoder` whose threads are shared by all passes. simplejpeg releases the GIL while it encodes."""

    def __init__(self, threads: int | None) -> None:
        """`threads` is how many; None: one for each core, at most four."""
        self._executor = _executor(threads)

    async def encode(self, frames: Frames, tuning: EncodeTuning) -> tuple[bytes, ...]:
        """One JPEG per sub-frame, in order.

        A cancelled call starts no further sub-frames. Those that are being encoded run to their end.

        Raises:
            ValueError: the frames are not uint8 [count, height, width, 3], or the quality is out of range.
            RuntimeError: the encoder is closed.
        """
        if len(frames) == 0:
            return ()
        work = _PassEncoding(asyncio.get_running_loop(), frames, tuning)
        try:
            executor = self._executor
            for at in range(len(frames)):
                executor.submit(work.encode, at)
            return await work.done
        finally:
            work.is_over = True

    def use_threads(self, count: int | None) -> None:
        """What the old threads have been given, they finish."""
        before, self._executor = self._executor, _executor(count)
        before.shutdown(wait=False)

    def close(self) -> None:
        self._executor.shutdown(wait=True)


def _executor(threads: int | None) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads or min(_MOST_BY_ITSELF, os.cpu_count() or 1), thread_name_prefix="jpeg")


class _PassEncoding:
    """One pass that is being encoded.

    Only the last sub-frame to finish wakes the event loop, so that it wakes once per pass.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, frames: Frames, tuning: EncodeTuning) -> None:
        self.done: asyncio.Future[tuple[bytes, ...]] = loop.create_future()
        self.is_over = False
        self._loop = loop
        self._frames = frames
        self._quality = tuning.quality
        self._subsampling = _SUBSAMPLINGS[tuning.subsampling]
        self._jpegs: list[bytes] = [b""] * len(frames)
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._left = len(frames)

    def encode(self, at: int) -> None:
        """Encode sub-frame `at`. Several threads call this at the same time."""
        if not self.is_over and self._error is None:
            try:
                self._jpegs[at] = simplejpeg.encode_jpeg(
                    np.ascontiguousarray(self._frames[at]),
                    quality=self._quality,
                    colorspace="RGB",
                    colorsubsampling=self._subsampling,
                )
            except Exception as error:  # noqa: BLE001 - raised again where the caller awaits it
                self._error = error
        with self._lock:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            # A closed loop raises, and then nobody waits for the result.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if self.done.done():  # cancelled
            return
        if self._error is not None:
            self.done.set_exception(self._error)
        else:
            self.done.set_result(tuple(self._jpegs))
