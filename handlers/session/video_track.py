"""A recording of what is encoded as H.264 anyway: each pass goes into the file as it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError
from handlers.base import in_thread
from handlers.session.quality import VideoQuality
from services.picture_decoder.picture_decoder import PictureError
from services.video_encoder.video_encoder import AccessUnit, VideoEncoderError, VideoShape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from handlers.session.encoded_passes import Codec, EncodedPass
    from runtime_config.current import Current
    from runtime_config.runtime_config import VideoConfig
    from services.clock.clock import Clock
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.video_encoder.video_encoder import VideoEncoder
    from services.video_writer.video_writer import CopiedRecording
    from services.world_engine.world_engine import WorldSpec

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_KEY_FRAME_S: Final = 2.0  # between two key frames, so that one can move about in the file
_MOST_JPEGS: Final = 90  # passes in a row that were not encoded as H.264: then it does not come back


class VideoTrack:
    """A `PassTaker`. Touched by the event loop's thread alone.

    A still picture comes as a JPEG. It is encoded for the file, and what comes after it must be a key frame. `on_lost`
    is called once, when there is no H.264 any more.
    """

    def __init__(
        self,
        file: CopiedRecording,
        *,
        encode_still: Callable[[bytes], Awaitable[AccessUnit | None]],
        clock: Clock,
        on_lost: Callable[[], None],
    ) -> None:
        self._file = file
        self._encode_still = encode_still
        self._clock = clock
        self._on_lost = on_lost
        self._needs_key_frame = True
        self._key_frame_at = clock.monotonic()
        self._jpegs = 0  # in a row
        self._still: asyncio.Task[None] | None = None
        self._behind_still: list[tuple[tuple[AccessUnit, ...], float, float]] = []

    @property
    def codec(self) -> Codec:
        return "h264"

    @property
    def has_room(self) -> bool:
        return True

    @property
    def awaits_key_frame(self) -> bool:
        return self._needs_key_frame or self._clock.monotonic() - self._key_frame_at >= _KEY_FRAME_S

    def offer(self, encoded: EncodedPass) -> None:
        header = encoded.header
        if header.codec is None:
            self._jpeg_came(encoded)
            return
        self._jpegs = 0
        if header.key_frame:
            self._needs_key_frame, self._key_frame_at = False, self._clock.monotonic()
        if not self._needs_key_frame:
            units = tuple(
                AccessUnit(part, is_key=bool(header.key_frame) and at == 0) for at, part in enumerate(encoded.parts)
            )
            self._write(units, self._clock.monotonic(), header.gen_ms / 1000)

    def start_over(self) -> None:
        self._needs_key_frame = True

    def break_off(self) -> None:
        self._needs_key_frame = True

    def show(self, jpeg: bytes, shown_for_s: float) -> None:
        """A still picture is what the player sees from now on."""
        self._needs_key_frame = True
        if self._still is None:
            self._still = asyncio.create_task(self._write_still(jpeg, self._clock.monotonic(), shown_for_s))

    def end(self) -> None:
        """Nothing comes any more."""
        if self._still is not None:
            self._still.cancel()
        self._write_behind_still()

    def _jpeg_came(self, encoded: EncodedPass) -> None:
        if not encoded.header.gen_ms:
            self.show(encoded.parts[0], 0.0)
            return
        self._jpegs += 1
        if self._jpegs == _MOST_JPEGS:
            self._on_lost()

    def _write(self, units: tuple[AccessUnit, ...], at: float, shown_for_s: float) -> None:
        if self._still is not None:
            self._behind_still.append((units, at, shown_for_s))
        else:
            self._file.write(units, started_at=at, shown_for_s=shown_for_s)

    async def _write_still(self, jpeg: bytes, at: float, shown_for_s: float) -> None:
        unit = await self._encode_still(jpeg)
        if unit is not None:
            self._file.write((unit,), started_at=at, shown_for_s=shown_for_s)
        self._write_behind_still()

    def _write_behind_still(self) -> None:
        self._still = None
        for units, at, shown_for_s in self._behind_still:
            self._file.write(units, started_at=at, shown_for_s=shown_for_s)
        self._behind_still.clear()


class VideoStills:
    """Encodes a single picture as a key frame, with the parameter sets that the frames of a session have."""

    def __init__(
        self, encoder: VideoEncoder, decoder: PictureDecoder, config: Current[VideoConfig], work_threads: Executor
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._config = config
        self._work_threads = work_threads

    async def encode(self, jpeg: bytes, spec: WorldSpec) -> AccessUnit | None:
        """None where it cannot be encoded: then the recording goes without it."""
        decode, tuning = self._decoder.decode, VideoQuality(self._config).tuning
        try:
            picture = await in_thread(self._work_threads, lambda: decode(jpeg, width=spec.width, height=spec.height))
            stream = await self._encoder.open(VideoShape(spec.width, spec.height, spec.fps), tuning)
        except (DomainError, PictureError, VideoEncoderError) as error:
            logger.warning("A still picture is missing in a recording", reason=str(error))
            return None
        try:
            (unit,) = await stream.encode(picture[None], key_frame=True)
        except VideoEncoderError as error:
            logger.warning("A still picture is missing in a recording", reason=str(error))
            return None
        finally:
            stream.close()
        return unit
