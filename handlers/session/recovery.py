"""How often a failing engine is given another chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime_config.runtime_config import SessionLimits

_FIRST_PAUSE_S: Final = 0.1


class RecoveryBudget:
    """A few recoveries with growing pauses; good play for long enough fills the budget again."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._used = 0
        self._last = float("-inf")

    def take(self, now: float) -> float | None:
        """Seconds to pause before the next try; None when none is left."""
        if now - self._last >= self._limits.recovery_reset_s:
            self._used = 0
        self._last = now
        if self._used >= self._limits.max_recoveries:
            return None
        self._used += 1
        return _FIRST_PAUSE_S * 2 ** (self._used - 1)
