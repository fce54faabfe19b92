"""How often passwords may be tried: a slot is taken before one is looked at, so that many at once gain nothing."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from error_types import ErrorCode, RetryLaterError
from handlers.base import StateHandler, with_state_lock
from state.events import AttemptMade, AttemptsForgotten, AttemptSucceeded
from state.sign_in_states import Attempted, FromNetwork, NoAttempts, OnAccount, OnLinks
from state.transitions import attempt_event

if TYPE_CHECKING:
    from threading import RLock

    from services.clock.clock import Clock
    from state.app_state_types import AppState
    from state.sign_in_states import AttemptTarget

# So many may fail before anybody has to wait.
_FREE: Final = MappingProxyType({OnAccount: 3, FromNetwork: 20, OnLinks: 20})
# The wait doubles up to this. Whoever has the right password shares the slots of an account with who guesses, so it
# stays short there: a minute leaves 1,440 guesses a day, of which none finds a password of ten characters.
_LONGEST_S: Final = MappingProxyType({OnAccount: 60.0, FromNetwork: 600.0, OnLinks: 600.0})
_FORGOTTEN_S: Final = 3600.0
_MOST_TARGETS: Final = 4096


class SignInThrottle(StateHandler):
    def __init__(self, state: AppState, lock: RLock, clock: Clock) -> None:
        super().__init__(state, lock)
        self._clock = clock

    @with_state_lock
    def take_slot(self, network: str, name_key: str | None = None) -> None:
        """Count an attempt from an address, at a name; it counts as failed until `succeeded`.

        Raises:
            RetryLaterError: it is too early for another one; nothing was counted.
        """
        self._count(_targets(network, name_key), "Too many attempts have failed")

    @with_state_lock
    def link_was_wrong(self, network: str) -> None:
        """Count a link from an address by which nothing can be watched. A right one is never held up.

        Raises:
            RetryLaterError: there were too many; nothing was counted.
        """
        self._count((OnLinks(network),), "Too many links were tried by which nothing can be watched")

    @with_state_lock
    def succeeded(self, network: str, name_key: str | None = None) -> None:
        """The account begins anew. Of the address only this attempt is taken back: others may have been guesses."""
        attempt_event(self._state, FromNetwork(network), AttemptSucceeded())
        if name_key is not None:
            attempt_event(self._state, OnAccount(name_key), AttemptsForgotten())

    def _count(self, targets: tuple[AttemptTarget, ...], what: str) -> None:
        now = self._clock.monotonic()
        wait_s = max(self._wait_s(target, now) for target in targets)
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            raise RetryLaterError(f"{what}. Try again in {_in_words(seconds)}.", ErrorCode.TOO_MANY_ATTEMPTS, seconds)
        for target in targets:
            self._make_room(target)
            attempt_event(self._state, target, AttemptMade(now))

    def _wait_s(self, target: AttemptTarget, now: float) -> float:
        match self._state.attempts.get(target, NoAttempts()):
            case NoAttempts():
                return 0.0
            case Attempted(_, last_at) if now - last_at >= _FORGOTTEN_S:
                attempt_event(self._state, target, AttemptsForgotten())
                return 0.0
            case Attempted() as attempted:
                return attempted.last_at + _delay_s(target, attempted) - now

    def _make_room(self, target: AttemptTarget) -> None:
        attempts = self._state.attempts
        if target in attempts or len(attempts) < _MOST_TARGETS:
            return
        oldest: AttemptTarget = next(iter(attempts))  # they are in the order of their last attempts
        attempt_event(self._state, oldest, AttemptsForgotten())


def _targets(network: str, name_key: str | None) -> tuple[AttemptTarget, ...]:
    address = FromNetwork(network)
    return (address,) if name_key is None else (address, OnAccount(name_key))


def _delay_s(target: AttemptTarget, attempted: Attempted) -> float:
    beyond = attempted.count - _FREE[type(target)]
    return 0.0 if beyond < 0 else min(_LONGEST_S[type(target)], 2.0 ** min(beyond, 32))


def _in_words(seconds: int) -> str:
    if seconds <= 1:
        return "a second"
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
