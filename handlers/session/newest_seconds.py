"""The newest seconds of play as they were sent, so that somebody can keep what has just happened."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from services.video_encoder.video_encoder import AccessUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.session.encoded_passes import EncodedPass
    from services.clock.clock import Clock

CLIP_S: Final = 15.0
_LONGEST_GAP_S: Final = 1.0  # standing still and pauses are shown for no longer
_SLACK_S: Final = 1e-6  # sums of intervals are not exact
_KEY_FRAME_S: Final = 5.0  # between key frames: a clip of H.264 may be longer by so much


@dataclass(frozen=True, slots=True)
class KeptPass:
    """`at_s` is seconds on the clip's own time, in which nothing stands still for long."""

    at_s: float
    encoded: EncodedPass

    @property
    def size(self) -> int:
        return len(self.encoded.envelope)


@dataclass(frozen=True, slots=True)
class JpegClip:
    """Passes of JPEGs: when each was shown, how long it was meant to be, and its frames. Times in seconds."""

    passes: tuple[tuple[float, float, tuple[bytes, ...]], ...]
    ends_at_s: float


@dataclass(frozen=True, slots=True)
class VideoClip:
    """The same of H.264, from a key frame on."""

    passes: tuple[tuple[float, float, tuple[AccessUnit, ...]], ...]
    ends_at_s: float


Clip: TypeAlias = JpegClip | VideoClip


class NewestSeconds:
    """Holds `CLIP_S` seconds in at most `max_bytes()`. Touched by the event loop's thread alone.

    Where JPEGs are too large for that, some are left out evenly; of H.264 the oldest are. What is sent in another form
    begins anew, so a clip is of one form. Still pictures between frames of H.264 are left out.
    """

    def __init__(self, clock: Clock, max_bytes: Callable[[], int]) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._passes: deque[KeptPass] = deque()
        self._bytes = 0
        self._now_s = 0.0
        self._seen_at: float | None = None
        self._key_frame_at_s = 0.0

    @property
    def wants_key_frame(self) -> bool:
        return self._now_s - self._key_frame_at_s >= _KEY_FRAME_S

    def add(self, encoded: EncodedPass) -> None:
        """A pass goes to the player now."""
        self._pass_time()
        self._drop_old()  # the bound may have fallen
        header = encoded.header
        is_video = header.codec == "h264"
        if self._is_video and not is_video and not header.gen_ms:
            return
        if self._passes and is_video != self._is_video:
            self.clear()
        if is_video and header.key_frame:
            self._key_frame_at_s = self._now_s
        if not (self._passes or encoded.needs_no_other) or (not is_video and self._is_too_much(encoded)):
            return
        self._passes.append(KeptPass(self._now_s, encoded))
        self._bytes += self._passes[-1].size
        self._drop_old()

    def clear(self) -> None:
        """Another world begins: what was seen before does not belong to it."""
        self._passes.clear()
        self._bytes = 0

    def clip(self) -> Clip | None:
        """What is kept now. None: nothing is."""
        self._pass_time()
        self._drop_old()
        if not self._passes:
            return None
        passes, ends_at_s = tuple(self._passes), self._now_s
        if self._is_video:
            return VideoClip(tuple((each.at_s, _length_s(each), _units(each)) for each in passes), ends_at_s)
        return JpegClip(tuple((each.at_s, _length_s(each), each.encoded.parts) for each in passes), ends_at_s)

    @property
    def _is_video(self) -> bool:
        return bool(self._passes) and self._passes[0].encoded.header.codec == "h264"

    def _pass_time(self) -> None:
        now = self._clock.monotonic()
        if self._seen_at is not None:
            self._now_s += min(_LONGEST_GAP_S, now - self._seen_at)
        self._seen_at = now

    def _is_too_much(self, encoded: EncodedPass) -> bool:
        """Whether JPEGs of this size have to be further apart."""
        if not self._passes:
            return False
        apart_s = len(encoded.envelope) * CLIP_S / max(1, self._max_bytes())
        return self._now_s - self._passes[-1].at_s < apart_s

    def _drop_old(self) -> None:
        while self._passes and (self._bytes > self._max_bytes() or self._is_first_part_old()):
            self._drop_first_part()

    def _drop_first_part(self) -> None:
        self._bytes -= self._passes.popleft().size
        while self._passes and not self._passes[0].encoded.needs_no_other:
            self._bytes -= self._passes.popleft().size

    def _is_first_part_old(self) -> bool:
        """Whether there are enough seconds without what builds on the oldest pass."""
        if self._now_s - self._passes[0].at_s < CLIP_S:
            return False
        second = next((each for at, each in enumerate(self._passes) if at and each.encoded.needs_no_other), None)
        return second is not None and self._now_s - second.at_s >= CLIP_S - _SLACK_S


def _length_s(kept: KeptPass) -> float:
    return kept.encoded.header.gen_ms / 1000


def _units(kept: KeptPass) -> tuple[AccessUnit, ...]:
    is_key = bool(kept.encoded.header.key_frame)
    return tuple(AccessUnit(part, is_key=is_key and at == 0) for at, part in enumerate(kept.encoded.parts))
