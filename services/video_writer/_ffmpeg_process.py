"""Runs ffmpeg as a child process with low priority, and reports why it ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psutil

from services.video_writer._errors import RecordingError, from_encoder
from services.video_writer.video_writer import RecordingFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COMMON: Final = ("-hide_banner", "-nostats", "-loglevel", "error")
_NICENESS: Final = 10  # play has precedence over encoding
_KEPT_LINES: Final = 40
_KILL_PATIENCE_S: Final = 5.0
_EXIT_PATIENCE_S: Final = 2.0


class FfmpegProcess:
    """A running ffmpeg. It has its own process group, so a Ctrl-C in the terminal does not reach it.

    A process with `takes_input` encodes while somebody plays, so it gets a low priority. If the server dies, that
    ffmpeg sees the end of its input and completes its file.
    """

    def __init__(
        self, executable: Path, arguments: Sequence[str], *, takes_input: bool, folder: Path | None = None
    ) -> None:
        """Start ffmpeg. `folder` is its working directory, to which relative paths in `arguments` refer.

        Raises:
            RecordingError: ffmpeg cannot be started.
        """
        on_windows = sys.platform == "win32"
        try:
            self._process = subprocess.Popen(
                [executable, *_COMMON, *(() if takes_input else ("-nostdin",)), *arguments],
                stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=folder,
                start_new_session=not on_windows,
                creationflags=0x0800_0200 if on_windows else 0,  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
            )
        except OSError as error:
            raise RecordingError(RecordingFault.ENCODER_MISSING, f"ffmpeg: {error.strerror}") from error
        if takes_input:
            self._lower_priority()
        self._lines: deque[bytes] = deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-stderr", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, data: bytes) -> None:
        """Write to ffmpeg's standard input. Blocks while the pipe is full.

        Raises:
            RecordingError: ffmpeg has ended.
        """
        assert self._process.stdin is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._process.stdin.fileno(), rest) :]
        except OSError as error:
            raise self._error() from error

    def read_all(self) -> bytes:
        """Read ffmpeg's standard output to its end."""
        assert self._process.stdout is not None
        return self._process.stdout.read()

    def finish(self, timeout_s: float | None = None) -> None:
        """Close ffmpeg's input and wait until it exits.

        Raises:
            RecordingError: ffmpeg failed, or it took too long and was killed.
        """
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            exit_code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.close()
            raise RecordingError(RecordingFault.ENCODER_FAILED, "ffmpeg took too long and was killed.") from error
        if exit_code != 0:
            raise self._error()
        self.close()

    def kill(self) -> None:
        """Kill the process without waiting. Safe while another thread writes to it or waits for it."""
        self._process.kill()

    def close(self) -> None:
        """Kill the process if it still runs and release its pipes. Not safe while another thread writes. Idempotent."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_PATIENCE_S)
        self._listener.join(_KILL_PATIENCE_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _error(self) -> RecordingError:
        with suppress(subprocess.TimeoutExpired):  # give it time to print the reason
            self._process.wait(_EXIT_PATIENCE_S)
        self.close()
        messages = b"".join(self._lines).decode(errors="replace")
        return from_encoder(self._process.returncode or 0, messages.strip())

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with suppress(OSError, ValueError):  # `close` closes the pipe while this thread reads
            for line in self._process.stderr:
                self._lines.append(line[:500])

    def _lower_priority(self) -> None:
        """Called before the first byte is written, so that every thread that ffmpeg starts inherits the priority."""
        with suppress(psutil.Error, OSError):
            process = psutil.Process(self._process.pid)
            if sys.platform == "win32":
                process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
            else:
                process.nice(min(19, process.nice() + _NICENESS))


def run_ffmpeg(
    executable: Path, arguments: Sequence[str], *, timeout_s: float | None = None, folder: Path | None = None
) -> bytes:
    """Run ffmpeg to its end and return its standard output.

    Raises:
        RecordingError: ffmpeg failed, or it took longer than `timeout_s`.
    """
    process = FfmpegProcess(executable, arguments, takes_input=False, folder=folder)
    killer = threading.Timer(timeout_s, process.kill) if timeout_s is not None else None
    if killer is not None:
        killer.start()
    try:
        output = process.read_all()
        process.finish()
    finally:
        process.close()
        if killer is not None:
            killer.cancel()
    return output
