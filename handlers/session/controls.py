"""Where controls come in, whoever plays: the player, or a guest to whom the controls are lent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from state.app_state_types import Playing
from wire_protocol import key_codes

if TYPE_CHECKING:
    from handlers.session.mailbox import InputMailbox
    from handlers.session.play import SessionPlay
    from handlers.sessions_handler import SessionsHandler
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from state.app_state_types import SessionId
    from wire_protocol import ControlNotification


class ControlDesk:
    """What follows it, such as the path and a recording, sees controls and not whose they are."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        sessions: SessionsHandler,
        play: SessionPlay,
        inputs: InputMailbox,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._session_id = session_id
        self._sessions = sessions
        self._play = play
        self._inputs = inputs
        self._clock = clock
        self._metrics = metrics

    def put(self, control: ControlNotification) -> None:
        """Have the next pass read it, if the world plays."""
        self._metrics.control_received()
        actor = self._play.actor
        if actor is None or not isinstance(self._sessions.state_of(self._session_id), Playing):
            return
        keys = key_codes(control.buttons)
        self._inputs.put(keys, control.mouse_dx, control.mouse_dy, control.ts, self._clock.monotonic())
        actor.control_arrived()

    def let_go(self) -> None:
        """Whoever had the controls holds no key any more."""
        self._inputs.clear()
