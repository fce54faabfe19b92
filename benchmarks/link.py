"""Measures play over slow links, as JPEGs and as H.264: `python -m benchmarks.link [--seconds N] [--quick]`.

The diorama walks through a shipped picture at 720p60 in a server process of its own. A relay in this process shapes the
link. A client confirms every pass as soon as it has arrived, and does not draw, so that the link alone is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from benchmarks.child import terrarium_server
from benchmarks.link_relay import LinkRelay, LinkShape
from benchmarks.player import Player, PlayerError
from runtime_config.runtime_config import VideoConfig
from services.bundled_ffmpeg import bundled_ffmpeg
from services.frame_encoder.frame_encoder import EncodeTuning
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.video_encoder.ffmpeg_video_encoder import FfmpegVideoEncoder
from services.video_encoder.video_encoder import VideoShape, VideoTuning
from services.world_engine.diorama.entry import Diorama
from services.world_engine.world_engine import ControlPayload
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.world_engine.engine_card import LoadStep
    from services.world_engine.world_engine import Picture

_ROOT: Final = Path(__file__).parent.parent
_SEED: Final = _ROOT / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_CODECS: Final = {"JPEG": "&client=terrarium", "H.264": "&client=terrarium&video=h264"}
_COMPARED: Final = 10  # each so many-th frame is compared, as that takes longer than encoding it
_SETTLING_S: Final = 10.0  # in which the quality finds its place
_LONGEST_STALL_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.005
_BETWEEN_STALLS_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """Play over one link. `age_*_ms`: from the sending of a control to the arrival of the frame that has read it."""

    frames_per_s: float
    age_p50_ms: float
    age_p95_ms: float
    mbit_s: float
    quality: str


@dataclass(frozen=True, slots=True)
class CodecFigures:
    """Encoding alone, frame by frame. SSIM is of the luma, a mean over frames."""

    name: str
    encode_p50_ms: float
    mbit_s_at_60: float
    ssim_to_original: float
    ssim_to_jpeg: float


# ------------------------------------------------------------------------------------------------------ over a link


def measure_link(server_port: int, shape: LinkShape, query: str, seconds: float) -> LinkFigures:
    with (
        LinkRelay(server_port, shape) as relay,
        Player(relay.port, _MODEL, seed=_SEED.read_bytes(), capped=True, query=query, acknowledges=True) as player,
    ):
        time.sleep(_SETTLING_S)
        began = time.monotonic()
        time.sleep(seconds)
        arrivals = [arrival for arrival in player.arrivals if arrival.at >= began and arrival.newest_control > 0]
    ages = sorted((arrival.at - arrival.newest_control) * 1000 for arrival in arrivals) or [float("nan")]
    qualities = [arrival.quality for arrival in arrivals if arrival.quality >= 0] or [-1]
    name = "CRF" if arrivals and arrivals[-1].codec == "h264" else "JPEG"
    return LinkFigures(
        frames_per_s=sum(arrival.frames for arrival in arrivals) / seconds,
        age_p50_ms=statistics.median(ages),
        age_p95_ms=ages[int(0.95 * (len(ages) - 1))],
        mbit_s=sum(arrival.size for arrival in arrivals) * 8 / seconds / 1e6,
        quality=f"{name} {statistics.mean(qualities):.0f}",
    )


def measure_stalls(server_port: int, shape: LinkShape, tries: int) -> list[float]:
    """Milliseconds from the request of a client that lost a frame to the arrival of the key frame that it asked for."""
    query, stalls = _CODECS["H.264"], list[float]()
    with (
        LinkRelay(server_port, shape) as relay,
        Player(relay.port, _MODEL, seed=_SEED.read_bytes(), capped=True, query=query, acknowledges=True) as player,
    ):
        time.sleep(_SETTLING_S)
        for _ in range(tries):
            asked_at = player.ask("video", codec="h264")
            while (arrived_at := _key_frame_after(player, asked_at)) is None:
                if time.monotonic() - asked_at > _LONGEST_STALL_S:
                    raise PlayerError("No key frame came.")
                time.sleep(_LOOK_EVERY_S)
            stalls.append((arrived_at - asked_at) * 1000)
            time.sleep(_BETWEEN_STALLS_S)
    return stalls


def _key_frame_after(player: Player, asked_at: float) -> float | None:
    return next((arrival.at for arrival in player.arrivals if arrival.at > asked_at and arrival.is_key), None)


# ---------------------------------------------------------------------------------------------------- encoding alone


def measure_codecs(frames: Sequence[Picture], crf: int = VideoConfig().crf) -> list[CodecFigures]:
    return asyncio.run(_measure_codecs(frames, crf))


async def _measure_codecs(frames: Sequence[Picture], crf: int) -> list[CodecFigures]:
    jpeg_encoder, jpegs, jpeg_ms = SimpleJpegEncoder(1), list[bytes](), list[float]()
    for frame in frames:
        began = time.perf_counter()
        jpegs += await jpeg_encoder.encode(frame[None], EncodeTuning(85, "4:2:0"))
        jpeg_ms.append((time.perf_counter() - began) * 1000)
    jpeg_encoder.close()
    height, width = frames[0].shape[:2]
    encoder = FfmpegVideoEncoder(bundled_ffmpeg, hardware=())
    tuning = VideoTuning(crf, round(VideoConfig().most_mbit_s * 1e6))
    stream = await encoder.open(VideoShape(width, height, 60.0), tuning)
    units, video_ms = list[bytes](), list[float]()
    for frame in frames:
        began = time.perf_counter()
        units += [unit.data for unit in await stream.encode(frame[None], key_frame=False)]
        video_ms.append((time.perf_counter() - began) * 1000)
    encoder.close()
    originals = [_luma(frame) for frame in frames[::_COMPARED]]
    as_jpeg = [_luma(_read_jpeg(jpeg)) for jpeg in jpegs[::_COMPARED]]
    as_video = [_luma(frame) for frame in _decoded(units, width, height)[::_COMPARED]]
    return [
        CodecFigures("JPEG 85", statistics.median(jpeg_ms), _mbit_s(jpegs), _ssim(as_jpeg, originals), 1.0),
        CodecFigures(
            f"H.264 CRF {crf}",
            statistics.median(video_ms),
            _mbit_s(units),
            _ssim(as_video, originals),
            _ssim(as_video, as_jpeg),
        ),
    ]


def walk(count: int) -> list[Picture]:
    """Frames of the diorama, walking and looking around."""
    engine = Diorama.load("none", _ignore)
    try:
        spec = engine.spec
        seed = cv2.resize(_read_jpeg(_SEED.read_bytes()), (spec.width, spec.height), interpolation=cv2.INTER_AREA)
        world = engine.open_world(seed.astype(np.uint8), rng_seed=1)
        control = ControlPayload(frozenset({KEY_CODES["W"]}), 1.5, 0.0)
        frames = [frame.copy() for _ in range(count) for frame in world.step(control)]
        world.close()
        return frames
    finally:
        engine.close()


def _ignore(_: LoadStep) -> None:
    """Nobody watches this load."""


def _mbit_s(parts: Sequence[bytes]) -> float:
    return sum(map(len, parts)) / len(parts) * 8 * 60 / 1e6


def _decoded(units: Sequence[bytes], width: int, height: int) -> Picture:
    command = (
        *(str(bundled_ffmpeg()), "-hide_banner", "-loglevel", "error", "-f", "h264", "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"),
    )
    done = subprocess.run(command, input=b"".join(units), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, dtype=np.uint8).reshape(-1, height, width, 3)


def _read_jpeg(jpeg: bytes) -> Picture:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8)


def _luma(frame: Picture) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY).astype(np.float32)


def _ssim(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Wang et al. 2004, with a Gaussian window of 11 pixels and a deviation of 1.5."""
    return statistics.mean(_ssim_of(one, other) for one, other in zip(ones, others, strict=True))


def _ssim_of(one: np.ndarray, other: np.ndarray) -> float:
    def blurred(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    small, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_one, mean_other = blurred(one), blurred(other)
    var_one, var_other = blurred(one * one) - mean_one**2, blurred(other * other) - mean_other**2
    shared = blurred(one * other) - mean_one * mean_other
    top = (2 * mean_one * mean_other + small) * (2 * shared + contrast)
    return float((top / ((mean_one**2 + mean_other**2 + small) * (var_one + var_other + contrast))).mean())


# -------------------------------------------------------------------------------------------------------- the report


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one link, two seconds")
    options = parser.parse_args(arguments)
    seconds = 2.0 if options.quick else options.seconds
    rates = (8,) if options.quick else (2, 8, 30, 100)
    delays = (20,) if options.quick else (5, 20, 80)
    print("| codec | encode p50 ms | Mbit/s at 60 frames/s | SSIM to the original | SSIM to the JPEG |")
    print("| --- | --- | --- | --- | --- |")
    for codec in measure_codecs(walk(60 if options.quick else 300)):
        sizes = f"{codec.encode_p50_ms:.1f} | {codec.mbit_s_at_60:.1f}"
        print(f"| {codec.name} | {sizes} | {codec.ssim_to_original:.3f} | {codec.ssim_to_jpeg:.3f} |", flush=True)
    print("\n| Mbit/s | delay each way, ms | codec | frames/s | age p50 ms | age p95 ms | used Mbit/s | quality |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with terrarium_server() as (server, _):
        for rate in rates:
            for delay_ms in delays:
                shape = LinkShape(rate * 1e6, delay_ms / 1000, jitter_s=delay_ms / 5000)
                for name, query in _CODECS.items():
                    of = measure_link(server.port, shape, query, seconds)
                    seen = f"{of.frames_per_s:.1f} | {of.age_p50_ms:.0f} | {of.age_p95_ms:.0f}"
                    print(f"| {rate} | {delay_ms} | {name} | {seen} | {of.mbit_s:.1f} | {of.quality} |", flush=True)
        print("\n| Mbit/s | delay each way, ms | stall p50 ms | stall p95 ms |\n| --- | --- | --- | --- |")
        for rate in rates:
            for delay_ms in delays:
                shape = LinkShape(rate * 1e6, delay_ms / 1000, jitter_s=delay_ms / 5000)
                stalls = sorted(measure_stalls(server.port, shape, 3 if options.quick else 15))
                p50, p95 = statistics.median(stalls), stalls[int(0.95 * (len(stalls) - 1))]
                print(f"| {rate} | {delay_ms} | {p50:.0f} | {p95:.0f} |", flush=True)


if __name__ == "__main__":
    main()
