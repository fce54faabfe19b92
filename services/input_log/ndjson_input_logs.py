"""Input logs as NDJSON files in one folder, written by one background thread."""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from services.input_log.lines import FrameInput, LogLine, SessionStart
from services.input_log.log_folder import keep_side_file, log_name, remove_surplus
from services.input_log.pictures import pixels_hash, snapshot_hash
from services.picture_decoder.png_pixels import encode_pixels

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedWriter
    from pathlib import Path

    from services.world_engine.world_engine import Picture, WorldSnapshot

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

FLUSH_S: Final = 0.5  # the most that a crash loses, besides the line that was being written
_MAX_WAITING: Final = 20_000  # lines and side files of all logs together: many minutes of play


@dataclass(frozen=True, slots=True)
class _SideFile:
    """A file to save beside the log. The writing thread makes it, since hashing and compressing take time."""

    keep: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class _Item:
    """`what` is a line, a side file to write, or None: the end."""

    log: _Log
    what: LogLine | _SideFile | None


class NdjsonInputLogs:
    """The thread starts with the first log. Beyond `max_bytes` the oldest logs are removed when one begins."""

    def __init__(self, folder: Path, max_bytes: int, *, max_waiting: int = _MAX_WAITING) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._waiting: queue.Queue[_Item | None] = queue.Queue(max_waiting)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def start(self, first: SessionStart) -> _Log:
        log = _Log(self._offer, self._folder / log_name(first.ts, secrets.token_hex(4)), first.ts)
        with self._lock:
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="input-log", daemon=True)
                self._thread.start()
        log.write(first)
        return log

    def close(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._lock:
            self._is_closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            with suppress(queue.Full):
                self._waiting.put(None, timeout=timeout_s)
                thread.join(max(0.0, deadline - time.monotonic()))

    def _offer(self, item: _Item) -> bool:
        """Whether it will be written."""
        if self._is_closed:
            return False
        with suppress(queue.Full):
            self._waiting.put_nowait(item)
            return True
        return False

    def _run(self) -> None:
        opened: set[_Log] = set()
        flush_at = time.monotonic() + FLUSH_S
        while True:
            try:
                wants_look = any(log.wants_look for log in opened)
                item = self._waiting.get(timeout=max(0.01, flush_at - time.monotonic()) if wants_look else None)
                if item is None:
                    break
                self._write(item, opened)
            except queue.Empty:
                pass
            if time.monotonic() >= flush_at:
                self._flush(opened)
                flush_at = time.monotonic() + FLUSH_S
        for log in opened:
            log.seal()

    def _flush(self, opened: set[_Log]) -> None:
        for log in tuple(opened):
            log.flush()
            if log.is_over and self._waiting.empty():  # its end did not fit into the queue
                log.seal()
                opened.discard(log)

    def _write(self, item: _Item, opened: set[_Log]) -> None:
        log = item.log
        match item.what:
            case None:
                log.seal()
                opened.discard(log)
            case SessionStart():
                with suppress(OSError):  # the log itself will find out what is wrong
                    remove_surplus(self._folder, self._max_bytes, being_written=[log.path for log in opened])
                log.put(item.what)
                opened.add(log)
            case _SideFile(keep):
                log.put_side_file(keep)
            case line:
                log.put(line)


class _Log:
    """The session calls `write`, `keep_...` and `end`; the writing thread calls the others."""

    def __init__(self, offer: Callable[[_Item], bool], path: Path, began: float) -> None:
        self._offer = offer
        self.path = path
        self._began = began
        self._file: BufferedWriter | None = None
        self._passes = 0
        self._unwritten: list[bytes] = []
        self._is_dirty = False
        self._is_shut = False
        self.is_over = False

    # --------------------------------------------------------------------------------- called by the session

    @property
    def id(self) -> str:
        return self.path.stem

    def write(self, line: LogLine) -> None:
        self._give(line)

    def keep_picture(self, picture: Picture) -> None:
        def keep(folder: Path) -> None:
            name = f"{pixels_hash(picture)}.png"
            keep_side_file(folder, "pictures", name, encode_pixels(picture), not_before=self._began)

        self._give(_SideFile(keep))

    def keep_snapshot(self, snapshot: WorldSnapshot) -> None:
        def keep(folder: Path) -> None:
            name = f"{snapshot_hash(snapshot)}.bin"
            keep_side_file(folder, "snapshots", name, snapshot.state, not_before=self._began)

        self._give(_SideFile(keep))

    def end(self) -> None:
        self._give(None)
        self.is_over = True

    def _give(self, what: LogLine | _SideFile | None) -> None:
        if not self.is_over and not self._offer(_Item(self, what)):
            self.is_over = True
            logger.warning("An input log ends early: the disk cannot keep up", log=self.path.name)

    # ------------------------------------------------------------------------------ called by the writing thread

    def put(self, line: LogLine) -> None:
        if self._is_shut:
            return
        self._unwritten.append(line.model_dump_json().encode() + b"\n")
        self._passes += isinstance(line, FrameInput)
        if not self._passes:
            return  # the pictures that these lines name come first, and a log without a pass is none
        try:
            if self._file is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = self.path.open("xb")
                self._file.write(b"".join(self._unwritten))
                self._file.flush()  # an empty file would be a log of nothing
            else:
                self._file.write(b"".join(self._unwritten))
            self._is_dirty = True
        except OSError as error:
            self._fail(error)
        self._unwritten.clear()

    def put_side_file(self, keep: Callable[[Path], None]) -> None:
        if self._is_shut:
            return
        try:
            keep(self.path.parent)
        except OSError as error:
            self._fail(error)

    @property
    def wants_look(self) -> bool:
        """There is something to flush, or the log has ended and is to be sealed."""
        return not self._is_shut and (self._is_dirty or self.is_over)

    def flush(self) -> None:
        if self._file is None or self._is_shut or not self._is_dirty:
            return
        self._is_dirty = False
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._fail(error)

    def seal(self) -> None:
        self.flush()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        self._is_shut = True  # what comes late is not written
        self._unwritten.clear()

    def _fail(self, error: OSError) -> None:
        self._is_shut = True
        logger.warning("An input log ends early", log=self.path.name, reason=error.strerror)
