"""What turns pictures into latents and back, for either generation of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from engines.waypoint.errors import ModelFolderError
from engines.waypoint.image_autoencoder import load_image_autoencoder
from engines.waypoint.taehv import load_taehv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor

    from engines.waypoint.config import WaypointConfig


class Autoencoder(Protocol):
    """Both directions are streams: whoever calls keeps what they remember, and gives zeros at the start.

    B: worlds, n: `frames_per_latent`. Pictures are red, green, blue in 0 to 1.
    """

    frames_per_latent: ClassVar[int]
    settling_decodes: ClassVar[int]  # how often a first latent is decoded in vain, so that what is remembered fits it

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of the pictures that come out. Those that go in are resized to what the network takes."""
        ...

    def tensors(self) -> Iterator[Tensor]:
        """The weights."""
        ...

    def encoder_memory(self, rows: int) -> list[Tensor]:
        """What is remembered at the start, of so many worlds: [rows, ...] each."""
        ...

    def decoder_memory(self, rows: int) -> list[Tensor]: ...

    def encode(self, pictures: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """[B, n, 3, h, w] -> latents [B, C, rows, columns], and the memory of now."""
        ...

    def decode(self, latents: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """[B, C, rows, columns] -> pictures [B, n, 3, *frame_shape], and the memory of now."""
        ...


def load_autoencoder(folder: Path, config: WaypointConfig, dtype: torch.dtype, device: torch.device) -> Autoencoder:
    """Raises:
    ModelFolderError: the folder does not hold the autoencoder that the config asks for.
    """
    load = load_taehv if config.taehv_ae else load_image_autoencoder
    autoencoder: Autoencoder = load(folder, config, dtype, device)
    if autoencoder.frames_per_latent != config.temporal_compression:
        raise ModelFolderError(
            f"config.yaml has {config.temporal_compression} frames in a latent; "
            f"its autoencoder makes {autoencoder.frames_per_latent}."
        )
    return autoencoder
