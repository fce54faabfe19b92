"""A world without its engine: how long it has to wait until that may come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class EngineAbsence:
    """Whoever needs the engine's memory ends it; `on_end` wakes the loop, which then has the engine loaded again."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self.is_over = False

    def end(self) -> None:
        self.is_over = True
        self._on_end()
