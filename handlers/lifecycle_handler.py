"""The server's own life: started, asked to stop, stopping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from api_types import ShutdownResponse
from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from state.app_state_types import AppState, Serving, Stopping
from state.transitions import SERVER_TRANSITIONS, check_transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class LifecycleHandler(StateHandler):
    def __init__(self, state: AppState, lock: RLock) -> None:
        super().__init__(state, lock)
        self._request_exit: Callable[[], None] | None = None

    def attach(self, request_exit: Callable[[], None]) -> None:
        """Name what stops the process; without it, `request_shutdown` has nothing to ask."""
        self._request_exit = request_exit

    @with_state_lock
    def serving(self) -> None:
        check_transition(SERVER_TRANSITIONS, self._state.lifecycle, Serving())
        self._state.lifecycle = Serving()

    @with_state_lock
    def stopping(self) -> bool:
        """No session is admitted from here on; whether this is news."""
        if isinstance(self._state.lifecycle, Stopping):
            return False
        check_transition(SERVER_TRANSITIONS, self._state.lifecycle, Stopping())
        self._state.lifecycle = Stopping()
        return True

    def request_shutdown(self) -> ShutdownResponse:
        """Ask the process to stop; sessions are told by the drain that follows.

        Raises:
            DomainError: nothing that could stop is attached.
        """
        if self._request_exit is None:
            raise DomainError("This server cannot be stopped from here.", ErrorCode.SERVICE_UNAVAILABLE)
        if not self.stopping():
            return ShutdownResponse(status="already_shutting_down")
        logger.info("Shutdown requested")
        self._request_exit()
        return ShutdownResponse(status="shutting_down")
