"""How often a host's process may be started again."""

from __future__ import annotations

from collections import deque


class RestartBudget:
    """`most` restarts within `window_s` seconds; more would be a crash loop. With time there are new chances."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._restarts: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Whether there is one left, which is taken."""
        while self._restarts and now - self._restarts[0] >= self._window_s:
            self._restarts.popleft()
        if len(self._restarts) >= self._most:
            return False
        self._restarts.append(now)
        return True
