"""Encodes H.264 by ffmpeg, a process for each client's stream.

A process and not a library, for two reasons. The licence: what encodes well (x264) is under the GPL. A program that is
run beside ours lays no condition on ours, while a library within it would. The cost: a frame of 720p crosses the pipe
in under a millisecond. docs/link.md has the figures.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import structlog

from services.matroska import PictureFormat, cluster_head, stream_header
from services.video_encoder._command import HARDWARE, SOFTWARE, Codec, arguments, trial_arguments
from services.video_encoder._flv import FlvError, FlvReader
from services.video_encoder.video_encoder import AccessUnit, VideoEncoderError, VideoShape, VideoTuning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from services.world_engine.world_engine import Frames

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_PATIENCE_S: Final = 5.0  # for one pass; a stream that takes longer is given up
_TRIAL_S: Final = 10.0
_LEAST_SIDE: Final = 16  # pixels: below, there is nothing to gain, and encoders differ in what they take
_PIPE_BYTES: Final = 1 << 20
_KILL_PATIENCE_S: Final = 5.0
_STEP_MS: Final = 16  # from frame to frame, whenever they come: the encoder needs their order and parity


class FfmpegVideoEncoder:
    """A `VideoEncoder`. Which encoder of hardware works is tried once, before the first stream."""

    def __init__(
        self, executable: Callable[[], Path], *, threads: int = 1, hardware: Sequence[Codec] = HARDWARE
    ) -> None:
        """`executable` finds ffmpeg and may raise OSError. `threads` is how many each stream encodes on."""
        self._executable = executable
        self._threads = threads
        self._hardware = hardware
        self._codec: Codec | None = None
        self._choosing = asyncio.Lock()
        self._streams: set[FfmpegVideoStream] = set()
        self._is_closed = False

    async def open(self, shape: VideoShape, tuning: VideoTuning) -> FfmpegVideoStream:
        """Raises: VideoEncoderError, this machine cannot encode frames of that shape."""
        if min(shape.width, shape.height) < _LEAST_SIDE:
            raise VideoEncoderError(f"Frames of {shape.width}x{shape.height} are too small for H.264.")
        return await self._open(await self._best_codec(), shape, tuning)

    def close(self) -> None:
        self._is_closed = True
        for stream in tuple(self._streams):
            stream.close()

    async def _best_codec(self) -> Codec:
        async with self._choosing:
            if self._codec is None:
                self._codec = await asyncio.to_thread(self._try_hardware)
            return self._codec

    def _try_hardware(self) -> Codec:
        """A running stream would hide the failure: an ffmpeg whose encoder does not start goes on reading its input."""
        for codec in self._hardware:
            try:
                done = subprocess.run(
                    (str(self._executable()), *trial_arguments(codec)),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_TRIAL_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0:
                logger.info("H.264 is encoded by hardware", encoder=codec.name)
                return codec
        return SOFTWARE

    async def _open(self, codec: Codec, shape: VideoShape, tuning: VideoTuning) -> FfmpegVideoStream:
        if self._is_closed:
            raise VideoEncoderError("The encoder is closed.")
        try:
            command = (str(self._executable()), *arguments(codec, shape, tuning, self._threads))
        except OSError as error:
            raise VideoEncoderError("There is no ffmpeg on this machine.") from error
        stream = FfmpegVideoStream(command, shape, on_close=self._streams.discard)
        self._streams.add(stream)
        try:
            await stream.warm_up()
        except BaseException:
            stream.close()
            raise
        return stream


class FfmpegVideoStream:
    """A `VideoStream`. One thread of its own writes each frame to ffmpeg and waits for what comes back."""

    def __init__(
        self, command: Sequence[str], shape: VideoShape, *, on_close: Callable[[FfmpegVideoStream], None]
    ) -> None:
        self._command = command
        self._width, self._height = shape.width & ~1, shape.height & ~1
        self._header = stream_header(self._width, self._height, shape.fps, PictureFormat.I420)
        self._on_close = on_close
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="h264")
        self._lock = threading.Lock()  # over the process, which `close` may end at any time
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: FlvReader | None = None
        self._at_ms = 0
        self._is_closed = False

    async def warm_up(self) -> None:
        """Start ffmpeg, and have its encoder ready before the first frame that somebody waits for.

        Raises:
            VideoEncoderError: it cannot be started, or cannot encode.
        """
        grey = np.full((1, self._height, self._width, 3), 128, dtype=np.uint8)
        await self._within_patience(lambda: self._encode(grey, key_frame=False))

    async def encode(self, frames: Frames, *, key_frame: bool) -> tuple[AccessUnit, ...]:
        """Raises: VideoEncoderError."""
        # Nobody has seen the frame of the warm-up, so the first one after it must stand on its own.
        wanted = key_frame or self._at_ms < 2 * _STEP_MS
        return await self._within_patience(lambda: self._encode(frames, key_frame=wanted))

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()  # its pipes close with it, which wakes the thread
        with suppress(RuntimeError):  # closed before
            self._thread.submit(self._reap)
        self._thread.shutdown(wait=False)
        self._on_close(self)

    async def _within_patience(self, work: Callable[[], tuple[AccessUnit, ...]]) -> tuple[AccessUnit, ...]:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            raise VideoEncoderError("The stream is closed.") from error
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await running
        except TimeoutError as error:
            self.close()
            raise VideoEncoderError("The encoder does not answer.") from error
        except (OSError, FlvError) as error:
            self.close()
            raise VideoEncoderError(f"The encoder failed: {error}") from error

    def _encode(self, frames: Frames, *, key_frame: bool) -> tuple[AccessUnit, ...]:
        process, reader = self._running()
        units: list[AccessUnit] = []
        for index, frame in enumerate(frames):
            planes = cv2.cvtColor(np.ascontiguousarray(frame[: self._height, : self._width]), cv2.COLOR_RGB2YUV_I420)
            is_key = key_frame and index == 0
            _write(process, cluster_head((self._at_ms + is_key) * 1000, planes.nbytes), planes.data.cast("B"))
            self._at_ms += _STEP_MS
            units.append(reader.next_unit())
        return tuple(units)

    def _running(self) -> tuple[subprocess.Popen[bytes], FlvReader]:
        with self._lock:
            if self._is_closed:
                raise OSError("it is closed.")
            if self._process is None or self._reader is None:
                process = self._process = _start(self._command)
                self._reader = FlvReader(lambda size: _read(process, size))
                is_new = True
            else:
                is_new = False
            process, reader = self._process, self._reader
        if is_new:
            _write(process, self._header)
        return process, reader

    def _reap(self) -> None:
        """On the stream's thread: nothing else reads or writes any more."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """It has its own process group, so a Ctrl-C in the terminal does not reach it. It ends with its input."""
    on_windows = sys.platform == "win32"
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=not on_windows,
        creationflags=0x0800_0200 if on_windows else 0,  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
    )
    if sys.platform == "linux":
        import fcntl

        assert process.stdin is not None
        with suppress(OSError):  # the system's limit for a user's pipes is reached; a small one works too
            fcntl.fcntl(process.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process


def _write(process: subprocess.Popen[bytes], *parts: bytes | memoryview) -> None:
    assert process.stdin is not None
    for part in parts:
        rest = memoryview(part)
        while rest:
            written = process.stdin.write(rest)
            rest = rest[written or 0 :]


def _read(process: subprocess.Popen[bytes], size: int) -> bytes:
    """As many bytes, or fewer at the end."""
    pipe: BinaryIO | None = process.stdout  # pyright: ignore[reportAssignmentType] - unbuffered, but of the same methods
    assert pipe is not None
    data = bytearray()
    while len(data) < size:
        part = pipe.read(size - len(data))
        if not part:
            break
        data += part
    return bytes(data)
