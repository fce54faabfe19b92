"""How a latent is made: Euler steps of a rectified flow from noise, then one pass that leaves it in the history."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from torch.nn.attention import SDPBackend, sdpa_kernel

from engines.waypoint.cache import Slots
from engines.waypoint.network import PromptKV, StepContext
from engines.waypoint.positions import angles_of_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from engines.waypoint.cache import HistoryCache, Plan
    from engines.waypoint.graphs import GraphRunner
    from engines.waypoint.network import Network
    from engines.waypoint.positions import Positions


_OTHER_KERNELS: Final = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)


class StepInputs(NamedTuple):
    """All that changes from step to step, on the device."""

    controls: Tensor  # [B, 3 + n_buttons]
    time: Tensor  # [2, B, d / 4], cosines and sines
    rows: Tensor  # [B]
    local_slots: Tensor  # [B]
    distant_slots: Tensor  # [B]


class Step(NamedTuple):
    """Worlds that make their next latent together, from their controls. Its passes all see the same history."""

    inputs: StepInputs
    plan: Plan
    prompts: Sequence[Sequence[PromptKV]]  # by layer, then by world


class Sampler:
    def __init__(
        self,
        network: Network,
        positions: Positions,
        cache: HistoryCache,
        graphs: GraphRunner,
        *,
        updates_in_float: bool,
        prefers_cudnn: bool,
    ) -> None:
        """`updates_in_float`: whether an update is computed in float32 and then rounded, or in the model's type."""
        self._network = network
        self._positions = positions
        self._cache = cache
        self._graphs = graphs
        self._updates_in_float = updates_in_float
        self._prefers_cudnn = prefers_cudnn

    def begin(
        self, rows: Sequence[int], frames: Sequence[int], controls: Tensor, prompts: Sequence[Sequence[PromptKV]]
    ) -> Step:
        """`rows` of the cache ascend; `frames` are the numbers of the latents to make; controls: [B, 3 + n_buttons]."""
        device = self._positions.space.device
        slots = self._cache.slots(rows, frames)
        tensors = (self._positions.time(frames), slots.rows, slots.local, slots.distant)
        inputs = StepInputs(controls, *(tensor.to(device) for tensor in tensors))
        return Step(inputs, self._cache.plan(rows, frames), prompts)

    def denoise(self, noise: Tensor, step: Step) -> Tensor:
        """[B, C, height, width] -> clean latents. The cache keeps nothing of it."""

        def run(x: Tensor, *inputs: Tensor) -> Tensor:
            context = self._context(StepInputs(*inputs), step)
            for level, length in enumerate(self._network.tables.steps):
                x = self._updated(x, length, self._network.velocity(x, level, context, self._cache))
            return x

        with self._kernels():
            return self._graphs.run(_key("denoise", step.plan), run, (noise, *step.inputs))

    def remember(self, latents: Tensor, step: Step) -> None:
        """Make clean latents part of the history."""

        def run(x: Tensor, *inputs: Tensor) -> Tensor:
            self._network.remember(x, self._context(StepInputs(*inputs), step), self._cache)
            return x

        with self._kernels():
            self._graphs.run(_key("remember", step.plan), run, (latents, *step.inputs))

    def _context(self, inputs: StepInputs, step: Step) -> StepContext:
        return StepContext(
            plan=step.plan,
            slots=Slots(inputs.rows, inputs.local_slots, inputs.distant_slots),
            angles=angles_of_tokens(self._positions.space, inputs.time),
            controls=self._network.controls(inputs.controls),
            prompts=step.prompts,
        )

    def _kernels(self) -> AbstractContextManager[None]:
        """What computes attention. None of them changes the result beyond rounding."""
        if not self._prefers_cudnn:
            return nullcontext()
        kernels: Any = sdpa_kernel  # half typed
        return kernels([SDPBackend.CUDNN_ATTENTION, *_OTHER_KERNELS], set_priority=True)

    def _updated(self, x: Tensor, length: Tensor, velocity: Tensor) -> Tensor:
        if self._updates_in_float:
            return (x.float() + length * velocity.float()).to(x.dtype)
        return x + length.to(x.dtype) * velocity


def _key(part: str, plan: Plan) -> tuple[str, Plan] | None:
    """What a captured graph is found by; None: it would be of use a few times only."""
    return (part, plan) if plan.recurs else None
