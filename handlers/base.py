"""What handlers that touch AppState share: the state, its lock, and the decorator for short critical sections."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from state.app_state_types import AppState

Params = ParamSpec("Params")
Result = TypeVar("Result")
Handler = TypeVar("Handler", bound="StateHandler")


class StateHandler:
    """Owns no state of its own: it reads and changes AppState under the shared lock."""

    def __init__(self, state: AppState, lock: RLock) -> None:
        self._state = state
        self._lock = lock


def with_state_lock(
    method: Callable[Concatenate[Handler, Params], Result],
) -> Callable[Concatenate[Handler, Params], Result]:
    """Run a synchronous method under the state lock. Nothing slow belongs inside."""

    @wraps(method)
    def locked(self: Handler, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        with self._lock:  # pyright: ignore[reportPrivateUsage] - the decorator is part of the class's own module
            return method(self, *args, **kwargs)

    return locked
