"""The pictures that the benchmarks stream: reproducible, smooth, and with the fine noise of a camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs] - it ships none

from runtime_config.constants import SHIPPED_SEEDS_DIR
from services.world_engine.diorama.engine import DioramaEngine
from services.world_engine.world_engine import ControlPayload
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.world_engine.world_engine import Frames, Picture

# The cells across a picture and the contrast of each octave. With the noise below, a 1280x720 JPEG at the default
# quality is as large as in the measurements that the report compares with.
_OCTAVES: Final = ((7, 40.0), (42, 14.0), (213, 6.0))
_NOISE: Final = 4.95  # standard deviation, for values 0 to 255
EXPECTED_JPEG_BYTES: Final = 188_000
SIZE_TOLERANCE: Final = 0.10


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """The shape of a stream."""

    width: int = 1280
    height: int = 720
    frames_per_pass: int = 4
    fps: int = 60
    passes: int = 3  # different ones, which are repeated
    is_walk: bool = False  # a walk through a shipped picture, which is typical for a video encoder, instead of a pan

    @property
    def is_full_size(self) -> bool:
        return (self.width, self.height) == (1280, 720)


def make_passes(spec: SceneSpec) -> tuple[Frames, ...]:
    """A slow pan over a panorama with new noise in every frame, or a walk."""
    if spec.is_walk:
        return tuple(_walk(spec))
    rng = np.random.default_rng(20)
    total = spec.passes * spec.frames_per_pass
    stride = max(1, spec.width // 64)
    panorama = _panorama(rng, spec, spec.width + stride * total)
    frames = [_frame(rng, panorama[:, at * stride : at * stride + spec.width]) for at in range(total)]
    return tuple(np.stack(frames[at : at + spec.frames_per_pass]) for at in range(0, total, spec.frames_per_pass))


def _walk(spec: SceneSpec) -> Iterator[Frames]:
    """A walk straight ahead while looking left and right, drawn by the diorama and scaled."""
    frames = _diorama_frames()
    for _ in range(spec.passes):
        taken = islice(frames, spec.frames_per_pass)
        scaled = [cv2.resize(frame, (spec.width, spec.height), interpolation=cv2.INTER_AREA) for frame in taken]
        yield np.stack(scaled).astype(np.uint8)


def _diorama_frames() -> Iterator[Picture]:
    seed = simplejpeg.decode_jpeg((SHIPPED_SEEDS_DIR / "forest_path.jpg").read_bytes())
    engine = DioramaEngine()
    fitted = np.asarray(cv2.resize(seed, (engine.spec.width, engine.spec.height)), dtype=np.uint8)
    world = engine.open_world(fitted, rng_seed=0)
    for at in count():
        look = ControlPayload(frozenset({KEY_CODES["W"]}), mouse_dx=8 * math.sin(at / 8), mouse_dy=0.0)
        yield from world.step(look)


def _panorama(rng: np.random.Generator, spec: SceneSpec, width: int) -> NDArray[np.float32]:
    picture = np.full((spec.height, width, 3), 128, dtype=np.float32)
    for cells, contrast in _OCTAVES:
        rows, columns = max(2, cells * spec.height // spec.width), max(2, cells * width // spec.width)
        grid = rng.normal(size=(rows, columns, 3)).astype(np.float32)
        picture += contrast * np.asarray(cv2.resize(grid, (width, spec.height), interpolation=cv2.INTER_CUBIC))
    return picture


def _frame(rng: np.random.Generator, view: NDArray[np.float32]) -> NDArray[np.uint8]:
    height, width, _ = view.shape
    noise = rng.standard_normal((height, width, 1), dtype=np.float32)
    return np.clip(view + _NOISE * noise, 0, 255).astype(np.uint8)
