"""A value of the configuration that may change while the server runs, for those who read it when they need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")
Part = TypeVar("Part")


class Current(Generic[Value]):
    """Read `now` where something is decided, and keep nothing of it: the next decision may be by another value.

    What one `now` returns is frozen, and its settings have been checked together.
    """

    def __init__(self, read: Callable[[], Value]) -> None:
        """`read` is called from any thread, and often."""
        self._read = read

    @staticmethod
    def fixed(value: Part) -> Current[Part]:
        """One that never changes."""
        return Current(lambda: value)

    @property
    def now(self) -> Value:
        return self._read()

    def part(self, choose: Callable[[Value], Part]) -> Current[Part]:
        """The part of it that one handler uses."""
        return Current(lambda: choose(self._read()))
