"""Which state may follow which: one table per machine, and the check that every change goes through."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from state.app_state_types import (
    AuthoringDone,
    AuthoringFailed,
    AuthoringRunning,
    AuthoringWaiting,
    AwaitingSeed,
    Ended,
    EngineAside,
    EngineFailed,
    EngineLoading,
    EngineReady,
    EngineUnloaded,
    Finishing,
    NotRecording,
    Paused,
    Playing,
    Preparing,
    Recording,
    Serving,
    Starting,
    Stopping,
)

TransitionTable: TypeAlias = Mapping[type, frozenset[type]]

ENGINE_TRANSITIONS: Final[TransitionTable] = MappingProxyType(
    {
        EngineUnloaded: frozenset({EngineLoading, EngineAside}),
        EngineLoading: frozenset({EngineLoading, EngineReady, EngineFailed, EngineUnloaded}),  # to itself, as below
        EngineReady: frozenset({EngineReady, EngineAside, EngineUnloaded}),  # to itself: its users change
        EngineAside: frozenset({EngineLoading, EngineUnloaded}),
        EngineFailed: frozenset({EngineLoading, EngineAside}),
    }
)

SESSION_TRANSITIONS: Final[TransitionTable] = MappingProxyType(
    {
        AwaitingSeed: frozenset({Preparing, Ended}),
        Preparing: frozenset({AwaitingSeed, Playing, Ended}),
        Playing: frozenset({Playing, Paused, Ended}),  # to itself: another world, or another pace
        Paused: frozenset({Paused, Playing, Ended}),
        Ended: frozenset(),
    }
)

RECORDING_TRANSITIONS: Final[TransitionTable] = MappingProxyType(
    {
        NotRecording: frozenset({Recording}),
        Recording: frozenset({Finishing, NotRecording}),  # at once to the end: it failed
        Finishing: frozenset({NotRecording}),
    }
)

AUTHORING_TRANSITIONS: Final[TransitionTable] = MappingProxyType(
    {
        AuthoringWaiting: frozenset({AuthoringRunning, AuthoringFailed}),
        AuthoringRunning: frozenset({AuthoringRunning, AuthoringDone, AuthoringFailed}),  # to itself: the next step
        AuthoringDone: frozenset(),
        AuthoringFailed: frozenset(),
    }
)

SERVER_TRANSITIONS: Final[TransitionTable] = MappingProxyType(
    {
        Starting: frozenset({Serving, Stopping}),
        Serving: frozenset({Stopping}),
        Stopping: frozenset(),
    }
)


class IllegalTransitionError(RuntimeError):
    """A state was about to follow one that it must not follow: a defect of the caller."""


def check_transition(table: TransitionTable, before: object, after: object) -> None:
    """Raise `IllegalTransitionError` unless the table lets `after` follow `before`."""
    if type(after) not in table[type(before)]:
        raise IllegalTransitionError(f"{type(after).__name__} cannot follow {type(before).__name__}.")
