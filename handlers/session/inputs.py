"""The mailbox of one session's controls: nothing pressed between two passes is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.world_engine.world_engine import ControlPayload
from wire_protocol import KEY_CODES

# A wheel notch has no release: it counts for the pass it falls into, however long the client lists it.
_MOMENTARY: Final = frozenset({KEY_CODES["SCROLL_UP"], KEY_CODES["SCROLL_DOWN"]})
_MOUSE_LIMIT: Final = 10_000.0  # pixels a control; far beyond any hand, it keeps sums finite


@dataclass(frozen=True, slots=True)
class TakenControl:
    """What one pass reads. `received_at` (monotonic seconds) is None when no control came since the last pass."""

    control: ControlPayload
    client_ts: float
    received_at: float | None


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
        self._mouse_dx += max(-_MOUSE_LIMIT, min(_MOUSE_LIMIT, mouse_dx))
        self._mouse_dy += max(-_MOUSE_LIMIT, min(_MOUSE_LIMIT, mouse_dy))
        if ts is not None:
            self._client_ts = ts
        self._unread_since = now
        self._newest_at = now

    def live(self, now: float, hold_s: float) -> bool:
        """Whether the newest control is young enough for the world to play on."""
        return now - self._newest_at < hold_s

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
