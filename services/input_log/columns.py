"""The input of a world, pass by pass, stored in columns: some thirty bytes a pass."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.world_engine.world_engine import ControlPayload

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class PassInput:
    """The input of one pass. `ts` is when it was applied (seconds since the Unix epoch), `client_ts` by the client."""

    control: ControlPayload
    ts: float
    client_ts: float


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

    def append(self, given: PassInput) -> None:
        control = given.control
        self._held.append(self._number_of(control.buttons))
        self._dx.append(control.mouse_dx)
        self._dy.append(control.mouse_dy)
        self._ts.append(given.ts)
        self._client_ts.append(given.client_ts)

    def extend(self, other: InputColumns, stop: int) -> None:
        """Append the first `stop` passes of `other`."""
        numbers = [self._number_of(buttons) for buttons in other._button_sets]
        if numbers == list(range(len(numbers))):
            self._held.extend(other._held[:stop])
        else:
            self._held.extend(numbers[held] for held in other._held[:stop])
        self._dx.extend(other._dx[:stop])
        self._dy.extend(other._dy[:stop])
        self._ts.extend(other._ts[:stop])
        self._client_ts.extend(other._client_ts[:stop])

    def _number_of(self, buttons: frozenset[int]) -> int:
        number = self._numbers.get(buttons)
        if number is None:
            number = self._numbers[buttons] = len(self._button_sets)
            self._button_sets.append(buttons)
        return number
