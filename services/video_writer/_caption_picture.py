"""Renders a caption as a picture, with the libass that is part of ffmpeg.

libass shapes and wraps text of every script, including right-to-left ones. Pillow could do that only on machines with
libfribidi. Glyphs that the shipped font lacks (Chinese, Japanese, Korean) come from the machine's own fonts; where it
has none, boxes appear instead.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final
from unicodedata import category, east_asian_width

import numpy as np

from services.video_writer._errors import RecordingError
from services.video_writer._ffmpeg_process import run_ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_FONT: Final = "DejaVu Sans"
_LINES_OF_PICTURE: Final = 18  # lines of text that would fill the picture's height
_SMALLEST: Final = 11
_MOST_LINES: Final = 4
_GLYPH_WIDTH: Final = 0.55  # of the font size, on average
_MARGIN: Final = 16  # each margin is 1/16 of the width or height
# "Cf" is not among them: format characters join letters and change the writing direction.
_UNPRINTABLE_CATEGORIES: Final = ("Cc", "Cs", "Co", "Cn")
_TIMEOUT_S: Final = 30.0  # scanning the machine's fonts for the first time can take long

_SCRIPT: Final = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,{font},{size},&H00FFFFFF,&H40000000,&H40000000,4,{padding},0,2,{side},{side},{below},-1

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.00,0:00:10.00,Default,{text}
"""


@dataclass(frozen=True, slots=True)
class CaptionPicture:
    """A rendered caption and its place in a frame: uint16 arrays with values 0 to 255, `colour` premultiplied."""

    rows: slice
    columns: slice
    colour: NDArray[np.uint16]  # [height, width, 3]
    alpha: NDArray[np.uint16]  # [height, width, 1]

    def blend_onto(self, picture: NDArray[np.uint8], opacity: float) -> None:
        """Blend the caption onto `picture`, uint8 [height, width, 3], in place. `opacity` is 0 to 1."""
        weight = round(opacity * 255)
        part = picture[self.rows, self.columns]
        part[:] = (part * (255 - self.alpha * weight // 255) + self.colour * weight) // 255


def draw_caption(executable: Path, fonts: Path, text: str, width: int, height: int) -> CaptionPicture | None:
    """Render `text` for a frame of `width` x `height` pixels. None: ffmpeg failed, or the text has no visible ink."""
    size = max(_SMALLEST, round(height / _LINES_OF_PICTURE))
    room = int(_MOST_LINES * width * (1 - 2 / _MARGIN) / (size * _GLYPH_WIDTH))
    script = _SCRIPT.format(
        width=width,
        height=height,
        font=_FONT,
        size=size,
        padding=round(size / 4),
        side=width // _MARGIN,
        below=height // _MARGIN,
        text=_plain(text, room),
    )
    # A data URL for the script and a relative path for the fonts avoid quoting paths, which differs between systems.
    address = base64.b64encode(script.encode()).decode()
    filters = f"subtitles=f='data\\:text/plain;base64,{address}':fontsdir=.:alpha=1:wrap_unicode=1"
    canvas = f"color=c=black@0:s={width}x{height}:r=1:d=1,format=rgba"
    output = ("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1")
    try:
        drawn = run_ffmpeg(
            executable, ("-f", "lavfi", "-i", canvas, "-vf", filters, *output), timeout_s=_TIMEOUT_S, folder=fonts
        )
    except RecordingError:
        return None
    if len(drawn) != width * height * 4:
        return None
    return _crop(np.frombuffer(drawn, dtype=np.uint8).reshape(height, width, 4))


def _crop(drawn: NDArray[np.uint8]) -> CaptionPicture | None:
    is_drawn = drawn[..., 3] > 0
    if not is_drawn.any():
        return None
    rows, columns = _extent(np.flatnonzero(is_drawn.max(axis=1))), _extent(np.flatnonzero(is_drawn.max(axis=0)))
    part = drawn[rows, columns].astype(np.uint16)
    alpha = part[..., 3:]
    return CaptionPicture(rows, columns, part[..., :3] * alpha // 255, alpha)


def _extent(places: NDArray[np.intp]) -> slice:
    return slice(int(places[0]), int(places[-1]) + 1)


def _plain(text: str, room: int) -> str:
    """`text` as one line of at most `room` letters, with the characters escaped that libass would interpret."""
    line = " ".join("".join(" " if category(char) in _UNPRINTABLE_CATEGORIES else char for char in text).split())
    widths = accumulate(2 if east_asian_width(char) in "WF" else 1 for char in line)
    fitting = sum(1 for width in widths if width <= room)
    if fitting < len(line):
        line = line[: max(0, fitting - 1)].rstrip() + "…"
    return line.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")
