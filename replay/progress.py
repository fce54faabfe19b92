"""A progress bar on a terminal; on anything else a line for each tenth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

_WIDTH: Final = 32
_REDRAW_S: Final = 0.1


class ProgressBar:
    """`stream` None: silent."""

    def __init__(self, total: int, stream: TextIO | None) -> None:
        self._total = max(1, total)
        self._stream = stream
        self._done = 0
        self._drawn_at = 0.0
        self._tenths = 0
        self._began = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        if self._stream is None:
            return
        now = time.monotonic()
        if self._stream.isatty():
            if now - self._drawn_at >= _REDRAW_S or self._done == self._total:
                self._drawn_at = now
                self._stream.write(f"\r{self._text(now)}")
                self._stream.flush()
        elif self._done * 10 // self._total > self._tenths:
            self._tenths = self._done * 10 // self._total
            self._stream.write(f"{self._tenths * 10} %\n")
            self._stream.flush()

    def end(self) -> None:
        if self._stream is not None and self._stream.isatty():
            self._stream.write("\n")
            self._stream.flush()

    def _text(self, now: float) -> str:
        share = self._done / self._total
        filled = round(share * _WIDTH)
        left_s = (now - self._began) * (1 - share) / share
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%}  {left_s:4.0f} s left "
