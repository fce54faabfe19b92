"""The tables of what may follow what."""

from __future__ import annotations

from concurrent.futures import Future
from typing import get_args

import pytest

from state import app_state_types as types
from state.app_state_types import (
    AwaitingSeed,
    Ended,
    EndReason,
    EngineAside,
    EngineFailed,
    EngineReady,
    EngineUnloaded,
    Finishing,
    Recording,
    Serving,
)
from state.transitions import (
    ENGINE_TRANSITIONS,
    RECORDING_TRANSITIONS,
    SERVER_TRANSITIONS,
    SESSION_TRANSITIONS,
    IllegalTransitionError,
    TransitionTable,
    check_transition,
)


@pytest.mark.parametrize(
    ("table", "union"),
    [
        (ENGINE_TRANSITIONS, types.EngineState),
        (SESSION_TRANSITIONS, types.SessionState),
        (RECORDING_TRANSITIONS, types.RecordingState),
        (SERVER_TRANSITIONS, types.ServerLifecycle),
    ],
)
def test_a_table_speaks_of_every_state_of_its_union_and_of_no_other(table: TransitionTable, union: object) -> None:
    members = set(get_args(union))
    assert set(table) == members
    assert all(after <= members for after in table.values())


def test_nothing_follows_the_end() -> None:
    assert not SESSION_TRANSITIONS[Ended]
    with pytest.raises(IllegalTransitionError, match="AwaitingSeed cannot follow Ended"):
        check_transition(SESSION_TRANSITIONS, Ended(EndReason.CLIENT_LEFT), AwaitingSeed())


def test_an_engine_becomes_ready_by_loading_alone() -> None:
    for before in (EngineUnloaded(), EngineFailed(1, "no weights"), EngineAside(Future(), None)):
        with pytest.raises(IllegalTransitionError):
            check_transition(ENGINE_TRANSITIONS, before, EngineReady.__new__(EngineReady))


def test_a_server_does_not_start_to_serve_twice() -> None:
    with pytest.raises(IllegalTransitionError):
        check_transition(SERVER_TRANSITIONS, Serving(), Serving())


def test_a_finished_recording_is_not_taken_up_again() -> None:
    with pytest.raises(IllegalTransitionError):
        check_transition(RECORDING_TRANSITIONS, Finishing("5e55", 1.0, 2.0), Recording("5e55", 1.0))
