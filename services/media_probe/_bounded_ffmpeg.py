"""Runs ffmpeg on a file that nobody trusts: it has that file open, and can reach no other and no network."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The only protocol is a file descriptor that is open already, so that a playlist, a script or a reference inside of a
# file cannot be followed. The formats are those of videos and sounds: playlists and drawings are none of them.
_ALLOWED: Final = (
    *("-protocol_whitelist", "fd"),
    *("-format_whitelist", "mov,matroska,avi,flv,mpegts,mpeg,ogg,wav,mp3,flac,aac"),
)
_INPUT: Final = ("-fd", "0", "-i", "fd:")
_MOST_ALLOCATED: Final = 512 << 20  # bytes at a time
_MOST_MEMORY: Final = 4 << 30  # bytes of addresses, of which most are never used
_NICENESS: Final = 10  # play has precedence
_MOST_COMPLAINTS: Final = 64 << 10  # bytes
_CHUNK: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Ran:
    """What ffmpeg has said. `is_whole`: it came to its end within the time and the output that it had."""

    status: int
    output: bytes
    complaints: str
    is_whole: bool


def run_bounded(
    executable: Path,
    file: IO[bytes],
    arguments: Sequence[str],
    *,
    reading: Sequence[str] = (),
    timeout_s: float,
    most_output: int,
) -> Ran:
    """Run ffmpeg with `file` as its input, and options of `reading` for that. Blocks.

    Raises:
        OSError: ffmpeg cannot be started.
    """
    file.seek(0)
    process = subprocess.Popen(
        [
            *(executable, "-hide_banner", "-nostats", "-nostdin"),
            *("-max_alloc", str(_MOST_ALLOCATED), "-threads", "1", *_ALLOWED, *reading, *_INPUT, *arguments),
        ],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=sys.platform != "win32",
        creationflags=0x0800_0200 if sys.platform == "win32" else 0,  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
    )
    _bound(process.pid, timeout_s)
    output = _Reader(process, process.stdout, most_output)
    complaints = _Reader(process, process.stderr, _MOST_COMPLAINTS, kills=False)
    try:
        status = process.wait(timeout_s)
        in_time = True
    except subprocess.TimeoutExpired:
        in_time, status = False, -1
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        said = output.all(), complaints.all().decode(errors="replace")
    return Ran(status, *said, is_whole=in_time and not output.is_full)


class _Reader:
    """Reads all that a process writes, and keeps so much of it. Who `kills` ends a process that writes more."""

    def __init__(
        self, process: subprocess.Popen[bytes], stream: IO[bytes] | None, most: int, *, kills: bool = True
    ) -> None:
        assert stream is not None
        self._process = process
        self._stream = stream
        self._most = most
        self._kills = kills
        self._data = bytearray()
        self.is_full = False
        self._thread = threading.Thread(target=self._read, name="media-probe", daemon=True)
        self._thread.start()

    def all(self) -> bytes:
        """All that was kept, once the process has ended."""
        self._thread.join()
        return bytes(self._data)

    def _read(self) -> None:
        with self._stream:
            while chunk := self._stream.read(_CHUNK):
                if len(self._data) + len(chunk) <= self._most:
                    self._data += chunk
                    continue
                self.is_full = True
                if self._kills:
                    self._process.kill()


def _bound(pid: int, timeout_s: float) -> None:
    if sys.platform != "linux":  # no other system lets one bound a process from outside
        return
    import resource

    seconds = round(timeout_s) + 1
    with suppress(OSError):  # it has ended already
        resource.prlimit(pid, resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
