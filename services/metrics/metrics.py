"""The interface of metrics: counts and durations that a monitoring system can scrape."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

PassStage: TypeAlias = Literal["wait", "infer", "encode", "queue", "send"]
RequestOutcome: TypeAlias = Literal["ok", "error"]


class Metrics(Protocol):
    """Every method but `render` is cheap. All are safe to call from several threads. Units are seconds and bytes."""

    def session_opened(self) -> None: ...

    def session_closed(self, reason: str) -> None: ...

    def session_refused(self, code: str) -> None: ...

    def world_resumed(self) -> None:
        """Somebody whose connection broke has come back into their world."""
        ...

    def world_expired(self) -> None:
        """Nobody came back in time."""
        ...

    def frames_sent(self, count: int, size_bytes: int) -> None: ...

    def pass_replaced(self) -> None:
        """A finished pass was replaced by a newer one before it was sent."""
        ...

    def pass_timed(self, stage: PassStage, seconds: float) -> None: ...

    def control_received(self) -> None: ...

    def request_answered(self, kind: str, outcome: RequestOutcome, seconds: float) -> None: ...

    def engine_loaded(self, model_id: str, seconds: float) -> None: ...

    def engine_failed(self, model_id: str) -> None: ...

    def http_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template that matched, such as `/api/seeds/{hash}`, never the requested path."""
        ...

    def gpu_sampled(self, memory_used_bytes: int | None, utilisation: float | None) -> None:
        """What the first GPU does at this moment, `utilisation` from 0 to 1. None is unknown, and is not shown."""
        ...

    def render(self) -> tuple[bytes, str]:
        """All metrics in the text exposition format, and its content type."""
        ...
