"""Tables of transitions: how one is written down, and how the next state is found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

State = TypeVar("State")
# (type of the state, type of the event) -> what makes the next state of the two.
Table: TypeAlias = Mapping[tuple[type, type], Callable[..., State]]


class IllegalTransitionError(RuntimeError):
    """An event was applied in a state in which it cannot happen: a defect of the caller."""

    def __init__(self, state: object, event: object) -> None:
        """`event` is one of `state.events`, or the name of one."""
        name = event if isinstance(event, str) else type(event).__name__
        super().__init__(f"{name} cannot happen in {type(state).__name__}.")


def next_state(table: Table[State], state: State, event: object) -> State:
    step = table.get((type(state), type(event)))
    if step is None:
        raise IllegalTransitionError(state, event)
    return step(state, event)


@dataclass(frozen=True, slots=True)
class To(Generic[State]):
    """A step to a state that nothing is carried over to."""

    after: State

    def __call__(self, _state: object, _event: object) -> State:
        return self.after
