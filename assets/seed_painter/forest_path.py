"""A path through a pine forest in the morning: trunks fading into light, moss, ferns, shafts of sun."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from assets.seed_painter._ground import EYE, FOCAL, ground, ground_noise
from assets.seed_painter._plants import blank, conifer, grass, stroke
from assets.seed_painter.canvas import (
    Field,
    bloom,
    blur,
    finish,
    grid,
    halo,
    hexa,
    noise,
    paint,
    ramp,
    shine,
    smooth,
)  # fmt: skip

TITLE = "Path through the pines"
DESCRIPTION = "Morning light falls between tall trunks onto moss and needles; the path bends into the glow."

_HORIZON: Final = 372.0
_SUN: Final = (700.0, 190.0)
_BENDS: Final = 0.9


def make() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    x, y = grid()
    picture = ramp(
        np.hypot((x - _SUN[0]) * 0.8, y - _SUN[1]) / 620,
        [(0, "fff4c8"), (0.25, "e8dc9c"), (0.55, "8fae7a"), (1, "3f6450")],
    )
    leaves = noise(1, 60, 60, octaves=7, fade=0.75)
    paint(
        picture,
        ramp(0.5 + 0.2 * leaves, [(0, "567a55"), (0.6, "a7b878"), (1, "f2e6a6")]),
        0.5 * smooth(-0.3, 1.0, leaves),
    )
    _floor(picture, x, y)
    _trees(picture, y)
    _canopy(picture, x, y)
    ferns = [hexa(code) for code in ("1c3319", "2f5524", "55803a", "8fae4c", "c9cf74")]
    grass(
        picture,
        15,
        horizon=_HORIZON,
        tufts=900,
        height=0.26,
        colours=ferns,
        bare=lambda across, away: abs(across - _BENDS * math.sin(away / 6.0)) < 1.4,
        farthest=15.0,
        lean=0.5,
    )
    _shafts(picture, x, y)
    bloom(picture, 0.80, 24.0, 0.55)
    return finish(picture, 18, vignette=0.34)


def _floor(picture: Field, x: Field, y: Field) -> None:
    plane = ground(_HORIZON)
    broad, fine = ground_noise(plane, 3, 3.2, octaves=8, fade=0.66), ground_noise(plane, 4, 0.25, octaves=5, fade=0.9)
    moss = ramp(
        0.46 + 0.11 * broad + 0.07 * fine,
        [(0, "0f1f12"), (0.35, "29441f"), (0.55, "4f6d2b"), (0.8, "93a045"), (1, "dfd988")],
    )
    needles = ramp(0.5 + 0.10 * broad + 0.09 * fine, [(0, "21150e"), (0.4, "5a3d26"), (0.65, "96704a"), (1, "e3c38a")])
    paint(moss, needles, 0.65 * smooth(0.2, 1.2, ground_noise(plane, 5, 2.0, octaves=6)))
    middle = _BENDS * np.sin(plane.away / 6.0) * smooth(2, 8, plane.away)
    off = np.abs(plane.across - middle) + 0.13 * ground_noise(plane, 6, 0.8, octaves=6)
    paint(moss, needles * np.array((1.25, 1.2, 1.15), dtype=np.float32), smooth(1.15, 0.75, off))
    stones = (
        smooth(1.6, 1.8, ground_noise(plane, 7, 0.22, octaves=3)) * smooth(14, 6, plane.away) * smooth(1.3, 0.9, off)
    )
    paint(moss, (0.10, 0.07, 0.05), 0.6 * np.roll(stones, 5, axis=0))
    paint(moss, (0.66, 0.56, 0.44), 0.8 * stones)
    light = smooth(
        -0.1, 1.3, ground_noise(plane, 8, 2.6, stretch=0.6, octaves=4) + 0.8 * np.exp(-(((x - _SUN[0]) / 300) ** 2))
    )
    moss *= (0.42 + 0.72 * light)[..., None]
    shine(moss, (1.0, 0.86, 0.45), 0.30 * light * smooth(30, 3, plane.away))
    paint(moss, (0.86, 0.86, 0.58), np.clip(0.95 * np.exp(-(y - _HORIZON) / 26), 0, 1))
    paint(picture, moss, plane.lies)


def _trees(picture: Field, y: Field) -> None:
    """Trunks and young firs from far to near; each layer's bark is lit on the side of the sun."""
    rng = np.random.default_rng(9)
    depths = np.sort(1 / rng.uniform(1 / 75, 1 / 4.6, 120))[::-1]
    bark = noise(10, 5, 46, octaves=6, fade=0.75)
    for layer in np.array_split(depths, 16):
        trunks, shade = blank(), blank()
        z = float(layer.mean())
        fog = 1 - np.exp(-z / 24)
        for depth in layer:
            across = rng.uniform(-1, 1) * depth * 0.95
            path = _BENDS * np.sin(depth / 6.0)
            if abs(across - path) < 1.9 + 0.03 * depth:
                continue
            _trunk(trunks, shade, rng, float(across), float(depth))
            if rng.uniform() < 0.28 and depth > 8:
                foot = (640 + (across + 1.2) / depth * FOCAL, _HORIZON + EYE / depth * FOCAL)
                pale = np.array((0.82, 0.84, 0.58)) * fog
                dark, light = (
                    pale + np.array((0.06, 0.12, 0.06)) * (1 - fog),
                    pale + np.array((0.30, 0.42, 0.16)) * (1 - fog),
                )
                conifer(
                    picture,
                    int(rng.integers(9999)),
                    foot,
                    float(rng.uniform(1.6, 4.6)) / depth * FOCAL,
                    dark=tuple(dark.tolist()),
                    light=tuple(light.tolist()),
                )
        tone = np.clip(0.42 + 0.40 * shade + 0.13 * bark * np.exp(-z / 18), 0, 1)
        wood = ramp(tone, [(0, "170f0b"), (0.4, "4a3222"), (0.7, "96653c"), (1, "f0c27c")])
        haze = ramp(np.clip(y / _HORIZON, 0, 1), [(0, "8fae82"), (0.6, "dcd794"), (1, "e4dfa0")])
        paint(picture, wood + np.float32(fog) * (haze - wood), blur(trunks, 0.25 + z * 0.004))


def _trunk(trunks: Field, shade: Field, rng: np.random.Generator, across: float, depth: float) -> None:
    scale = FOCAL / depth
    foot = np.array([640 + across * scale, _HORIZON + EYE * scale])
    girth, lean = rng.uniform(0.24, 0.5), rng.normal(0, 0.02)
    t = np.linspace(0, 1, 16)
    tall = 16.0 * scale
    spine = np.stack(
        [foot[0] + lean * tall * t + 0.1 * girth * scale * np.sin(t * 9 + depth), foot[1] - tall * t], axis=1
    )
    width = girth * scale * (1 - 0.45 * t + 0.5 * np.exp(-t * 70))
    stroke(trunks, spine, width, 1.0)
    sun = 1 if foot[0] < _SUN[0] else -1
    for step in range(9):
        share = (step + 0.5) / 9 - 0.5
        offset = spine + np.stack([share * width, np.zeros(16)], axis=1)
        stroke(shade, offset, width / 8, float(np.clip(sun * share * 2.2, -1, 1)))
    for _ in range(7):
        start = spine[rng.integers(3, 12)]
        long = rng.uniform(0.5, 1.7) * scale * rng.choice((-1, 1))
        stroke(
            trunks,
            start + np.array(((0, 0), (long * 0.6, -abs(long) * 0.06), (long, abs(long) * 0.12))),
            np.array([0.05, 0.03, 0.01]) * scale,
            1.0,
        )


def _canopy(picture: Field, x: Field, y: Field) -> None:
    """Boughs hanging into the picture from above, thinner towards the light."""
    for index, (depth, tone) in enumerate((("8da56a", 0.5), ("4c6b3c", 0.7), ("1d3420", 0.95))):
        needle = noise(20 + index, 120 - 22 * index, 46, octaves=8, fade=0.78)
        limit = 150 - 30 * index + 52 * np.abs(x - _SUN[0]) / 640
        mask = smooth(0.15, 0.75, 0.55 * needle + (limit - y) / 85)
        lit = smooth(-0.5, 1.5, np.roll(needle, 6, axis=0) - needle + 0.4)
        colour = np.asarray(hexa(depth), dtype=np.float32) * (0.7 + 0.75 * lit[..., None])
        paint(picture, colour.astype(np.float32), tone * mask)


def _shafts(picture: Field, x: Field, y: Field) -> None:
    angle = np.arctan2(y - _SUN[1] + 160, x - _SUN[0] - 60)
    beams = np.sin(angle * 31 + 0.6) + 0.8 * np.sin(angle * 53 + 2.0) + 0.6 * np.sin(angle * 17)
    reach = np.exp(-np.hypot(x - _SUN[0], y - _SUN[1] + 160) / 420) * smooth(60, 240, y)
    shine(picture, (1.0, 0.92, 0.62), 0.60 * reach * smooth(-0.1, 2.0, beams))
    shine(picture, (1.0, 0.94, 0.70), 0.55 * halo(x, y, _SUN, 150.0))
