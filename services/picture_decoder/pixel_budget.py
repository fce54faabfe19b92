"""How much is decoded at a time in the whole process: who comes first is served first, and the others wait in line."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.caller import current_caller

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_MUCH: Final = 2_000_000  # pixels: what is smaller leaves no holes in memory that are worth looking for


class PixelBudgetExceededError(RuntimeError):
    """The turn did not come in time, or is no longer wanted, as the caller is gone or the server stops."""


@dataclass(slots=True, eq=False)
class _Place:
    """A place in the line; two are never equal."""

    pixels: int


class PixelBudget:
    """At most `pixels` are held at a time. A picture that is larger than that is let in alone.

    `give_memory_back` is called after each picture of some size, once nothing of it is held any more. Every method can
    be called from several threads.
    """

    def __init__(
        self, pixels: int, *, patience_s: float = 60.0, give_memory_back: Callable[[], None] = lambda: None
    ) -> None:
        """`patience_s` is how long somebody waits for a turn."""
        self._pixels = pixels
        self._patience_s = patience_s
        self._give_memory_back = give_memory_back
        self._changed = threading.Condition()
        self._line: deque[_Place] = deque()
        self._held = 0
        self._is_closed = False

    @contextmanager
    def hold(self, pixels: int) -> Generator[None]:
        """Hold `pixels` of the budget during the block, which is entered when it is this caller's turn. Blocks.

        Raises:
            PixelBudgetExceededError: the turn did not come.
        """
        self._enter(_Place(pixels))
        try:
            yield
        finally:
            if pixels >= _MUCH:
                self._give_memory_back()
            with self._changed:
                self._held -= pixels
                self._changed.notify_all()

    def waiting(self) -> int:
        """How many stand in line."""
        with self._changed:
            return len(self._line)

    def close(self) -> None:
        """Send away whoever waits, now and from now on."""
        self._is_closed = True
        self._look_again()

    def _enter(self, place: _Place) -> None:
        caller = current_caller()

        def is_over() -> bool:
            return self._is_closed or caller.is_gone

        with caller.waking(self._look_again), self._changed:
            self._line.append(place)
            try:
                came = self._changed.wait_for(lambda: is_over() or self._has_turn(place), self._patience_s)
                if not came or is_over():
                    raise PixelBudgetExceededError("The turn did not come.")
                self._held += place.pixels
            finally:
                self._line.remove(place)
                self._changed.notify_all()

    def _has_turn(self, place: _Place) -> bool:
        fits = self._held == 0 or self._held + place.pixels <= self._pixels
        return fits and self._line[0] is place

    def _look_again(self) -> None:
        with self._changed:
            self._changed.notify_all()
