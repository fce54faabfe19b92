"""What metrics are: counts and durations of the server, for whoever scrapes them."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

PassStage: TypeAlias = Literal["wait", "infer", "encode", "queue", "send"]
RequestOutcome: TypeAlias = Literal["ok", "error"]


class Metrics(Protocol):
    """Every method is cheap and safe to call from several threads. Durations are seconds, sizes bytes."""

    def session_opened(self) -> None: ...

    def session_closed(self, reason: str) -> None: ...

    def session_refused(self, code: str) -> None: ...

    def frames_sent(self, count: int, size_bytes: int) -> None: ...

    def pass_replaced(self) -> None:
        """A finished pass gave way to a newer one before it was sent."""
        ...

    def pass_timed(self, stage: PassStage, seconds: float) -> None: ...

    def control_received(self) -> None: ...

    def request_answered(self, kind: str, outcome: RequestOutcome, seconds: float) -> None: ...

    def engine_loaded(self, model_id: str, seconds: float) -> None: ...

    def engine_failed(self, model_id: str) -> None: ...

    def http_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template that matched (`/api/seeds/{hash}`), never the path that was asked for."""
        ...

    def gpu_sampled(self, memory_used_bytes: int | None, utilisation: float | None) -> None:
        """What the first GPU does at this moment, `utilisation` from 0 to 1. None is unknown, and is not shown."""
        ...

    def render(self) -> tuple[bytes, str]:
        """The text exposition of everything, and its content type."""
        ...
