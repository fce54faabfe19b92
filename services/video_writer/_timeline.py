"""Turns the times of passes into the strictly increasing times at which a recording shows its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_STEP_US: Final = 1_000  # between two frames, even if their passes came at the same time
# If the next pass comes this many times later than planned, the world stood still; it was not just slow.
_PAUSE_FACTOR: Final = 2.0


Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class TimedFrame(Generic[Data]):
    """An encoded frame and the time at which it is first shown, in microseconds from the start of the recording."""

    at_us: int
    data: Data


class Timeline(Generic[Data]):
    """Assigns a time to each frame. Not thread-safe.

    The newest pass is held back, because only the next pass or the end of the recording tells how long it was shown.
    """

    def __init__(self, fps: float) -> None:
        self._frame_us = max(_MIN_STEP_US, round(1_000_000 / fps))
        self._started_at: float | None = None
        self._pending: tuple[Sequence[Data], int, int] | None = None  # frames, start and planned length in µs
        self._last: TimedFrame[Data] | None = None
        self._ends_us: int | None = None
        self.frames = 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the planned end of the newest pass, or to the end of the recording."""
        if self._ends_us is not None:
            return self._ends_us / 1_000_000
        if self._pending is not None:
            return (self._pending[1] + self._pending[2]) / 1_000_000
        return (self._last.at_us + self._frame_us) / 1_000_000 if self._last else 0.0

    def since_start_us(self, at: float) -> int:
        """Convert a time of the caller's clock to microseconds from the first frame; 0 before there is one."""
        return max(0, round((at - self._started_at) * 1_000_000)) if self._started_at is not None else 0

    def add(self, frames: Sequence[Data], started_at: float, shown_for_s: float) -> list[TimedFrame[Data]]:
        """Take a pass and return the frames of the previous one, whose times are known now."""
        if not frames:
            return []
        if self._started_at is None:
            self._started_at = started_at
        start_us = self.since_start_us(started_at)
        settled = self._settle(start_us)
        self._pending = (tuple(frames), start_us, max(_MIN_STEP_US, round(shown_for_s * 1_000_000)))
        self.frames += len(frames)
        return settled

    def end(self, ended_at: float | None) -> list[TimedFrame[Data]]:
        """The frames of the last pass. If it was shown until `ended_at`, its last frame is repeated at the end."""
        end_us = None if ended_at is None else self.since_start_us(ended_at)
        settled = self._settle(end_us)
        if self._last is not None and end_us is not None and end_us - self._last.at_us > 1.5 * self._frame_us:
            # The duration of a file's last frame depends on encoder and muxer. The repeated frame keeps it short.
            self._last = TimedFrame(end_us - self._frame_us, self._last.data)
            settled.append(self._last)
            self.frames += 1
        return settled

    def end_unrepeated(self, ended_at: float | None) -> tuple[list[TimedFrame[Data]], int]:
        """The frames of the last pass, and until when the very last frame is shown, in microseconds.

        For frames that build on each other: shown twice, such a frame would be another picture.
        """
        end_us = None if ended_at is None else self.since_start_us(ended_at)
        settled = self._settle(end_us)
        least_us = self._last.at_us + self._frame_us if self._last else 0
        self._ends_us = max(least_us, end_us or 0)
        return settled, self._ends_us

    def _settle(self, next_us: int | None) -> list[TimedFrame[Data]]:
        if self._pending is None:
            return []
        frames, start_us, planned_us = self._pending
        self._pending = None
        start_us = max(start_us, self._last.at_us + _MIN_STEP_US) if self._last else start_us
        shown_us = planned_us
        if next_us is not None and next_us - start_us < _PAUSE_FACTOR * planned_us:
            shown_us = next_us - start_us
        step_us = max(_MIN_STEP_US, shown_us / len(frames))
        settled = [TimedFrame(start_us + round(at * step_us), frame) for at, frame in enumerate(frames)]
        self._last = settled[-1]
        return settled
