"""What waits for the task that plays a world: the controls of its next pass, and what others want done in between."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar, cast

from error_types import DomainError, ErrorCode
from services.outlasting import outlast
from services.world_engine.world_engine import ControlPayload
from wire_protocol import KEY_CODES, AnyNotification, ControlNotification, FrameAckNotification

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")

# A wheel notch has no release: it counts for the pass it falls into, however long the client lists it.
_MOMENTARY: Final = frozenset({KEY_CODES["SCROLL_UP"], KEY_CODES["SCROLL_DOWN"]})
_MOUSE_LIMIT: Final = 10_000.0  # pixels a control; far beyond any hand, it keeps sums finite


@dataclass(frozen=True, slots=True)
class TakenControl:
    """What one pass reads. `received_at` (monotonic seconds) is None when no control came since the last pass."""

    control: ControlPayload
    client_ts: float
    received_at: float | None


def control_of(buttons: frozenset[int], mouse_dx: float, mouse_dy: float, now: float) -> TakenControl:
    """What a pass reads that was asked for with these very controls."""
    return TakenControl(ControlPayload(buttons, _bounded(mouse_dx), _bounded(mouse_dy)), 0.0, now)


def _bounded(mouse: float) -> float:
    return max(-_MOUSE_LIMIT, min(_MOUSE_LIMIT, mouse))


class InputMailbox:
    """Buttons are ORed and mouse motion summed from one pass to the next, so that a tap shorter than a pass counts.

    Touched by the event loop's thread alone.
    """

    def __init__(self) -> None:
        self._held: frozenset[int] = frozenset()
        self._pressed: frozenset[int] = frozenset()
        self._mouse_dx = 0.0
        self._mouse_dy = 0.0
        self._client_ts = 0.0
        self._unread_since: float | None = None
        self._newest_at = float("-inf")

    def put(self, buttons: frozenset[int], mouse_dx: float, mouse_dy: float, ts: float | None, now: float) -> None:
        self._held = buttons - _MOMENTARY
        self._pressed |= buttons
        self._mouse_dx += _bounded(mouse_dx)
        self._mouse_dy += _bounded(mouse_dy)
        if ts is not None:
            self._client_ts = ts
        self._unread_since = now
        self._newest_at = now

    def live(self, now: float, hold_s: float) -> bool:
        """Whether the world plays on: the newest control is young enough, or no pass has read it yet.

        A control that came during a long pass is old by the end of it, and counts all the same.
        """
        return self._unread_since is not None or now - self._newest_at < hold_s

    def take(self) -> TakenControl:
        """Read and empty the mailbox; held keys stay held."""
        taken = TakenControl(
            ControlPayload(self._pressed | self._held, self._mouse_dx, self._mouse_dy),
            self._client_ts,
            self._unread_since,
        )
        self._pressed = frozenset()
        self._mouse_dx = self._mouse_dy = 0.0
        self._unread_since = None
        return taken

    def clear(self) -> None:
        """Let go of everything, as at a pause: what is held must be pressed anew."""
        self._held = self._pressed = frozenset()
        self._mouse_dx = self._mouse_dy = 0.0
        self._unread_since = None
        self._newest_at = float("-inf")


class Call(Generic[Result]):
    """An action on a world between two steps, by the one task that may touch it; and what came of it."""

    def __init__(self, action: Callable[[], Awaitable[Result]]) -> None:
        self._action = action
        self._has_begun = False
        self._is_unwanted = False
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outcome: Result | DomainError | None = None

    async def settled(self) -> bool:
        """Wait until there is an outcome; whether the caller was cancelled meanwhile.

        Raises:
            CancelledError: the caller was cancelled before the action began, so that it never will.
        """
        try:
            await asyncio.wait({self._done})
        except asyncio.CancelledError:
            if not self._has_begun:
                self._is_unwanted = True
                raise
            await outlast(self._done)
            return True
        return False

    def result(self) -> Result:
        """To be asked for once. Raises: DomainError, the action raised it, the engine failed, or it was given up."""
        outcome, self._outcome = self._outcome, None
        if not isinstance(outcome, DomainError):
            return cast("Result", outcome)
        try:
            raise outcome
        finally:
            del outcome  # an error that a frame of its own traceback holds waits for the garbage collector

    async def run(self) -> None:
        """Raises what the engine raised; whoever asked has been told by then."""
        if self._is_unwanted or self._done.done():
            return
        self._has_begun = True
        try:
            self._settle(await self._action())
        except DomainError as error:
            self._settle(error)
        except Exception:  # an engine may raise anything: whoever asked is told, and the actor recovers
            self._settle(DomainError("The engine failed while doing this.", ErrorCode.ENGINE_FAILED))
            raise

    def give_up(self) -> None:
        if not self._done.done():
            self._settle(DomainError("The session ended before this was done.", ErrorCode.CANCELLED))

    def _settle(self, outcome: Result | DomainError) -> None:
        self._outcome = outcome
        self._done.set_result(None)


class PendingCall(Protocol):
    """A call of whatever result, as the actor sees it."""

    async def run(self) -> None: ...

    def give_up(self) -> None: ...


class CallQueue:
    """Filled by commands, emptied by the actor; `on_arrival` wakes it."""

    def __init__(self, on_arrival: Callable[[], None]) -> None:
        self._calls: deque[PendingCall] = deque()
        self._on_arrival = on_arrival
        self._is_closed = False

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call[Result]) -> Call[Result]:
        if self._is_closed:
            call.give_up()
        else:
            self._calls.append(call)
            self._on_arrival()
        return call

    async def run_next(self) -> None:
        await self._calls.popleft().run()

    def close(self) -> None:
        """Give up the calls that wait, and those to come: the actor has ended."""
        self._is_closed = True
        while self._calls:
            self._calls.popleft().give_up()


class EngineOffload:
    """The time during which a world's engine is not in memory. Whoever asked for it ends it.

    `replacement`, if there is one, gives the actor another world instead of a way back.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._is_given_up = False
        self.is_over = False
        self.replacement: PendingCall | None = None

    async def replace_world(self, switch: Callable[[], Awaitable[None]]) -> None:
        """Have `switch` put another world in play. Cancelled before that begins, the world goes back to its engine."""
        call = self.replacement = Call(switch)
        if self._is_given_up:
            call.give_up()
        self._wake()
        try:
            await call.settled()
        except asyncio.CancelledError:
            self.replacement = None
            raise
        call.result()

    def end(self) -> None:
        self.is_over = True
        self._wake()

    def give_up(self) -> None:
        """The session ends."""
        self._is_given_up = True
        if self.replacement is not None:
            self.replacement.give_up()


def shows_a_player(message: AnyNotification) -> bool:
    """Whether somebody must be there who sends this. Clients confirm frames and send empty controls by themselves."""
    match message:
        case FrameAckNotification():
            return False
        case ControlNotification(buttons=buttons, mouse_dx=mouse_dx, mouse_dy=mouse_dy):
            return bool(buttons or mouse_dx or mouse_dy)
        case _:
            return True
