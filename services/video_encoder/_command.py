"""The encoders of H.264 that may exist, best first, and the command line with which ffmpeg runs one for a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.video_encoder.video_encoder import VideoShape, VideoTuning

_NEVER: Final = str(1 << 30)  # key frames come where they are asked for
_BUFFER_S: Final = 0.25  # over which the bit rate is bounded: so much a key frame can be above it

# A frame whose time is an odd number of milliseconds becomes a key frame: the time is all that a running ffmpeg can be
# told about a single frame.
KEY_FRAMES: Final = "expr:mod(round(t*1000),2)"


@dataclass(frozen=True, slots=True)
class Codec:
    """An ffmpeg encoder: its name, its fixed options, and the option that holds the quality."""

    name: str
    options: tuple[str, ...]
    quality_option: str


# Levels of H.264 (table A-1), and the macroblocks a second and a frame that they allow. All allow more bits than ours.
_LEVELS: Final = (("4.1", 245_760, 8_192), ("4.2", 522_240, 8_704), ("5.2", 2_073_600, 36_864))
_HIGHEST_LEVEL: Final = "6.2"

# "stitchable" keeps the parameter sets the same at every quality, so that a recording goes on in one file.
# "ipratio" makes a key frame as fine as the frames around it. By itself x264 takes a third more bytes for one, which
# whoever waits for it has to wait for.
# superfast takes 5 ms for a frame of 720p and a third of the bytes of ultrafast; veryfast takes 7 ms and saves no more.
SOFTWARE: Final = Codec(
    "libx264",
    (*("-preset", "superfast", "-tune", "zerolatency"), *("-x264-params", "scenecut=0:stitchable=1:ipratio=1.0")),
    "-crf",
)
HARDWARE: Final = (
    Codec("h264_nvenc", ("-preset", "p3", "-tune", "ull", "-rc", "vbr", "-b:v", "0", "-delay", "0"), "-cq"),
)


def arguments(codec: Codec, shape: VideoShape, tuning: VideoTuning, threads: int) -> Sequence[str]:
    """Read a Matroska stream of I420 frames from standard input, and write FLV, each frame as soon as it is encoded."""
    rate = str(tuning.max_bit_s)
    return (
        *("-hide_banner", "-nostats", "-loglevel", "error"),
        # The stream's header describes it fully, so ffmpeg need not wait for more data to probe.
        *("-threads", "1", "-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"),
        *("-map", "0:v", "-filter_threads", "1", "-fps_mode", "passthrough", "-enc_time_base", "1:1000"),
        *("-c:v", codec.name, *codec.options, codec.quality_option, str(tuning.crf)),
        *("-maxrate", rate, "-bufsize", str(round(tuning.max_bit_s * _BUFFER_S)), "-threads", str(threads)),
        *("-bf", "0", "-g", _NEVER, "-force_key_frames", KEY_FRAMES, "-forced-idr", "1", "-level", _level_of(shape)),
        # What cv2 makes of RGB: BT.601 in limited range.
        *("-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"),
    )


def trial_arguments(codec: Codec) -> Sequence[str]:
    """Encode a few frames of a test picture: what was compiled in says nothing about this machine's hardware."""
    return (
        *("-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"),
        *("-frames:v", "8", "-pix_fmt", "yuv420p", "-c:v", codec.name, *codec.options, "-bf", "0", "-f", "null", "-"),
    )


def _level_of(shape: VideoShape) -> str:
    """It follows from the pictures alone: encoders would choose it by the bit rate as well."""
    macroblocks = -(-shape.width // 16) * -(-shape.height // 16)
    return next(
        (
            name
            for name, most_a_second, most in _LEVELS
            if macroblocks <= most and macroblocks * shape.fps <= most_a_second
        ),
        _HIGHEST_LEVEL,
    )
