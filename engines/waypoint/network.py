"""The transformer of Waypoint: from a noisy latent, its controls and the history to the velocity towards the clean one.

- Tokens are patches of one latent, attend to each other in both directions, and to the history in the cache.
- The noise level reaches every block as scale, shift and gate (adaLN, Peebles and Xie 2022), from tables.
- Norms have no weights. Queries and keys are normed per head, then rotated.
- Values are mixed with those of the first layer (1.5), or heads gated by the tokens (1).
- Every few layers hear the control, one vector for all tokens, and a prompt, where the model has one.

B: worlds in the step, T: tokens of a latent, D: d_model, H, K: heads of queries and of keys, d: width of a head,
C: channels of a latent, P: pixels of a patch.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import torch
from torch import nn
from torch.nn import functional

from engines.waypoint.cache import attend
from engines.waypoint.positions import rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from engines.waypoint.cache import HistoryCache, Plan, Slots
    from engines.waypoint.conditioning import ConditioningTables
    from engines.waypoint.config import WaypointConfig


_MOST_VARIANTS: Final = 64


class Projected(NamedTuple):
    """What a block computes before attention."""

    queries: Tensor  # [B, T, H, d]
    keys: Tensor  # [B, T, K, d]
    values: Tensor  # [B, T, K, d]
    gates: Tensor | None  # [B, T, H, 1]


class PromptKV(NamedTuple):
    """What one layer attends to of one world's prompt of n tokens."""

    keys: Tensor  # [1, n, heads, d]
    values: Tensor


@dataclass(frozen=True, slots=True)
class StepContext:
    """What is the same in all passes of one step."""

    plan: Plan
    slots: Slots
    angles: Tensor  # [2, B, T, 1, d / 2]
    controls: Sequence[Tensor | None]  # by layer: [B, 1, D]
    prompts: Sequence[Sequence[PromptKV]]  # by layer, then by world; empty where the layer hears none


def rms(x: Tensor) -> Tensor:
    """Norm over the last axis, in float32 and with its epsilon, whatever the precision of `x`."""
    return functional.rms_norm(x.float(), x.shape[-1:], eps=torch.finfo(torch.float32).eps).to(x.dtype)


class ControlFusion(nn.Module):
    """An MLP over tokens and one control: its first layer is applied to both apart."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.from_tokens = nn.Linear(width, width, bias=False)
        self.from_control = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, control: Tensor) -> Tensor:
        return self.out(functional.silu(self.from_tokens(rms(x)) + control))


class PromptAttention(nn.Module):
    """Attention from tokens to a prompt, without positions. Padding of the prompt is visible, as in training."""

    def __init__(self, width: int, prompt_width: int, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.q = nn.Linear(width, prompt_width, bias=False)
        self.k = nn.Linear(prompt_width, prompt_width, bias=False)
        self.v = nn.Linear(prompt_width, prompt_width, bias=False)
        self.out = nn.Linear(prompt_width, width, bias=False)

    def keys_and_values(self, prompt: Tensor) -> PromptKV:
        """prompt: [1, n, prompt_width]."""
        normed = rms(prompt)
        return PromptKV(rms(self._heads(self.k(normed))), self._heads(self.v(normed)))

    def forward(self, x: Tensor, prompts: Sequence[PromptKV]) -> Tensor:
        """One prompt for each world of x: [B, T, D]."""
        queries = rms(self._heads(self.q(rms(x))))
        found = [attend(one[None], *prompt) for one, prompt in zip(queries, prompts, strict=True)]
        return self.out(torch.cat(found).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], -1, self.head_dim)


class Block(nn.Module):
    """One layer in two halves, before and after attention, which knows of the cache."""

    value_mix: nn.Parameter

    def __init__(self, config: WaypointConfig, layer: int) -> None:
        super().__init__()
        d, inner = config.d_model, config.mlp_ratio * config.d_model
        self.heads = [config.n_heads, config.n_kv_heads, config.n_kv_heads]  # of queries, keys and values
        self.qkv = nn.Linear(d, sum(self.heads) * config.head_dim, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.mlp_in, self.mlp_out = nn.Linear(d, inner, bias=False), nn.Linear(inner, d, bias=False)
        self.mixes_values = config.value_residual
        if config.value_residual:
            self.value_mix = nn.Parameter(torch.zeros(()))
        self.gate = nn.Linear(config.n_heads, config.n_heads, bias=False) if config.gated_attn else None
        self.control_fusion = ControlFusion(d) if config.hears_controls(layer) else None
        prompt_width = config.prompt_width(layer)
        self.prompt_attention = PromptAttention(d, prompt_width, config.head_dim) if prompt_width else None

    def project(self, x: Tensor, modulation: Tensor, angles: Tensor, first_values: Tensor | None) -> Projected:
        """x: [B, T, D]; modulation: [6, D]; first_values: those of the first layer in this pass; None: this is it."""
        scale, shift = modulation[0], modulation[1]
        normed = rms(x) * (1 + scale) + shift
        heads: Tensor = self.qkv(normed).reshape(*x.shape[:2], sum(self.heads), -1)
        queries, keys, values = torch.split(heads, self.heads, dim=2)
        if self.mixes_values and first_values is not None:
            values = values + self.value_mix * (first_values - values)
        gates = None if self.gate is None else self.gate(normed[..., : self.heads[0]]).sigmoid()[..., None]
        queries, keys = (rotate(rms(one), angles).to(x.dtype) for one in (queries, keys))
        return Projected(queries, keys, values, gates)

    def finish(
        self,
        x: Tensor,
        found: Tensor,
        gates: Tensor | None,
        modulation: Tensor,
        control: Tensor | None,
        prompts: Sequence[PromptKV],
    ) -> Tensor:
        """found: [B, T, H, d], what attention found -> [B, T, D]."""
        _, _, attention_gate, scale, shift, mlp_gate = modulation
        if gates is not None:
            found = found * gates
        x = x + attention_gate * self.out(found.flatten(2))
        if self.prompt_attention is not None:
            x = x + self.prompt_attention(x, prompts)
        if self.control_fusion is not None and control is not None:
            x = x + self.control_fusion(x, control)
        hidden = functional.silu(self.mlp_in(rms(x) * (1 + scale) + shift))
        return x + mlp_gate * self.mlp_out(hidden)


class Network(nn.Module):
    def __init__(self, config: WaypointConfig, tables: ConditioningTables) -> None:
        super().__init__()
        self.tables = tables
        self._latent_shape = config.latent_shape
        self._patch = config.patch
        pixels = config.channels * math.prod(config.patch)
        inner = config.mlp_ratio * config.d_model
        self.patchify = nn.Linear(pixels, config.d_model, bias=False)
        self.unpatchify = nn.Linear(config.d_model, pixels)
        self.control_in = nn.Linear(3 + config.n_buttons, inner, bias=False)
        self.control_out = nn.Linear(inner, config.d_model, bias=False)
        self._layers = tuple(Block(config, layer) for layer in range(config.n_layers))
        self.blocks = nn.ModuleList(self._layers)
        self._project: Sequence[Callable[..., Projected]] = [block.project for block in self._layers]
        self._finish: Sequence[Callable[..., Tensor]] = [block.finish for block in self._layers]

    def compile_blocks(self, backend: str = "inductor") -> None:
        """Have both halves of each block compiled when they first run. Attention between them is one kernel already.

        All blocks share the code of a half, which has a variant for each kind of block and of batch. The compiler gives
        up a function after so many of them, over all models of the process, and without an error.
        """
        limits: Any = importlib.import_module("torch._dynamo.config")
        limits.recompile_limit = max(limits.recompile_limit, _MOST_VARIANTS)
        compiled: Any = cast("Any", torch).compile  # its type is of no help
        self._project = [compiled(block.project, backend=backend) for block in self._layers]
        self._finish = [compiled(block.finish, backend=backend) for block in self._layers]

    # Once a step

    def controls(self, controls: Tensor) -> list[Tensor | None]:
        """[B, 3 + n_buttons]: mouse right, mouse down, buttons, scroll -> what each layer adds to its tokens."""
        normed = rms(self.control_out(functional.silu(self.control_in(controls))))[:, None]  # [B, 1, D]
        fusions = [block.control_fusion for block in self._layers]
        return [None if fusion is None else fusion.from_control(normed) for fusion in fusions]

    # Once a prompt

    def prompt(self, prompt: Tensor) -> list[PromptKV | None]:
        """[n, prompt_width] -> what each layer attends to."""
        attentions = [block.prompt_attention for block in self._layers]
        return [None if attention is None else attention.keys_and_values(prompt[None]) for attention in attentions]

    # Passes

    def velocity(self, latents: Tensor, level: int, step: StepContext, cache: HistoryCache) -> Tensor:
        """latents: [B, C, height, width], as noisy as `level` says -> their velocity."""
        x = self._run(latents, level, step, cache, len(self._layers))
        scale, shift = self.tables.output[level]
        return self._latents(self.unpatchify(functional.silu(rms(x) * (1 + scale) + shift)))

    def remember(self, latents: Tensor, step: StepContext, cache: HistoryCache) -> None:
        """Leave clean latents in the cache. Nobody needs what comes after the last layer in which something stays."""
        self._run(latents, -1, step, cache, step.plan.last_layer)

    def _run(self, latents: Tensor, level: int, step: StepContext, cache: HistoryCache, last: int) -> Tensor:
        """The blocks; of layer `last` no more than its keys and values."""
        x = self._tokens(latents)
        modulation = self.tables.modulation[level]  # [layers, 6, D]
        first_values: Tensor | None = None
        for layer, (project, finish) in enumerate(zip(self._project, self._finish, strict=True)):
            queries, keys, values, gates = project(x, modulation[layer], step.angles, first_values)
            first_values = values if first_values is None else first_values
            cache.write(layer, step.slots, keys, values)
            if layer == last:
                break
            found = cache.attend(layer, step.plan, queries)
            x = finish(x, found, gates, modulation[layer], step.controls[layer], step.prompts[layer])
        return x

    def _tokens(self, latents: Tensor) -> Tensor:
        """[B, C, height, width] -> [B, T, D]. A patch's pixels are in the order channel, row, column."""
        (rows, columns), (channels, height, width) = self._patch, self._latent_shape
        patches = latents.reshape(-1, channels, height // rows, rows, width // columns, columns)
        return self.patchify(patches.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2))

    def _latents(self, patches: Tensor) -> Tensor:
        """[B, T, C * P] -> [B, C, height, width]."""
        (rows, columns), (channels, height, width) = self._patch, self._latent_shape
        apart = patches.reshape(-1, height // rows, width // columns, channels, rows, columns)
        return apart.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, height, width)
