"""Transitions of what is remembered of attempts to sign in."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._tables import To, next_state
from state.events import AttemptMade, AttemptsForgotten, AttemptSucceeded
from state.sign_in_states import Attempted, NoAttempts

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import AppState
    from state.events import AttemptEvent
    from state.sign_in_states import AttemptState, AttemptTarget


def _first(_: NoAttempts, event: AttemptMade) -> AttemptState:
    return Attempted(1, event.at)


def _another(state: Attempted, event: AttemptMade) -> AttemptState:
    return Attempted(state.count + 1, event.at)


def _one_less(state: Attempted, _: AttemptSucceeded) -> AttemptState:
    """The others stay: whoever has an account could else clear the count of their guesses at another one."""
    return NoAttempts() if state.count == 1 else replace(state, count=state.count - 1)


ATTEMPT_TABLE: Final[Table[AttemptState]] = MappingProxyType(
    {
        (NoAttempts, AttemptMade): _first,
        (NoAttempts, AttemptSucceeded): To(NoAttempts()),  # it was forgotten meanwhile
        (NoAttempts, AttemptsForgotten): To(NoAttempts()),
        (Attempted, AttemptMade): _another,
        (Attempted, AttemptSucceeded): _one_less,
        (Attempted, AttemptsForgotten): To(NoAttempts()),
    }
)


def attempt_event(state: AppState, target: AttemptTarget, event: AttemptEvent) -> AttemptState:
    after = next_state(ATTEMPT_TABLE, state.attempts.pop(target, NoAttempts()), event)
    if not isinstance(after, NoAttempts):
        state.attempts[target] = after  # as the newest
    return after
