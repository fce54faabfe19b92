"""What callers give to worlds, checked and turned into tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from engines.waypoint.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engines.waypoint.config import WaypointConfig

Frames: TypeAlias = NDArray[np.uint8]  # [n, height, width, 3], RGB


@dataclass(frozen=True, slots=True)
class Control:
    """What a player does during one latent. Right, down and scrolling up are positive; the mouse is in pixels."""

    buttons: frozenset[int] = field(default=frozenset())  # Windows virtual-key codes
    mouse_dx: float = 0.0
    mouse_dy: float = 0.0
    scroll: float = 0.0


IDLE = Control()


def control_vectors(controls: Sequence[Control], config: WaypointConfig) -> Tensor:
    """[B, 3 + n_buttons], float32: mouse right, mouse down, each button, scroll.

    Raises:
        InputError: a number is not finite, or the model has no such button.
    """
    vectors = torch.zeros(len(controls), 3 + config.n_buttons)
    for vector, control in zip(vectors, controls, strict=True):
        numbers = control.mouse_dx, control.mouse_dy, control.scroll
        if not all(map(math.isfinite, numbers)):
            raise InputError("Mouse and scroll must be finite numbers.")
        unknown = [button for button in control.buttons if not 0 <= button < config.n_buttons]
        if unknown:
            raise InputError(f"The model has no button {unknown[0]}; they go from 0 to {config.n_buttons - 1}.")
        vector[0], vector[1], vector[-1] = numbers
        if config.is_waypoint_1:  # it was trained on directions
            vector[-1] = math.copysign(1.0, control.scroll) if control.scroll else 0.0
        vector[[2 + button for button in control.buttons]] = 1.0
    return vectors


def pictures_tensor(pictures: Frames, count: int) -> Tensor:
    """[count, 3, h, w], 0 to 1, float32. One picture stands for `count` equal ones.

    Raises:
        InputError: these are no pictures, or of another number.
    """
    if pictures.ndim == 3:
        pictures = pictures[None]
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise InputError(
            f"Pictures must be uint8 in the shape [n, height, width, 3], "
            f"not {pictures.dtype} in {list(pictures.shape)}."
        )
    if len(pictures) not in {1, count}:
        raise InputError(f"A latent is made of {count} pictures, or of a single one; {len(pictures)} were given.")
    tensor = torch.as_tensor(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255.0
    return tensor.expand(count, -1, -1, -1)


def checked_noise(noise: Tensor, config: WaypointConfig) -> Tensor:
    """Raises:
    InputError: the noise has another shape than a latent.
    """
    if tuple(noise.shape) != config.latent_shape:
        raise InputError(f"Noise must have the shape {list(config.latent_shape)}, not {list(noise.shape)}.")
    return noise


def checked_prompt(embedding: Tensor, config: WaypointConfig) -> Tensor:
    """[n, prompt_embedding_dim].

    Raises:
        InputError: the model hears no prompts, or the embedding does not fit it.
    """
    if config.prompt_conditioning is None:
        raise InputError("This model hears no prompts.")
    fits = embedding.ndim == 2 and len(embedding) > 0 and embedding.shape[1] == config.prompt_embedding_dim
    if not fits or not embedding.isfinite().all():
        raise InputError(
            f"A prompt embedding must be finite numbers in the shape [n, {config.prompt_embedding_dim}], "
            f"not {list(embedding.shape)}."
        )
    return embedding
