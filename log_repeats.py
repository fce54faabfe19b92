"""Bounds how often events of one kind are logged, so that a flood of them displaces no others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MOST_KINDS: Final = 1000  # far more than the server has events
# Fields that tell kinds of one event apart. Their values come from the server, so that there are only so many.
_TELLING: Final = ("code", "status", "kind", "task", "awaited")


@dataclass(frozen=True, slots=True)
class EventKind:
    """What events have in common that say the same thing. `about` are its telling fields.

    `failure` is the type of an exception and the line that raised it: two that differ in one of them are two defects.
    """

    logger: str
    level: str
    event: str
    about: tuple[tuple[str, str], ...] = ()
    failure: str | None = None


def kind_of(event: Mapping[str, object]) -> EventKind:
    """The kind of an event that has its level, its logger and the text of its exception, if it has one."""
    exception = event.get("exception")
    return EventKind(
        logger=str(event.get("logger")),
        level=str(event.get("level")),
        event=str(event.get("event")),
        about=tuple((name, str(event[name])) for name in _TELLING if name in event),
        failure=None if exception is None else _failure(str(exception)),
    )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many events of a kind were left out, within `seconds`."""

    kind: EventKind
    count: int
    seconds: float


@dataclass(slots=True)
class _Run:
    """The events of one kind since `began`; the first `allowed` of them are written."""

    began: float
    allowed: int
    count: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.count - self.allowed)


class RepeatLimit:
    """Admits the first `most` events of each kind within `interval_s`. Not thread-safe.

    While a kind goes on beyond that, from one interval to the next, none of it is admitted: only its number is told.
    """

    def __init__(self, clock: Callable[[], float], *, most: int, interval_s: float) -> None:
        self._clock = clock
        self._most = most
        self._interval_s = interval_s
        self._runs: OrderedDict[EventKind, _Run] = OrderedDict()  # in the order in which they began

    def admits(self, kind: EventKind) -> bool:
        """Count an event, and say whether it is to be written."""
        run = self._runs.get(kind)
        if run is None:
            if len(self._runs) >= _MOST_KINDS:
                kind = replace(kind, event="", about=(), failure=None)  # all others of this logger are one
                run = self._runs.get(kind)
            run = run or self._runs.setdefault(kind, _Run(self._clock(), self._most))
        run.count += 1
        return run.count <= run.allowed

    def ended(self) -> Iterator[LeftOut]:
        """What was left out in the intervals that have ended since the last call."""
        now = self._clock()
        while self._runs:
            kind, run = next(iter(self._runs.items()))
            if now - run.began < self._interval_s:
                return
            del self._runs[kind]
            if run.left_out:
                yield LeftOut(kind, run.left_out, now - run.began)
                self._runs[kind] = _Run(now, 0 if run.count > self._most else self._most)

    def everything(self) -> Iterator[LeftOut]:
        """What was left out and not told yet, for the end."""
        now = self._clock()
        for kind, run in self._runs.items():
            if run.left_out:
                yield LeftOut(kind, run.left_out, now - run.began)
        self._runs.clear()


def _failure(exception: str) -> str:
    """The type of an exception and where it was raised, of the text of its traceback."""
    lines = exception.rstrip().splitlines()
    places = [line.strip() for line in lines if line.startswith('  File "')]
    types = [line.partition(":")[0] for line in lines if line and not line[0].isspace()]
    return f"{types[-1] if types else ''} {places[-1] if places else ''}"
