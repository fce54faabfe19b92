"""A loaded model: weights that all worlds share, and the step from a world's state to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from engines.diamond.actions import IDLE, action_vector
from engines.diamond.errors import DivergedError, InputError
from engines.diamond.history import first_state
from engines.diamond.sampler import sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from engines.diamond.actions import Action
    from engines.diamond.config import DiamondConfig
    from engines.diamond.denoiser import Denoiser
    from engines.diamond.history import Picture, Pictures, WorldState
    from engines.diamond.sampler import Draw
    from engines.diamond.sampling import Sampling


class DiamondModel:
    """Several threads may use it at a time: it changes nothing of itself."""

    def __init__(
        self,
        config: DiamondConfig,
        denoiser: Denoiser,
        upsampler: Denoiser,
        sampling: Sampling,
        device: torch.device,
        weights_hash: str,
    ) -> None:
        self.config = config
        self.weights_hash = weights_hash  # SHA-256 of the file, hex
        self._denoiser, self._upsampler = denoiser, upsampler
        self._sampling, self._device = sampling, device

    @property
    def device(self) -> torch.device:
        return self._device

    def tensors(self) -> Iterator[Tensor]:
        """All that worlds share on the device."""
        yield from self._denoiser.tensors()
        yield from self._upsampler.tensors()

    def begin(self, picture: Picture, rng_seed: int) -> WorldState:
        """A world that starts in a picture of the frames' height and width.

        Raises:
            InputError: the picture has another size or type.
        """
        return first_state(
            self.config, self._shrunk(picture), picture.copy(), action_vector(IDLE), rng_seed=rng_seed, frame=0
        )

    def edit(self, state: WorldState, picture: Picture) -> WorldState:
        """The same world, which forgets its past and goes on from `picture`.

        Raises:
            InputError: the picture has another size or type.
        """
        small, idle = self._shrunk(picture), action_vector(IDLE)
        return first_state(self.config, small, picture.copy(), idle, rng_seed=state.rng_seed, frame=state.frame)

    @torch.inference_mode()
    def step(self, states: Sequence[WorldState], actions: Sequence[Action]) -> list[WorldState | DivergedError]:
        """The next state of each world, in their order; an error in place of one whose frame is not finite.

        Worlds are computed together. One makes the same frames alone and in company, up to the rounding of kernels that
        depend on the number of worlds; a pixel that lies at the edge of two levels may then fall to the other side.

        Raises:
            InputError: an action does not fit the model.
        """
        if not states:
            return []
        vectors = [action_vector(action) for action in actions]
        done = np.stack([state.with_action(vector) for state, vector in zip(states, vectors, strict=True)])
        draw = self._noise(states)
        small = sample(
            self._denoiser,
            self._sampling.next_picture,
            self._to_device([state.small for state in states]),
            torch.as_tensor(done).to(self._device),
            draw,
        )
        enlarged = functional.interpolate(small, scale_factor=self.config.factor, mode="bicubic")
        context = torch.cat((self._to_device([state.large for state in states]), enlarged), dim=1)
        large = sample(self._upsampler, self._sampling.enlargement, context, None, draw)
        finite = (_are_finite(small) & _are_finite(large)).cpu().numpy()
        rows = zip(states, vectors, _to_bytes(small), _to_bytes(large), finite, strict=True)
        return [
            state.after(vector, little, big) if is_finite else _diverged()
            for state, vector, little, big, is_finite in rows
        ]

    def _shrunk(self, picture: Picture) -> Picture:
        shape = (self.config.height, self.config.width, 3)
        if picture.dtype != np.uint8 or picture.shape != shape:
            raise InputError(
                f"A picture must be uint8 in the shape {list(shape)}, not {picture.dtype} in {list(picture.shape)}."
            )
        pixels = torch.as_tensor(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
        small = functional.interpolate(pixels, self.config.small_size, mode="bicubic", antialias=True)
        return np.ascontiguousarray(small[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())

    def _to_device(self, pictures: Sequence[Pictures]) -> Tensor:
        """Of each world n pictures -> [B, n * 3, h, w], -1 to 1."""
        stacked = torch.as_tensor(np.stack(pictures)).to(self._device)
        return stacked.permute(0, 1, 4, 2, 3).flatten(1, 2).float() / 255 * 2 - 1

    def _noise(self, states: Sequence[WorldState]) -> Draw:
        """Each world has noise of its own, so that its frames do not depend on who else is stepped."""
        randoms = [torch.Generator(self._device).manual_seed(state.noise_seed) for state in states]

        def draw(shape: tuple[int, ...]) -> Tensor:
            return torch.stack([torch.randn(shape, generator=random, device=self._device) for random in randoms])

        return draw


def _to_bytes(pictures: Tensor) -> Pictures:
    """[B, 3, h, w], -1 to 1, on the device -> [B, h, w, 3] of bytes."""
    levels = ((pictures.nan_to_num() + 1) / 2 * 255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _are_finite(pictures: Tensor) -> Tensor:
    return pictures.isfinite().flatten(1).all(dim=1)  # [B]


def _diverged() -> DivergedError:
    return DivergedError("The model left the range of its numbers. Start the world over, or go back.")
