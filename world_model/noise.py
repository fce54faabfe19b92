"""Noise as a function of (rng seed, pass number): the same world again needs the same noise again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pass_noise(rng_seed: int, pass_number: int, draws: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Standard normal numbers, float32 [draws, *shape].

    Philox (Salmon et al. 2011) is counter-based: pass 1,000 costs no more than pass 1.
    """
    bits = np.random.Philox(key=rng_seed % 2**64, counter=[0, 0, 0, pass_number])
    return np.random.Generator(bits).standard_normal((draws, *shape), dtype=np.float32)
