"""The sampling loop: from noise to clean latents in one, two or four steps of a rectified flow.

Noisy latents at level t are (1 - t) * clean + t * noise (Liu et al. 2022). The network predicts the clean ones, so a
step from t to s keeps the fraction s / t of what is not yet explained (DDIM, Song et al. 2020). Written with array
operators alone: the same loop runs on tensors in training and on arrays in play.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

# Noise levels at which the network is asked; the last step goes to zero.
SCHEDULES: Final[Mapping[int, tuple[float, ...]]] = MappingProxyType(
    {
        1: (1.0,),
        2: (1.0, 0.5),
        4: (1.0, 0.8, 0.55, 0.3),
    }
)
DEFAULT_STEPS: Final = 2


class _Array(Protocol):
    def __add__(self: _ArrayT, other: _ArrayT, /) -> _ArrayT: ...
    def __sub__(self: _ArrayT, other: _ArrayT, /) -> _ArrayT: ...
    def __mul__(self: _ArrayT, other: float, /) -> _ArrayT: ...


_ArrayT = TypeVar("_ArrayT", bound=_Array)


class CleanLatents(Protocol[_ArrayT]):
    """What the clean latents of noisy ones at a level are, as far as can be told: 1 is pure noise, 0 clean."""

    def __call__(self, noisy: _ArrayT, level: float, /) -> _ArrayT: ...


def sample(clean: CleanLatents[_ArrayT], noise: _ArrayT, steps: int) -> _ArrayT:
    """Latents from `noise` by `steps` calls of `clean`.

    Raises:
        ValueError: there is no schedule of so many steps.
    """
    if steps not in SCHEDULES:
        raise ValueError(f"Sampling takes 1, 2 or 4 steps, not {steps}.")
    noisy = noise
    levels = SCHEDULES[steps]
    for level, following in zip(levels, (*levels[1:], 0.0), strict=True):
        x0_pred = clean(noisy, level)
        kept = following / level
        noisy = x0_pred * (1.0 - kept) + noisy * kept
    return noisy
