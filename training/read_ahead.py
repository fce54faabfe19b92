"""Drawing the next step's batch while this one is learned from, so that a GPU does not wait for the disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_BatchT = TypeVar("_BatchT")


class ReadAhead(Generic[_BatchT]):
    """Batches by the number of their step. `draw` is a function of the number alone, so the thread does not show."""

    def __init__(self, draw: Callable[[int], _BatchT]) -> None:
        self._draw = draw
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next: tuple[int, Future[_BatchT]] | None = None

    def __call__(self, number: int) -> _BatchT:
        """The batch of that step; the one after it is begun."""
        begun = self._next is not None and self._next[0] == number
        batch = self._next[1].result() if self._next is not None and begun else self._draw(number)
        self._next = number + 1, self._thread.submit(self._draw, number + 1)
        return batch
