"""Draws the captions of a recording onto its frames."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none
import structlog

from services.video_writer._caption_picture import CaptionPicture, draw_caption
from services.video_writer._timeline import TimedFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.video_writer._ffmpeg_tools import FfmpegTools

_logger = structlog.stdlib.get_logger(__name__)

_SHOWN_US: Final = 5_000_000
_FADE_US: Final = 1_000_000  # at the end of that time
_QUALITY: Final = 92  # JPEG quality of a frame that is encoded a second time


class Captions:
    """The captions of one recording. `add` may be called from any thread, `burn_in` from one only.

    A frame with a caption has to be decoded and encoded again. This affects the five seconds after a caption begins;
    all other frames pass unchanged.
    """

    def __init__(self, tools: FfmpegTools, captions: Iterable[tuple[int, str]] = ()) -> None:
        """`captions` are (microseconds from the first frame, text)."""
        self._tools = tools
        self._lock = threading.Lock()
        self._captions = sorted(captions)
        self._drawn: tuple[tuple[str, int, int], CaptionPicture | None] | None = None

    def add(self, at_us: int, text: str) -> None:
        with self._lock:
            self._captions = sorted((*self._captions, (at_us, text)))

    def all(self) -> tuple[tuple[int, str], ...]:
        with self._lock:
            return tuple(self._captions)

    def burn_in(self, frame: TimedFrame[bytes]) -> TimedFrame[bytes]:
        """The frame with the caption of its time, or the frame itself if there is none."""
        begun = [caption for caption in self.all() if caption[0] <= frame.at_us]
        if not begun:
            return frame
        at_us, text = begun[-1]
        left_us = at_us + _SHOWN_US - frame.at_us
        if left_us <= 0:
            return frame
        return self._drawn_over(frame, text, min(1.0, left_us / _FADE_US))

    def _drawn_over(self, frame: TimedFrame[bytes], text: str, opacity: float) -> TimedFrame[bytes]:
        try:
            height, width, _, subsampling = simplejpeg.decode_jpeg_header(frame.data)
            caption = self._picture(text, int(width), int(height))
            if caption is None:
                return frame
            picture = simplejpeg.decode_jpeg(frame.data, colorspace="RGB")
            caption.blend_onto(picture, opacity)
            jpeg = simplejpeg.encode_jpeg(
                picture, quality=_QUALITY, colorspace="RGB", colorsubsampling=subsampling.replace(":", "")
            )
        except ValueError:  # not a JPEG: the encoder will skip it as well
            return frame
        return TimedFrame(frame.at_us, jpeg)

    def _picture(self, text: str, width: int, height: int) -> CaptionPicture | None:
        key = (text, width, height)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, draw_caption(self._tools.executable(), self._tools.fonts, text, width, height))
            if self._drawn[1] is None and text.strip():
                _logger.warning("A caption could not be drawn and was left out", length=len(text))
        return self._drawn[1]
