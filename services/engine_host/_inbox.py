"""What a host's process does next: rounds of the steps that wait, so that no world gets two turns before another."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.child_process.child_main import CLOSED
from services.engine_host._messages import Call, CloseEngine, Park, Resume, Step, Warm

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from services.engine_host._messages import ToHost

# A world that was just stepped is usually due again within a millisecond or two. Waiting that long lets it come along
# in the batch, instead of letting two halves of the worlds take turns.
_COMPANY_SHARE: Final = 0.1  # of the pass before
_LONGEST_COMPANY_S: Final = 0.004


@dataclass(frozen=True, slots=True)
class Round:
    """The steps that waited at one moment, in the order in which they came, and what is done after them.

    `steps` are of different worlds. `others` is one call at most, unless the engine has to be closed.
    """

    steps: tuple[tuple[Call, Step], ...]
    others: tuple[Call, ...]
    is_last: bool = False  # the engine has to be closed


class Inbox:
    """Filled by one thread and emptied by another.

    Each world has one call at a time. So every step that waits is part of the next round, and a round has at most one
    step for each world: with n worlds, whoever is due waits for one step of each other world at most. What is no step,
    such as a snapshot, may take as long as several. A round has one such call, so that a step waits for one of them at
    most, and the first of them for one round.
    """

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._calls: list[Call] = []
        self._is_closing = False
        self._company: frozenset[int] = frozenset()  # the worlds of the round before, if it was stepped as a batch
        self._company_until = 0.0

    def put(self, message: Call | CloseEngine) -> None:
        with self._arrived:
            match message:
                case Call():
                    self._calls.append(message)
                case CloseEngine():
                    self._is_closing = True
            self._arrived.notify()

    def stepped_together(self, worlds: frozenset[int], seconds: float) -> None:
        """For a moment from now, the next step may wait for these worlds to be due again."""
        with self._arrived:
            self._company = worlds
            self._company_until = time.monotonic() + min(_COMPANY_SHARE * seconds, _LONGEST_COMPANY_S)

    def next_round(self) -> Round:
        """Every step that waits, and the first of the other calls; blocks while nothing waits."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._calls or self._is_closing)
            self._wait_for_company()
            others = [call for call in self._calls if not isinstance(call.what, Step)]
            steps = tuple((call, call.what) for call in self._calls if isinstance(call.what, Step))
            served = len(others) if self._is_closing else 1
            self._calls = others[served:]
            return Round(steps, tuple(others[:served]), self._is_closing)

    def _wait_for_company(self) -> None:
        """Only if a step is due, and only for those worlds of the last batch that have not come back yet."""
        while not self._is_closing:
            due = {call.what.world for call in self._calls if not isinstance(call.what, Warm | Park | Resume)}
            left_s = self._company_until - time.monotonic()
            if self._company <= due or left_s <= 0 or not any(isinstance(call.what, Step) for call in self._calls):
                return
            self._arrived.wait(left_s)


def read_messages(connection: Connection, inbox: Inbox) -> None:
    """Run on a thread of its own, so that the end of the server is noticed during a step."""
    while True:
        try:
            message: ToHost = connection.recv()
        except (EOFError, OSError):
            os._exit(CLOSED)  # an engine that is computing would not notice anything gentler
        inbox.put(message)
