"""Integer hashes and gradient noise, from which all shapes and colours of the world are derived."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator._jit import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MASK: Final = 0xFFFFFFFF
VOLUME_SIDE: Final = 32  # cells of the noise volume along each axis; it repeats


@inner
def hash2(i: int, j: int, salt: int) -> int:
    """32 well-mixed bits of two integers and a salt below 2**32 (multiply and xorshift rounds)."""
    bits = (i * 0x1B873593 + j * 0x3C6EF372 + salt * 0x2545F491) & _MASK
    bits = ((bits ^ (bits >> 16)) * 0x45D9F3B) & _MASK
    bits = ((bits ^ (bits >> 15)) * 0x2C1B3C6D) & _MASK
    return bits ^ (bits >> 16)


@inner
def unit(i: int, j: int, salt: int) -> float:
    """A pseudo-random number in [0, 1), derived from two integers and a salt."""
    return hash2(i, j, salt) / 4294967296.0


@inner
def _gradient(i: int, j: int, salt: int, dx: float, dz: float) -> float:
    bits = hash2(i, j, salt)
    return ((bits & 0xFFFF) / 32768.0 - 1.0) * dx + ((bits >> 16) / 32768.0 - 1.0) * dz


@inner
def noise2(x: float, z: float, salt: int) -> float:
    """Gradient noise (Perlin 2002, quintic fade), about -0.8 to 0.8, zero on the integer lattice."""
    fx, fz = math.floor(x), math.floor(z)
    i, j = int(fx), int(fz)
    dx, dz = x - fx, z - fz
    u = dx * dx * dx * (dx * (dx * 6.0 - 15.0) + 10.0)
    v = dz * dz * dz * (dz * (dz * 6.0 - 15.0) + 10.0)
    a = _gradient(i, j, salt, dx, dz)
    b = _gradient(i + 1, j, salt, dx - 1.0, dz)
    c = _gradient(i, j + 1, salt, dx, dz - 1.0)
    d = _gradient(i + 1, j + 1, salt, dx - 1.0, dz - 1.0)
    near = a + u * (b - a)
    return near + v * (c + u * (d - c) - near)


@inner
def fbm2(x: float, z: float, salt: int, octaves: int) -> float:
    """Fractal noise, about -1 to 1: octaves of `noise2`, each rotated, twice as fine and half as strong."""
    total, strength = 0.0, 1.0
    for octave in range(octaves):
        total += strength * noise2(x, z, (salt + 977 * octave) & _MASK)
        x, z = 1.6 * x - 1.2 * z + 17.3, 1.2 * x + 1.6 * z - 9.1
        strength *= 0.5
    return total


@inner
def ramp(low: float, high: float, value: float) -> float:
    """A smooth step from 0 at `low` to 1 at `high`. It falls if `high` is smaller than `low`."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3.0 - 2.0 * share)


@inner
def volume_at(volume: NDArray[np.float32], x: float, y: float, z: float) -> float:
    """Trilinear value of a repeating volume [side, side, side] at a point in cells."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    side = VOLUME_SIDE - 1
    i0, j0, k0 = int(fx) & side, int(fy) & side, int(fz) & side
    i1, j1, k1 = (i0 + 1) & side, (j0 + 1) & side, (k0 + 1) & side
    u, v, w = x - fx, y - fy, z - fz
    a = volume[i0, j0, k0] + u * (volume[i1, j0, k0] - volume[i0, j0, k0])
    b = volume[i0, j1, k0] + u * (volume[i1, j1, k0] - volume[i0, j1, k0])
    c = volume[i0, j0, k1] + u * (volume[i1, j0, k1] - volume[i0, j0, k1])
    d = volume[i0, j1, k1] + u * (volume[i1, j1, k1] - volume[i0, j1, k1])
    a += v * (b - a)
    c += v * (d - c)
    return a + w * (c - a)


def noise_volume(salt: int) -> NDArray[np.float32]:
    """Periodic smoothed random values with mean 0 and deviation about 1: float32 [side, side, side]."""
    values = np.random.default_rng(salt).standard_normal((VOLUME_SIDE,) * 3)
    for axis in range(3):
        values = values + 0.5 * (np.roll(values, 1, axis) + np.roll(values, -1, axis))
    return np.ascontiguousarray(values / values.std(), dtype=np.float32)


def noise_texture(salt: int, side: int) -> NDArray[np.float32]:
    """A periodic ground texture with grain of several sizes, mean 0 and deviation 1: float32 [side, side]."""
    rng = np.random.default_rng(salt)
    waves = np.fft.fftfreq(side, 1.0 / side)
    radius = np.hypot(waves[:, None], waves[None, :])
    spectrum = np.where(radius < 2.0, 0.0, 1.0 / np.maximum(radius, 1.0) ** 0.9) * (radius < side / 3)
    values = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * spectrum).real
    return np.ascontiguousarray(values / values.std(), dtype=np.float32)
