"""The input of a world, pass by pass, stored in columns: some thirty bytes a pass."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.world_engine.world_engine import ControlPayload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_COPIED_AT_ONCE: Final = 16 * 1024  # passes: other threads wait while an array is copied


@dataclass(frozen=True, slots=True)
class PassInput:
    """The input of one pass. `ts` is when it was applied (seconds since the Unix epoch), `client_ts` by the client."""

    control: ControlPayload
    ts: float
    client_ts: float


@dataclass(frozen=True, slots=True)
class InputRows:
    """The inputs of some passes, column by column, all of one length."""

    buttons: Sequence[frozenset[int]]
    dx: Sequence[float]
    dy: Sequence[float]
    ts: Sequence[float]
    client_ts: Sequence[float]


class InputColumns:
    """An append-only list of `PassInput`. Numbers are stored as doubles, so that a replay gets them bit by bit."""

    def __init__(self) -> None:
        self._button_sets: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._held = array("I")
        self._dx = array("d")
        self._dy = array("d")
        self._ts = array("d")
        self._client_ts = array("d")

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, index: int) -> PassInput:
        control = ControlPayload(self._button_sets[self._held[index]], self._dx[index], self._dy[index])
        return PassInput(control, self._ts[index], self._client_ts[index])

    def __iter__(self) -> Iterator[PassInput]:
        return (self[index] for index in range(len(self)))

    def rows(self, start: int, stop: int) -> InputRows:
        """The passes from index `start` to before `stop`, copied."""
        sets = self._button_sets
        return InputRows(
            buttons=[sets[held] for held in self._held[start:stop]],
            dx=self._dx[start:stop],
            dy=self._dy[start:stop],
            ts=self._ts[start:stop],
            client_ts=self._client_ts[start:stop],
        )

    def append(self, given: PassInput) -> None:
        control = given.control
        self._held.append(self._number_of(control.buttons))
        self._dx.append(control.mouse_dx)
        self._dy.append(control.mouse_dy)
        self._ts.append(given.ts)
        self._client_ts.append(given.client_ts)

    def append_rows(self, rows: InputRows) -> None:
        self._extend(map(self._number_of, rows.buttons), rows.dx, rows.dy, rows.ts, rows.client_ts)

    def extend(self, other: InputColumns, start: int, stop: int) -> None:
        """Append the passes of `other` from index `start` to before `stop`."""
        numbers = [self._number_of(buttons) for buttons in other._button_sets]
        is_same = numbers == list(range(len(numbers)))
        for begin in range(start, stop, _COPIED_AT_ONCE):
            end = min(stop, begin + _COPIED_AT_ONCE)
            held = other._held[begin:end]
            self._extend(
                held if is_same else map(numbers.__getitem__, held),
                other._dx[begin:end],
                other._dy[begin:end],
                other._ts[begin:end],
                other._client_ts[begin:end],
            )

    def _extend(
        self,
        held: Iterable[int],
        dx: Iterable[float],
        dy: Iterable[float],
        ts: Iterable[float],
        client_ts: Iterable[float],
    ) -> None:
        self._held.extend(held)
        self._dx.extend(dx)
        self._dy.extend(dy)
        self._ts.extend(ts)
        self._client_ts.extend(client_ts)

    def _number_of(self, buttons: frozenset[int]) -> int:
        number = self._numbers.get(buttons)
        if number is None:
            number = self._numbers[buttons] = len(self._button_sets)
            self._button_sets.append(buttons)
        return number
