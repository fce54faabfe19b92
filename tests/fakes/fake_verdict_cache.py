"""Verdicts in memory."""

from __future__ import annotations

import threading


class FakeVerdictCache:
    def __init__(self, max_verdicts: int = 1000) -> None:
        self._max_verdicts = max_verdicts
        self._lock = threading.Lock()
        self._verdicts: dict[tuple[str, str], bool] = {}
        self._is_closed = False

    def find(self, picture_hash: str, revision: str) -> bool | None:
        with self._lock:
            return None if self._is_closed else self._verdicts.get((picture_hash, revision))

    def keep(self, picture_hash: str, revision: str, *, is_safe: bool) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._verdicts.pop((picture_hash, revision), None)
            self._verdicts[picture_hash, revision] = is_safe
            while len(self._verdicts) > self._max_verdicts:
                del self._verdicts[next(iter(self._verdicts))]

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
