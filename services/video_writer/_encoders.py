"""Which H.264 encoder a recording gets, how it is set, and what ffmpeg is told to do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.video_writer._errors import RecordingError
from services.video_writer._ffmpeg_process import run_ffmpeg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.video_writer.video_writer import RecordingPlan, VideoMetadata

SOFTWARE: Final = "libx264"
_CRF: Final = 20
_FRAGMENT_US: Final = 500_000  # with the delay of the encoder: less than a second is lost to a kill
_DELAY_S: Final = 0.3  # of frames that the encoder keeps to look ahead
_KEY_FRAME_S: Final = 2.0
_TIME_BASE: Final = 90_000
_TIMESCALE: Final = ("-video_track_timescale", str(_TIME_BASE))
_HD_LINES: Final = 720
_PROBE_TIMEOUT_S: Final = 10.0

# Seconds of one core for a million pixels, measured with libx264 on a textured walk, decoding of the JPEGs included.
_PRESETS: Final = (("veryfast", 0.017), ("superfast", 0.012))
_FASTEST: Final = ("ultrafast", 0.008)  # four times the bytes, and still worse pictures
_SHARE_OF_MACHINE: Final = 0.4  # that encoding may take before a faster preset is chosen
_SHARE_OF_CORE: Final = 0.5  # that one thread is asked for


@dataclass(frozen=True, slots=True)
class Encoder:
    """An H.264 encoder of ffmpeg's. `options` stand behind its name."""

    name: str
    options: tuple[str, ...]


# Each at about the quality of libx264's CRF 20, and without frames that wait to be encoded.
_HARDWARE: Final = (
    Encoder("h264_nvenc", ("-preset", "p4", "-rc", "vbr", "-cq", "21", "-b:v", "0", "-bf", "0", "-delay", "0")),
    Encoder("h264_qsv", ("-preset", "veryfast", "-global_quality", "21", "-bf", "0", "-async_depth", "1")),
)
_APPLE_HARDWARE: Final = (Encoder("h264_videotoolbox", ("-q:v", "65", "-realtime", "1", "-bf", "0")),)


def hardware_candidates() -> tuple[Encoder, ...]:
    """What may be tried on this system, best first."""
    return _APPLE_HARDWARE if sys.platform == "darwin" else _HARDWARE


def software_encoder(plan: RecordingPlan, cores: int) -> Encoder:
    """libx264 at the finest preset that leaves the machine to the game."""
    megapixels_a_second = plan.width * plan.height * plan.fps / 1e6
    fine = (preset for preset in _PRESETS if megapixels_a_second * preset[1] <= _SHARE_OF_MACHINE * cores)
    name, cost = next(fine, _FASTEST)
    threads = max(1, min(cores, round(megapixels_a_second * cost / _SHARE_OF_CORE)))
    delay = int(plan.fps * _DELAY_S) if name != _FASTEST[0] else 0
    b_frames = 3 if delay >= 8 else 0
    lookahead = max(0, min(10, delay - b_frames - threads))
    tuning = f"rc-lookahead={lookahead}:mbtree={int(lookahead > 0)}"
    options = ("-preset", name, "-crf", str(_CRF), "-threads", str(threads), "-bf", str(b_frames))
    return Encoder(SOFTWARE, (*options, "-x264-params", tuning))


def is_encoder_working(executable: Path, encoder: Encoder, plan: RecordingPlan) -> bool:
    """Whether a probe of the recording's size can be encoded. A list of encoders says what was compiled in, no more."""
    size = f"{_even(plan.width)}x{_even(plan.height)}"
    source = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30", "-frames:v", "8", "-pix_fmt", "yuv420p")
    output = ("-c:v", encoder.name, *encoder.options, "-f", "null", "-")
    try:
        run_ffmpeg(executable, (*source, *output), timeout_s=_PROBE_TIMEOUT_S)
    except RecordingError:
        return False
    return True


def encode_arguments(plan: RecordingPlan, encoder: Encoder, output: Path) -> Sequence[str]:
    """A Matroska stream of JPEGs on its input becomes a fragmented MP4. Every frame keeps its time."""
    return (
        # Nothing is waited for: the stream's head says what comes.
        *("-threads", "1", "-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"),
        *("-map", "0:v", "-filter_threads", "1", "-vf", _filters(plan)),
        *("-fps_mode", "passthrough", "-enc_time_base", f"1:{_TIME_BASE}"),
        *("-c:v", encoder.name, *encoder.options, "-g", str(max(1, round(plan.fps * _KEY_FRAME_S)))),
        *metadata_arguments(plan.metadata),
        *("-movflags", "+empty_moov+default_base_moof+frag_keyframe", "-frag_duration", str(_FRAGMENT_US)),
        *("-flush_packets", "1", *_TIMESCALE, "-f", "mp4", "-y", str(output)),
    )


def copy_arguments(part: Path, output: Path) -> Sequence[str]:
    """A fragmented file becomes one with an index, as it is."""
    return ("-i", str(part), "-map", "0:v", "-c", "copy", *_TIMESCALE, "-f", "mp4", "-y", str(output))


def seal_arguments(inputs: Sequence[str], metadata: VideoMetadata | None, output: Path) -> Sequence[str]:
    """What is encoded becomes the complete file, as it is, with its index at the front."""
    return (
        *(*inputs, "-map", "0:v", "-c", "copy"),
        *(metadata_arguments(metadata) if metadata is not None else ("-map_metadata", "0")),
        *("-movflags", "+faststart", *_TIMESCALE, "-f", "mp4", "-y", str(output)),
    )


def metadata_arguments(metadata: VideoMetadata) -> Sequence[str]:
    fields = {"title": metadata.title, "artist": metadata.artist, "comment": metadata.comment}
    return [word for name, text in fields.items() for word in ("-metadata", f"{name}={text.replace(chr(0), '')}")]


def _filters(plan: RecordingPlan) -> str:
    """JPEG's colours (full range, BT.601) become those that players expect of a video, and guess where it does not say.

    They take BT.709 for high definition; below, the matrix stays, which costs nothing.
    """
    matrix = "bt709" if plan.height >= _HD_LINES else "smpte170m"
    scale = f"scale={plan.width}:{plan.height}:in_range=full:out_range=limited:out_color_matrix={matrix}"
    crop = f"crop={_even(plan.width)}:{_even(plan.height)}:0:0"
    tags = f"setparams=range=limited:colorspace={matrix}:color_primaries=bt709:color_trc=bt709"
    is_even = plan.width % 2 == plan.height % 2 == 0
    return ",".join((scale, *(() if is_even else (crop,)), "setsar=1", "format=yuv420p", tags))


def _even(size: int) -> int:
    return max(2, size - size % 2)
