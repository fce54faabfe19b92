"""The autoencoder of Waypoint 1.5: TAEHV (Ollin Boer Bohan, MIT), which codes four frames as one latent.

Its residual blocks remember their previous input, so that both directions are streams with a state. Layers have the
indices of the published file, from which all widths are read.

B: worlds, n: frames, C: channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import torch
from torch import nn
from torch.nn import functional

from engines.waypoint.files import TensorFile, sole_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from engines.waypoint.config import WaypointConfig
    from engines.waypoint.files import Shape

_SHRINKS: Final = 16  # pixels of a picture's side in one of a latent, before the picture is resized
_UNSHUFFLE: Final = 2
_POOLS: Final = (2, 2, 1)
_GROWS: Final = (1, 2, 2)
# The shapes of pictures that go in and come out, from that of the latent: 16:9, while the network works at 2:1.
_OUT_HEIGHT: Final = (45, 32)
_OUT_WIDTH: Final = (5, 4)


class _Mem(nn.Module):
    """A residual block that sees its own input of one frame ago."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x: [B, n, C, h, w], past: [B, C, h, w] -> the same of now."""
        before = torch.cat([past[:, None], x[:, :-1]], dim=1)
        y = self.conv(torch.cat([x, before], dim=2).flatten(0, 1))
        return functional.relu(y.reshape(x.shape) + x), x[:, -1]


class _Pool(nn.Module):
    """`frames` frames to one; the older come first."""

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(frames * channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, n, C, h, w] -> [B, n / frames, C, h, w]."""
        groups = x.reshape(-1, self.frames * x.shape[2], *x.shape[3:])
        return _by_world(self.conv(groups), x.shape[0])


class _Grow(nn.Module):
    """One frame to `frames`."""

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(channels, frames * channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, n, C, h, w] -> [B, n * frames, C, h, w]."""
        grown = self.conv(x.flatten(0, 1))
        return grown.reshape(x.shape[0], -1, *x.shape[2:])


class _Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 3.0 * torch.tanh(x / 3.0)


class _Stream(nn.ModuleList):
    """Layers one after the other, over frames in their order."""

    def forward(self, x: Tensor, memories: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """x: [B, n, C, h, w] -> the same, and what the `_Mem` blocks remember: [B, C, h, w] each."""
        pasts = iter(memories)
        kept: list[Tensor] = []
        for layer in self:
            match layer:
                case _Mem():
                    x, memory = layer(x, next(pasts))
                    kept.append(memory)
                case _Pool() | _Grow():
                    x = layer(x)
                case _:
                    x = _by_world(layer(x.flatten(0, 1)), x.shape[0])
        return x, kept


def _by_world(x: Tensor, worlds: int) -> Tensor:
    """[B * n, C, h, w] -> [B, n, C, h, w]."""
    return x.reshape(worlds, -1, *x.shape[1:])


def _conv(inputs: int, outputs: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)


def _encoder(pixels: int, width: int, latent: int) -> _Stream:
    stages = [
        layer
        for frames in _POOLS
        for layer in (
            _Pool(width, frames),
            _conv(width, width, stride=2, bias=False),
            *(_Mem(width) for _ in range(3)),
        )
    ]
    return _Stream([_conv(pixels, width), nn.ReLU(), *stages, _conv(width, latent)])


def _decoder(latent: int, widths: Sequence[int], pixels: int) -> _Stream:
    """`widths` of the three stages, and of what leaves the last."""
    stages = [
        layer
        for width, following, frames in zip(widths[:-1], widths[1:], _GROWS, strict=True)
        for layer in (
            *(_Mem(width) for _ in range(3)),
            nn.Upsample(scale_factor=2),
            _Grow(width, frames),
            _conv(width, following, bias=False),
        )
    ]
    return _Stream([_Clamp(), _conv(latent, widths[0]), nn.ReLU(), *stages, nn.ReLU(), _conv(widths[-1], pixels)])


class Taehv(nn.Module):
    """What `engines.waypoint.autoencoder.Autoencoder` asks for."""

    frames_per_latent: ClassVar[int] = 4
    settling_decodes: ClassVar[int] = 3

    def __init__(self, shapes: Mapping[str, Shape], latent_shape: tuple[int, int, int]) -> None:
        """`shapes` are those of the file; what they say of widths that do not fit together shows when it is checked."""
        super().__init__()
        channels, self._rows, self._columns = latent_shape
        pixels = 3 * _UNSHUFFLE**2
        widths = [_outputs(shapes, f"decoder.{layer}.weight") for layer in (1, 8, 14, 20)]
        self.encoder = _encoder(pixels, _outputs(shapes, "encoder.0.weight"), channels)
        self.decoder = _decoder(channels, widths, pixels)

    @property
    def frame_shape(self) -> tuple[int, int]:
        rows, columns = self._rows * _SHRINKS, self._columns * _SHRINKS
        return rows * _OUT_HEIGHT[0] // _OUT_HEIGHT[1], columns * _OUT_WIDTH[0] // _OUT_WIDTH[1]

    def tensors(self) -> Iterator[Tensor]:
        yield from self.parameters()

    def encoder_memory(self, rows: int) -> list[Tensor]:
        return self._memory(self.encoder, rows, _SHRINKS // _UNSHUFFLE)

    def decoder_memory(self, rows: int) -> list[Tensor]:
        return self._memory(self.decoder, rows, 1)

    def encode(self, pictures: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        inner = (self._rows * _SHRINKS, self._columns * _SHRINKS)
        resized = functional.interpolate(pictures.flatten(0, 1), inner, mode="bilinear", align_corners=False)
        x = _by_world(functional.pixel_unshuffle(resized, _UNSHUFFLE), pictures.shape[0])
        latents, kept = self.encoder(x, memory)
        return latents[:, 0], kept

    def decode(self, latents: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        x, kept = self.decoder(latents[:, None], memory)
        pictures = functional.pixel_shuffle(x.flatten(0, 1), _UNSHUFFLE).clamp(0.0, 1.0)
        resized = functional.interpolate(pictures, self.frame_shape, mode="bilinear", align_corners=False)
        return _by_world(resized, x.shape[0]), kept

    def _memory(self, stream: _Stream, rows: int, scale: int) -> list[Tensor]:
        """Zeros for each `_Mem` of a stream whose input has `scale` times the rows and columns of a latent."""
        like = next(self.parameters())
        memories: list[Tensor] = []
        for layer in stream:
            if isinstance(layer, nn.Conv2d):
                scale //= layer.stride[0]
            elif isinstance(layer, nn.Upsample):
                scale *= 2
            elif isinstance(layer, _Mem):
                memories.append(like.new_zeros(rows, layer.channels, self._rows * scale, self._columns * scale))
        return memories


def load_taehv(folder: Path, config: WaypointConfig, dtype: torch.dtype, device: torch.device) -> Taehv:
    """Raises:
    ModelFolderError: the folder has no safetensors file, or one of another autoencoder.
    """
    file = TensorFile(folder, sole_safetensors(folder))
    with torch.device("meta"):
        model = Taehv(file.shapes, config.latent_shape)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    longer = {name: file.shapes[name] for name in expected if _is_longer_grow(name, file.shapes, expected)}
    file.check(expected | longer)
    weights = file.read_all(dtype, device)
    for name in longer:
        weights[name] = weights[name][-expected[name][0] :]
    model.load_state_dict(weights, assign=True)
    model.requires_grad_(requires_grad=False)
    if device.type == "cuda":  # what its convolutions are fastest in
        for parameter in model.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def _is_longer_grow(name: str, shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> bool:
    """Whether a matrix that makes one frame of one is stored with rows for more: the last ones count."""
    stored, wanted = shapes.get(name, ()), expected[name]
    is_grow = name.startswith("decoder.") and name.endswith(".conv.weight")
    return is_grow and stored[1:] == wanted[1:] and stored > wanted


def _outputs(shapes: Mapping[str, Shape], name: str) -> int:
    """How many channels a stored layer makes; 1 where it is missing, which the check of the file will say."""
    return max(1, next(iter(shapes.get(name, ())), 1))
