"""Keeps a part of the latents as it is while the transformer denoises the rest.

The pipelines of diffusers know one noise level for a whole film. Here the transformer is shown the kept tokens clean
and told that they are, and what it predicts for them is replaced by the velocity that leads from the noise to them. So
the rest is made to fit what is kept, by the pipelines as they are.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass(frozen=True, slots=True)
class Kept:
    """`latents` are normalised and packed, (1, tokens, channels); `mask` (1, tokens, 1) is true where they are kept."""

    latents: torch.Tensor
    mask: torch.Tensor


@dataclass(slots=True)
class _Step:
    video: torch.Tensor
    audio: torch.Tensor


@contextmanager
def keeping(
    transformer: Any, sigma_of: Callable[[int], torch.Tensor], video: Kept | None, audio: Kept | None
) -> Generator[None]:
    """Within the block the transformer keeps these. `sigma_of` is the noise level of a step; a call is a step."""
    if video is None and audio is None:
        yield
        return
    calls, step = 0, _Step(torch.empty(0), torch.empty(0))

    def before(_module: Any, _args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        step.video, step.audio = kwargs["hidden_states"], kwargs["audio_hidden_states"]
        seen = dict(kwargs)
        seen["timestep"] = _levels(kwargs["timestep"], step.video, video)
        told_audio = kwargs.get("audio_timestep")
        # A level for each token of one kind needs one for each of the other as well.
        seen["audio_timestep"] = _levels(kwargs["sigma"] if told_audio is None else told_audio, step.audio, audio)
        seen["hidden_states"] = _shown(step.video, video)
        seen["audio_hidden_states"] = _shown(step.audio, audio)
        if kwargs.get("audio_sigma") is None:
            seen["audio_sigma"] = kwargs["sigma"]
        return (), seen

    def after(_module: Any, _args: Any, _kwargs: Any, output: tuple[Any, Any]) -> tuple[Any, Any]:
        nonlocal calls
        sigma = sigma_of(calls)
        calls += 1
        return _led(output[0], step.video, sigma, video), _led(output[1], step.audio, sigma, audio)

    hooks = (
        transformer.register_forward_pre_hook(before, with_kwargs=True),
        transformer.register_forward_hook(after, with_kwargs=True),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _levels(timestep: torch.Tensor, tokens: torch.Tensor, kept: Kept | None) -> torch.Tensor:
    """A noise level for each token, (1, tokens)."""
    if timestep.ndim == 1:
        timestep = timestep[:, None].expand(-1, tokens.shape[1])
    return timestep if kept is None else timestep.masked_fill(kept.mask[..., 0].to(timestep.device), 0)


def _shown(noisy: torch.Tensor, kept: Kept | None) -> torch.Tensor:
    if kept is None:
        return noisy
    return torch.where(kept.mask.to(noisy.device), kept.latents.to(noisy.device, noisy.dtype), noisy)


def _led(velocity: torch.Tensor, noisy: torch.Tensor, sigma: torch.Tensor, kept: Kept | None) -> torch.Tensor:
    if kept is None:
        return velocity
    clean = kept.latents.to(noisy.device, torch.float32)
    leading = (noisy.float() - clean) / sigma.to(noisy.device, torch.float32)
    return torch.where(kept.mask.to(velocity.device), leading, velocity.float())
