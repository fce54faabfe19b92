"""Worlds that go on only when the client says so: in which size they are drawn, what a request for frames wants, and
the time of such a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from error_types import DomainError, ErrorCode
from services.frame_encoder.frame_sizes import scaled
from wire_protocol import StepRequest, TimedInitRequest

if TYPE_CHECKING:
    from services.clock.clock import Clock
    from services.world_engine.world_engine import Frames, WorldSpec
    from wire_protocol import InitRequest, LookRequest, PictureCodec

PictureSize: TypeAlias = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True, slots=True)
class WantedFrames:
    """Which frames of a pass the request `req_id` wants. `size` is width and height; None: as the model makes them."""

    req_id: str
    codec: PictureCodec
    size: PictureSize | None
    only_last: bool

    @classmethod
    def of(cls, request: StepRequest | LookRequest) -> WantedFrames:
        size = None if request.width is None or request.height is None else (request.width, request.height)
        only_last = isinstance(request, StepRequest) and request.frames == "last"
        return cls(request.req_id, request.codec, size, only_last)

    def chosen(self, frames: Frames) -> Frames:
        """What is wanted of a pass, in its size. Takes milliseconds for large frames."""
        kept = frames[-1:] if self.only_last else frames
        return kept if self.size is None else scaled(kept, width=self.size[0], height=self.size[1])


def asked_size(request: InitRequest) -> PictureSize | None:
    """The size in which a world is to be drawn; None: its engine's own."""
    if not isinstance(request, TimedInitRequest) or request.width is None or request.height is None:
        return None
    return request.width, request.height


def check_size(spec: WorldSpec, size: PictureSize | None) -> None:
    """Raises: DomainError, an engine of this spec does not draw in this size."""
    if size not in (None, (spec.width, spec.height)) and not spec.draws_any_size:
        raise DomainError(
            f"{spec.title} makes pictures of {spec.width}x{spec.height} and no others. Begin the world without a size; "
            "a step can still ask for its frames in one.",
            ErrorCode.SIZE_NOT_DRAWN,
        )


class WorldClock:
    """The own time of a stepped world, by which it is recorded: a film of it shows no waits between steps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = clock.monotonic()

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._clock.wall()

    def passed(self, seconds: float) -> None:
        """The world has gone on by so much."""
        self._now += seconds


def not_stepped() -> DomainError:
    return DomainError(
        "This world goes on by itself, so it cannot be stepped. Connect with mode=stepped in the address for that.",
        ErrorCode.INVALID_REQUEST,
    )


def not_drawn_small() -> DomainError:
    return DomainError(
        "Only a stepped world is drawn in a size of its own. Connect with mode=stepped in the address for that.",
        ErrorCode.INVALID_REQUEST,
    )


def paused() -> DomainError:
    return DomainError("The world is paused, so it makes no step. Send resume first.", ErrorCode.NOT_READY)


def not_encoded() -> DomainError:
    return DomainError(
        "The world has made the step, but its frames could not be encoded. Ask for them with look.", ErrorCode.INTERNAL
    )
