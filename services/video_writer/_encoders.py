"""H.264 encoders: which ones to try, their settings, and the ffmpeg command lines of a recording."""

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
_FRAGMENT_US: Final = 500_000  # a killed encoder loses this plus its own delay: less than a second
_DELAY_S: Final = 0.3  # how much play the encoder may hold back for B-frames and lookahead
_KEY_FRAME_S: Final = 2.0
_TIME_BASE: Final = 90_000
_TIMESCALE: Final = ("-video_track_timescale", str(_TIME_BASE))
_HD_LINES: Final = 720
_PROBE_TIMEOUT_S: Final = 10.0

# Core seconds per million pixels, including the decoding of the JPEGs. Measured with libx264 on a detailed walk.
_PRESETS: Final = (("veryfast", 0.017), ("superfast", 0.012))
_FASTEST: Final = ("ultrafast", 0.008)  # produces four times the bytes at lower quality
_SHARE_OF_MACHINE: Final = 0.4  # a preset that needs a larger share of all cores is skipped for a faster one
_SHARE_OF_CORE: Final = 0.5  # the load of one encoder thread


@dataclass(frozen=True, slots=True)
class Encoder:
    """An ffmpeg encoder for H.264. `options` follow its name on the command line."""

    name: str
    options: tuple[str, ...]


# Each is set to about the quality of libx264 at CRF 20, and to hold back no frames.
_HARDWARE: Final = (
    Encoder("h264_nvenc", ("-preset", "p4", "-rc", "vbr", "-cq", "21", "-b:v", "0", "-bf", "0", "-delay", "0")),
    Encoder("h264_qsv", ("-preset", "veryfast", "-global_quality", "21", "-bf", "0", "-async_depth", "1")),
)
_APPLE_HARDWARE: Final = (Encoder("h264_videotoolbox", ("-q:v", "65", "-realtime", "1", "-bf", "0")),)


def hardware_candidates() -> tuple[Encoder, ...]:
    """The hardware encoders that may exist on this operating system, best first."""
    return _APPLE_HARDWARE if sys.platform == "darwin" else _HARDWARE


def software_encoder(plan: RecordingPlan, cores: int) -> Encoder:
    """libx264 with the best preset that leaves enough of the machine for play."""
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
    """Whether the encoder can encode a short test video of the recording's size.

    ffmpeg's own list of encoders is not enough: it says what was compiled in, not what this machine's hardware can do.
    """
    size = f"{_even(plan.width)}x{_even(plan.height)}"
    source = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30", "-frames:v", "8", "-pix_fmt", "yuv420p")
    output = ("-c:v", encoder.name, *encoder.options, "-f", "null", "-")
    try:
        run_ffmpeg(executable, (*source, *output), timeout_s=_PROBE_TIMEOUT_S)
    except RecordingError:
        return False
    return True


def encode_arguments(plan: RecordingPlan, encoder: Encoder, output: Path) -> Sequence[str]:
    """Read a Matroska stream of JPEGs from standard input and write a fragmented MP4. Every frame keeps its time."""
    return (
        # The stream's header describes it fully, so ffmpeg need not wait for more data to probe.
        *("-threads", "1", "-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"),
        *("-map", "0:v", "-filter_threads", "1", "-vf", _filters(plan)),
        *("-fps_mode", "passthrough", "-enc_time_base", f"1:{_TIME_BASE}"),
        *("-c:v", encoder.name, *encoder.options, "-g", str(max(1, round(plan.fps * _KEY_FRAME_S)))),
        *metadata_arguments(plan.metadata),
        *("-movflags", "+empty_moov+default_base_moof+frag_keyframe", "-frag_duration", str(_FRAGMENT_US)),
        *("-flush_packets", "1", *_TIMESCALE, "-f", "mp4", "-y", str(output)),
    )


def copy_arguments(part: Path, output: Path, *, packets: int | None = None) -> Sequence[str]:
    """Turn a fragmented MP4, or its first `packets`, into one with an index, without encoding it again."""
    limit = () if packets is None else ("-frames:v", str(packets))
    return ("-i", str(part), "-map", "0:v", "-c", "copy", *limit, *_TIMESCALE, "-f", "mp4", "-y", str(output))


def seal_arguments(inputs: Sequence[str], metadata: VideoMetadata | None, output: Path) -> Sequence[str]:
    """Write the complete file from encoded inputs: no second encoding, and the index at the front."""
    return (
        *(*inputs, "-map", "0:v", "-c", "copy"),
        *(metadata_arguments(metadata) if metadata is not None else ("-map_metadata", "0")),
        *("-movflags", "+faststart", *_TIMESCALE, "-f", "mp4", "-y", str(output)),
    )


def metadata_arguments(metadata: VideoMetadata) -> Sequence[str]:
    fields = {"title": metadata.title, "artist": metadata.artist, "comment": metadata.comment}
    return [word for name, text in fields.items() for word in ("-metadata", f"{name}={text.replace(chr(0), '')}")]


def _filters(plan: RecordingPlan) -> str:
    """Convert JPEG colours (full range, BT.601) to what video players expect, and tag the stream accordingly.

    Players that ignore the tags assume BT.709 for high definition. Smaller pictures keep the BT.601 matrix, which
    needs no conversion.
    """
    matrix = "bt709" if plan.height >= _HD_LINES else "smpte170m"
    scale = f"scale={plan.width}:{plan.height}:in_range=full:out_range=limited:out_color_matrix={matrix}"
    crop = f"crop={_even(plan.width)}:{_even(plan.height)}:0:0"
    tags = f"setparams=range=limited:colorspace={matrix}:color_primaries=bt709:color_trc=bt709"
    is_even = plan.width % 2 == plan.height % 2 == 0
    return ",".join((scale, *(() if is_even else (crop,)), "setsar=1", "format=yuv420p", tags))


def _even(size: int) -> int:
    return max(2, size - size % 2)
