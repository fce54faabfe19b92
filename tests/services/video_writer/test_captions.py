"""Captions are seen, in every script, for five seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from runtime_config.constants import FONTS_DIR
from services.video_writer._caption_picture import CaptionPicture, draw_caption
from services.video_writer._captions import Captions
from services.video_writer._ffmpeg_tools import FfmpegTools
from services.video_writer._timeline import TimedFrame
from services.video_writer.video_writer import Finished
from tests.services.video_writer.videos import Ends, decoded, ffmpeg, jpeg, plan

if TYPE_CHECKING:
    from pathlib import Path

    from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter

TEXTS = {
    "latin": "Let it snow",
    "arabic": "اجعل السماء حمراء",
    "hebrew": "הפוך את השמיים לאדומים",
    "cyrillic": "Пусть идёт снег",
    "chinese": "让天空变红",
    "devanagari": "बर्फ़ गिरने दो",
    "emoji": "snow ❄️ 👩‍🚀",
    "markup": r"{\b1}bold{\r} \N line \h 100% ' \" : ; , [a] = \\",
    "control": "a\x00b\x07c\ud800 d\ne\u2028f",
    "long": "word " * 400,
    "unbroken": "x" * 400,
}
ARABIC = "\u0633\u0645\u0627\u0621"  # the sky
HEBREW = "\u05e9\u05dc\u05d5\u05dd"  # peace


def draw(text: str, width: int = 320, height: int = 192) -> CaptionPicture | None:
    return draw_caption(ffmpeg(), FONTS_DIR, text, width, height)


def differ(one: str, other: str) -> bool:
    """Whether two captions look different, but for the rounding of their edges."""
    first, second = draw(one), draw(other)
    assert first is not None
    assert second is not None
    if first.colour.shape != second.colour.shape:
        return True
    return float(np.abs(first.colour.astype(int) - second.colour.astype(int)).mean()) > 2


@pytest.mark.parametrize("script", TEXTS)
def test_every_script_is_drawn_inside_the_picture(script: str) -> None:
    caption = draw(TEXTS[script])
    assert caption is not None
    assert caption.colour.max() > 100  # boxes, in place of signs that no font here has, are thin
    assert 192 * 0.2 < caption.rows.start < caption.rows.stop <= 192


def test_letters_join_and_run_from_right_to_left() -> None:
    from_left = "\u202d"  # takes the direction away: what follows is drawn as it stands
    assert differ(ARABIC, "\u200c".join(ARABIC))  # kept apart
    assert not differ(HEBREW, from_left + HEBREW[::-1])
    assert differ(HEBREW, from_left + HEBREW)


def test_markup_is_shown_not_obeyed() -> None:
    assert differ(r"{\b1}bold", "bold")
    assert differ(r"a\Nb", "a b")
    short, braces = draw("bold"), draw(r"{\b1}bold")
    assert short is not None
    assert braces is not None
    assert braces.columns.stop - braces.columns.start > short.columns.stop - short.columns.start


def test_an_empty_caption_is_not_drawn() -> None:
    assert draw("") is None
    assert draw(" \n ") is None


def test_a_caption_covers_as_much_as_it_says() -> None:
    caption = CaptionPicture(
        slice(1, 2), slice(0, 2), np.array([[[255] * 3, [0] * 3]], np.uint16), np.array([[[255], [128]]], np.uint16)
    )
    picture = np.full((3, 3, 3), 100, np.uint8)
    caption.blend_onto(picture, 1.0)
    assert picture[:, :, 0].tolist() == [[100, 100, 100], [255, 49, 100], [100, 100, 100]]
    picture[:] = 100
    caption.blend_onto(picture, 0.0)
    assert (picture == 100).all()


def strength(captions: Captions, at_s: float) -> float:
    """How much a frame at that time is changed."""
    plain = jpeg(3, 320, 192)
    burnt = captions.burn_in(TimedFrame(round(at_s * 1_000_000), plain)).data
    if burnt == plain:
        return 0.0
    before, after = (simplejpeg.decode_jpeg(one).astype(int) for one in (plain, burnt))
    return float(np.abs(after[96:] - before[96:]).mean())


def test_a_caption_is_shown_for_five_seconds_and_fades_in_the_last() -> None:
    captions = Captions(FfmpegTools(executable=None, fonts=FONTS_DIR, cores=2))
    captions.add(10_000_000, "Let it snow")
    full = strength(captions, 10.0)
    assert full > 1
    assert strength(captions, 9.99) == 0.0
    assert strength(captions, 13.99) == pytest.approx(full, rel=0.05)
    assert 0.3 * full < strength(captions, 14.5) < 0.7 * full
    assert strength(captions, 14.9) < 0.3 * full
    assert strength(captions, 15.0) == 0.0


def test_a_later_caption_replaces_an_earlier_one() -> None:
    tools = FfmpegTools(executable=None, fonts=FONTS_DIR, cores=2)
    both, later = Captions(tools), Captions(tools)
    both.add(12_000_000, "later")
    both.add(10_000_000, "an earlier one, which is longer")
    later.add(12_000_000, "later")
    frame = TimedFrame(12_500_000, jpeg(3, 320, 192))
    assert both.burn_in(frame) == later.burn_in(frame)


def test_a_caption_that_cannot_be_drawn_does_no_harm(tmp_path: Path) -> None:
    captions = Captions(FfmpegTools(executable=tmp_path / "none", fonts=FONTS_DIR, cores=2))
    captions.add(0, "Let it snow")
    frame = TimedFrame(1, jpeg(3))
    assert captions.burn_in(frame) == frame
    assert captions.burn_in(TimedFrame(2, b"no JPEG")).data == b"no JPEG"


def test_a_recording_shows_its_captions(ffmpeg_writer: FfmpegVideoWriter, tmp_path: Path) -> None:
    ends = Ends()
    recording = ffmpeg_writer.start(tmp_path / "walk.mp4", plan(fps=10), ends.on_end)
    for at in range(80):
        if at == 10:
            recording.caption("שלום, let it snow", at=501.0)
        recording.write([jpeg(7)], started_at=500 + at / 10, shown_for_s=0.1)
    recording.finish()
    outcome = ends.wait()
    assert isinstance(outcome, Finished)
    frames = decoded(outcome.path).astype(int)
    changes = [float(np.abs(frame[48:] - frames[0][48:]).mean()) for frame in frames]
    assert max(changes[:10]) < 1.5
    assert min(changes[10:50]) > 3
    assert max(changes[60:]) < 1.5
