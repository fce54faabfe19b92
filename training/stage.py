"""What a stage of training is, and what the stages share: random numbers, the learning rate, precision, averages."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from training.presets import StagePlan

StageName: TypeAlias = Literal["motion", "depth"]
STAGES: Final[tuple[StageName, ...]] = ("motion", "depth")  # in their order

_ModuleT = TypeVar("_ModuleT", bound="nn.Module")


class Stage(Protocol):
    """One stage of a run; its networks are the run's own."""

    name: StageName
    plan: StagePlan
    optimiser: torch.optim.Optimizer

    @property
    def averages(self) -> Mapping[str, nn.Module]:
        """Averaged networks by name: what is looked at and shipped in place of those that learn."""
        ...

    def step(self, number: int) -> dict[str, float]:
        """One step of the optimiser; the losses by name."""
        ...

    def finish(self) -> None:
        """What is to be done once all steps are."""
        ...


def step_rng(stage: StageName, number: int) -> np.random.Generator:
    """Random numbers of a step alone: a run that was interrupted draws what it would have drawn."""
    return np.random.default_rng([STAGES.index(stage), number])


def seed_torch(seed: int) -> None:
    """On all devices; what a stage draws there is then a function of the step, too."""
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType] - its argument is untyped


def learning_rate(plan: StagePlan, step: int) -> float:
    """Warm-up, constant, straight to zero: the constant part can be prolonged without starting anew."""
    done = (step + 1) / plan.steps
    rising = min(1.0, done / plan.warm_up) if plan.warm_up else 1.0
    falling = min(1.0, (1.0 - done) / plan.cool_down + 1e-3) if plan.cool_down else 1.0
    return plan.learning_rate * min(rising, falling)


def descend(
    optimiser: torch.optim.Optimizer, loss: Tensor, rate: float, clipped: Iterable[Iterable[Tensor]] = ()
) -> None:
    """A step down the gradient of `loss`. A group's rate is `rate` by its own "scale"; of each of the `clipped` sets of
    parameters the gradient is at most one long."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # pyright: ignore[reportUnknownMemberType] - its optional arguments are untyped
    for parameters in clipped:
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()  # pyright: ignore[reportUnknownMemberType] - its optional argument is untyped


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """Products in bf16, weights and sums in fp32: faster on a GPU, and on a processor that has units for it. On one
    that has none bf16 would be many times slower, so everything stays fp32 there."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=_has_bf16_units(device))


def _has_bf16_units(device: torch.device) -> bool:
    if device.type != "cpu":
        return True
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


class Averaged(Generic[_ModuleT]):
    """An exponential moving average of a network's weights: what is sampled from and shipped."""

    def __init__(self, module: _ModuleT, decay: float) -> None:
        self.module = copy.deepcopy(module).requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, module: _ModuleT, step: int) -> None:
        # The first steps count for more, or the average would remember the random start.
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        for kept, live in zip(self.module.parameters(), module.parameters(), strict=True):
            kept.lerp_(live, 1.0 - decay)
