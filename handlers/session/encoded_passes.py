"""Passes as they were encoded, for whoever takes them beside the player: spectators, a recording, the newest seconds.

Each pass is encoded once in each form, however many take it. Touched by the event loop's thread alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from wire_protocol import encode_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.clock.clock import Clock
    from wire_protocol import FrameHeader

Codec: TypeAlias = Literal["jpeg", "h264"]

_WAITING_PASSES: Final = 2  # for each subscriber, unless it says another number
_KEY_FRAME_GAP_S: Final = 1.0  # one key frame weighs as much as a dozen other frames, and everybody gets it


@dataclass(frozen=True, slots=True)
class EncodedPass:
    """`parts` are its sub-frames, as JPEGs or access units; `envelope` is the message in which they are sent."""

    header: FrameHeader
    parts: tuple[bytes, ...]
    envelope: bytes

    @classmethod
    def of(cls, header: FrameHeader, parts: tuple[bytes, ...]) -> EncodedPass:
        return cls(header, parts, encode_envelope(header, parts))

    def thinned(self, one_of: int) -> EncodedPass:
        """The pass with one of so many of its JPEGs, and always its newest. They have its last numbers."""
        kept = self.parts[::-one_of][::-1]
        if len(kept) == len(self.parts):
            return self
        first = self.header.frame_id + len(self.parts) - len(kept)
        return EncodedPass.of(self.header.model_copy(update={"frame_id": first}), kept)

    @property
    def needs_no_other(self) -> bool:
        """Whether it can be shown without those before."""
        return self.header.codec is None or bool(self.header.key_frame)


class VideoSource(Enum):
    """Whose stream of H.264 a pass belongs to. What comes from one builds on nothing of the other."""

    PLAYER = auto()
    BESIDE = auto()


class PassTaker(Protocol):
    """Whoever takes passes as they are encoded, in one form."""

    @property
    def codec(self) -> Codec: ...

    @property
    def has_room(self) -> bool:
        """Whether a pass is of use now. Otherwise it need not be encoded for this one."""
        ...

    @property
    def awaits_key_frame(self) -> bool:
        """Of H.264: whether the next pass should need no other."""
        ...

    def offer(self, encoded: EncodedPass) -> None:
        """A pass, or a still picture as a JPEG."""
        ...

    def start_over(self) -> None:
        """Another world or moment begins: what comes next builds on nothing before it."""
        ...

    def break_off(self) -> None:
        """What comes next is of another stream, and builds on nothing before it."""
        ...


class PassSubscriber:
    """The passes that wait for one taker, `bound` at most. Close it by `with`, or by `close`.

    A taker that is too slow loses passes alone. Of JPEGs it loses the oldest. What was encoded as H.264 builds on what
    came before, so that after a loss there is nothing for it until the next key frame.
    """

    def __init__(
        self, codec: Codec, bound: int, on_close: Callable[[PassSubscriber], None], on_room: Callable[[], None]
    ) -> None:
        self.codec: Final = codec
        self.passes_lost = 0
        self._bound = bound
        self._waiting: deque[EncodedPass] = deque()
        self._awaits_key_frame = True
        self._changed = asyncio.Event()
        self._on_close = on_close
        self._on_room = on_room
        self._is_closed = False

    def __enter__(self) -> PassSubscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < self._bound

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def awaits_key_frame(self) -> bool:
        return self.codec == "h264" and self._awaits_key_frame

    async def next(self) -> EncodedPass | None:
        """The oldest pass that waits, once there is one. None: it was closed."""
        while not self._waiting and not self._is_closed:
            self._changed.clear()
            await self._changed.wait()
        if self._is_closed:
            return None
        taken = self._waiting.popleft()
        self._on_room()
        return taken

    def offer(self, encoded: EncodedPass) -> None:
        """Have a pass wait for the taker, or lose what the class says."""
        if self._is_closed or (self._awaits_key_frame and not encoded.needs_no_other):
            self.passes_lost += 1
            return
        if not self.has_room and encoded.header.codec is None and self.codec == "jpeg":
            self._waiting.popleft()
            self.passes_lost += 1
        elif not self.has_room:
            self.start_over()
        if encoded.header.key_frame:
            self._awaits_key_frame = False
        if encoded.needs_no_other or not self._awaits_key_frame:
            self._waiting.append(encoded)
            self._changed.set()

    def start_over(self) -> None:
        """Drop what waits: what comes next does not build on it, or it was too much."""
        self.passes_lost += len(self._waiting)
        self._waiting.clear()
        self._awaits_key_frame = True

    def break_off(self) -> None:
        """What waits is sound, but what comes next does not build on it."""
        self._awaits_key_frame = True

    def close(self) -> None:
        """Take nothing more. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.set()
            self._on_close(self)


class EncodedPasses:
    """Filled by the session's stream. Whoever wants passes subscribes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._takers: list[PassTaker] = []
        self._epoch = 0
        self._source: VideoSource | None = None
        self._changed = asyncio.Event()
        self._key_frame_at = -_KEY_FRAME_GAP_S

    def subscribe(self, codec: Codec, bound: int = _WAITING_PASSES) -> PassSubscriber:
        """From the next pass on; H.264 from the next key frame on, which is asked for by this."""
        subscriber = PassSubscriber(codec, bound, self.detach, self._changed.set)
        self.attach(subscriber)
        return subscriber

    def attach(self, taker: PassTaker) -> None:
        """The same for one who takes each pass at once, until `detach`."""
        self._takers.append(taker)
        self._changed.set()

    def detach(self, taker: PassTaker) -> None:
        self._takers.remove(taker)

    def has(self, codec: Codec) -> bool:
        """Whether anybody takes passes in that form."""
        return any(each.codec == codec for each in self._takers)

    def wants(self, codec: Codec) -> bool:
        """Whether somebody has room for a pass in that form. Otherwise it need not be encoded for them."""
        return any(each.codec == codec and each.has_room for each in self._takers)

    async def wanted(self, codec: Codec) -> None:
        """Wait until somebody has room for a pass in that form."""
        while not self.wants(codec):
            self._changed.clear()
            await self._changed.wait()

    def wants_key_frame(self, source: VideoSource) -> bool:
        """Whether the next pass of that stream has to be a key frame for somebody; at most one in each second."""
        if self._clock.monotonic() - self._key_frame_at < _KEY_FRAME_GAP_S:
            return False
        waiting = [each for each in self._takers if each.codec == "h264" and each.has_room]
        return any(each.awaits_key_frame for each in waiting) or (bool(waiting) and source is not self._source)

    def begin_epoch(self, epoch: int) -> None:
        """Another world, or another moment: nothing of the old one is handed on any more."""
        self._epoch = epoch
        for each in self._takers:
            each.start_over()
        self._changed.set()

    def publish_video(self, encoded: EncodedPass, source: VideoSource) -> None:
        """A pass as H.264."""
        takers = [each for each in self._takers if each.codec == "h264"]
        if source is not self._source:
            self._source = source
            for each in takers:
                each.break_off()
        if encoded.header.key_frame:
            self._key_frame_at = self._clock.monotonic()
        self._offer(encoded, takers)

    def publish_jpegs(self, encoded: EncodedPass, *, to_all: bool) -> None:
        """A pass as JPEGs. `to_all`: there is no H.264 of it, so that it is for those as well who prefer that."""
        self._offer(encoded, [each for each in self._takers if to_all or each.codec == "jpeg"])

    def _offer(self, encoded: EncodedPass, takers: list[PassTaker]) -> None:
        if encoded.header.epoch == self._epoch:
            for each in takers:
                each.offer(encoded)
