"""The autoencoder of Waypoint 1: one picture, one latent, no state. Deep-compression blocks (Chen et al. 2024).

Each stage halves or doubles the sides in two ways that are added up: residual blocks with a bicubic resize, and one
convolution whose channels are unfolded into pixels or folded from them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import yaml
from torch.nn import functional

from engines.waypoint.errors import ModelFolderError
from engines.waypoint.files import TensorFile, file_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor

    from engines.waypoint.config import WaypointConfig

_GROUP: Final = 16  # channels in one group of a grouped convolution
_SLOPE: Final = 0.01
# The shape of pictures that come out, from that of the square that the network works on: 512 x 512 to 360 x 640.
_OUT_HEIGHT: Final = (45, 64)
_OUT_WIDTH: Final = (5, 4)
_SCALE: Final = re.compile(r"(\d+)\.(?:down|up)\.proj$")
_RESIDUAL: Final = re.compile(r"residuals\.(\d+)\.(?:.*\.)?proj$")
_CONV: Final = re.compile(r"(\d+)\.(?:.*\.)?(\d+)\.conv([123])$")
_END: Final = re.compile(r"(?:^|\.)(conv_in|conv_out)\.proj$")


@dataclass(frozen=True, slots=True)
class _Conf:
    """One of the two `*_conf.yml`."""

    channels: int  # of pictures; beyond red, green and blue there are zeros
    latent_channels: int
    widths: tuple[int, ...]  # of the stages from the picture to the latent; one more than there are stages
    blocks: tuple[int, ...]  # residual blocks by stage


class _Convolutions:
    """The convolutions of one half by our names: conv_in, stages.0.1.conv2, stages.0.scale, residuals.0, conv_out."""

    def __init__(self, file: TensorFile, dtype: torch.dtype, device: torch.device) -> None:
        self._file_name = file.name
        self._tensors: dict[str, Tensor] = {}
        for name in file.shapes:
            layer = name.split(".parametrizations.")[0].removesuffix(".weight").removesuffix(".bias")
            if "conv_out_logvar" in layer or name.endswith("original1"):
                continue
            place = _place(layer)
            if place is None:
                raise ModelFolderError(f"{file.name} has {name}, which this autoencoder does not have.")
            kind = "bias" if name.endswith(".bias") else "weight"
            self._tensors[f"{place}.{kind}"] = _read(file, name).to(device, dtype)

    def check(self, place: str, outputs: int, inputs: int) -> None:
        """Raises:
        ModelFolderError: a convolution is missing, or has other numbers of channels.
        """
        weight = self._tensors.get(f"{place}.weight")
        if weight is None:
            raise ModelFolderError(f"{self._file_name} lacks the convolution {place}. It is incomplete.")
        shape, bias = tuple(weight.shape), self._tensors.get(f"{place}.bias")
        fits = len(shape) == 4 and shape[:2] == (outputs, inputs) and shape[2] == shape[3] and shape[2] % 2 == 1
        if not fits or (bias is not None and tuple(bias.shape) != (outputs,)):
            raise ModelFolderError(
                f"{self._file_name} has the convolution {place} with the shape {list(shape)}; "
                f"its configuration asks for {inputs} channels in and {outputs} out."
            )

    def __contains__(self, place: str) -> bool:
        return f"{place}.weight" in self._tensors

    def tensors(self) -> Iterator[Tensor]:
        yield from self._tensors.values()

    def blocks(self, stage: int) -> int:
        """How many residual blocks a stage has."""
        return sum(name.startswith(f"stages.{stage}.") and name.endswith(".conv1.weight") for name in self._tensors)

    def __call__(self, place: str, x: Tensor, groups: int = 1) -> Tensor:
        weight = self._tensors[f"{place}.weight"]
        bias = self._tensors.get(f"{place}.bias")
        return functional.conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=groups)

    def residual_blocks(self, stage: int, x: Tensor) -> Tensor:
        for block in range(self.blocks(stage)):
            at = f"stages.{stage}.{block}"
            wide = functional.leaky_relu(self(f"{at}.conv1", x), _SLOPE)
            wide = functional.leaky_relu(self(f"{at}.conv2", wide, _groups(x.shape[1])), _SLOPE)
            x = x + self(f"{at}.conv3", wide)
        return x


class ImageAutoencoder:
    """What `engines.waypoint.autoencoder.Autoencoder` asks for."""

    frames_per_latent: ClassVar[int] = 1
    settling_decodes: ClassVar[int] = 0

    def __init__(
        self, encoder: _Convolutions, decoder: _Convolutions, confs: tuple[_Conf, _Conf], latent_shape: tuple[int, ...]
    ) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._conf, self._decoder_conf = confs
        self._grid = latent_shape[1], latent_shape[2]

    @property
    def frame_shape(self) -> tuple[int, int]:
        height, width = self._inner(self._decoder_conf)
        return height * _OUT_HEIGHT[0] // _OUT_HEIGHT[1], width * _OUT_WIDTH[0] // _OUT_WIDTH[1]

    def tensors(self) -> Iterator[Tensor]:
        yield from self._encoder.tensors()
        yield from self._decoder.tensors()

    def encoder_memory(self, rows: int) -> list[Tensor]:  # noqa: ARG002 - there is none
        return []

    def decoder_memory(self, rows: int) -> list[Tensor]:  # noqa: ARG002
        return []

    def encode(self, pictures: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:  # noqa: ARG002
        x = _fit_channels(2.0 * pictures[:, 0] - 1.0, self._conf.channels)
        x = self._encoder("conv_in", _bicubic(x, self._inner(self._conf)))
        for stage in range(len(self._conf.blocks)):
            deep = self._encoder.residual_blocks(stage, x)
            deep = self._encoder(f"stages.{stage}.scale", _bicubic(deep, (x.shape[2] // 2, x.shape[3] // 2)))
            x = deep + functional.pixel_unshuffle(self._encoder(f"residuals.{stage}", x), 2)
        groups = x.shape[1] // self._conf.latent_channels
        means = x.reshape(x.shape[0], groups, -1, *x.shape[2:]).mean(dim=1)
        return self._encoder("conv_out", x) + math.sqrt(groups) * means, []

    def decode(self, latents: Tensor, memory: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:  # noqa: ARG002
        repeats = self._decoder_conf.widths[-1] // latents.shape[1]
        x = self._decoder("conv_in", latents) + latents.repeat_interleave(repeats, dim=1) / math.sqrt(repeats)
        for stage in range(len(self._decoder_conf.blocks)):
            scale = f"stages.{stage}.scale"
            deep = self._decoder(scale, x) if scale in self._decoder else x
            deep = self._decoder.residual_blocks(stage, _bicubic(deep, (2 * x.shape[2], 2 * x.shape[3])))
            x = deep + functional.pixel_shuffle(self._decoder(f"residuals.{stage}", x), 2)
        pictures = _bicubic(self._decoder("conv_out", functional.silu(x)), self.frame_shape)[:, :3]
        return (pictures / 2.0 + 0.5).clamp(0.0, 1.0)[:, None], []

    def _inner(self, conf: _Conf) -> tuple[int, int]:
        scale = 2 ** len(conf.blocks)
        return self._grid[0] * scale, self._grid[1] * scale


def load_image_autoencoder(
    folder: Path, config: WaypointConfig, dtype: torch.dtype, device: torch.device
) -> ImageAutoencoder:
    """Raises:
    ModelFolderError: one of the four files is missing or damaged, or they do not belong together.
    """
    confs = (
        _read_conf(folder, "encoder_conf.yml", "encoder_blocks_per_stage"),
        _read_conf(folder, "decoder_conf.yml", "decoder_blocks_per_stage"),
    )
    encoder, decoder = (
        _Convolutions(TensorFile(folder, f"{half}.safetensors"), dtype, device) for half in ("encoder", "decoder")
    )
    _check(encoder, confs[0], config)
    _check_decoder(decoder, confs[1], config)
    return ImageAutoencoder(encoder, decoder, confs, config.latent_shape)


# Files


def _read_conf(folder: Path, name: str, blocks: str) -> _Conf:
    try:
        told: Any = yaml.safe_load(file_in(folder, name).read_text(encoding="utf-8"))
        model = cast("Mapping[str, Any]", told["model"])
        counts = tuple(int(count) for count in model[blocks])
        first, most = int(model["ch_0"]), int(model["ch_max"])
        widths = tuple(min(first << stage, most) for stage in range(len(counts) + 1))
        conf = _Conf(int(model["channels"]), int(model["latent_channels"]), widths, counts)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f"{name} does not describe the autoencoder of Waypoint 1.") from error
    if min(conf.channels, conf.latent_channels, first, *counts) < 1 or not 1 <= len(counts) <= 8:
        raise ModelFolderError(f"{name} has a size that no autoencoder can have.")
    if conf.widths[-1] != most or most % conf.latent_channels or any(width % 4 for width in widths):
        raise ModelFolderError(f"{name} has widths that do not lead from {first} to {most} channels.")
    return conf


def _read(file: TensorFile, name: str) -> Tensor:
    """A tensor; where the file keeps a weight's norms apart from its directions, their product.

    Raises:
        ModelFolderError: norms and directions do not belong together.
    """
    if not name.endswith("original0"):
        return file.read(name)
    other = name.removesuffix("0") + "1"
    shape = file.shapes.get(other, ())
    if len(shape) != 4 or file.shapes[name] != (shape[0], 1, 1, 1):
        raise ModelFolderError(f"{file.name} has {name} without the {other} that belongs to it.")
    norms, directions = file.read(name).float(), file.read(other).float()
    lengths = (directions * directions).sum(dim=(1, 2, 3), keepdim=True).sqrt()
    return directions * (norms / lengths)


def _place(layer: str) -> str | None:
    """Our name of a layer; the published ones tell stage and block by their numbers, whatever stands between them."""
    if found := _END.search(layer):
        return found[1]
    if found := _RESIDUAL.search(layer):
        return f"residuals.{found[1]}"
    if found := _SCALE.search(layer):
        return f"stages.{found[1]}.scale"
    if found := _CONV.search(layer):
        return f"stages.{found[1]}.{found[2]}.conv{found[3]}"
    return None


def _check(encoder: _Convolutions, conf: _Conf, config: WaypointConfig) -> None:
    encoder.check("conv_in", conf.widths[0], conf.channels)
    encoder.check("conv_out", config.channels, conf.widths[-1])
    _check_counts(encoder, conf, "encoder_conf.yml", config)
    for stage in range(len(conf.blocks)):
        width, following = conf.widths[stage : stage + 2]
        _check_blocks(encoder, stage, width)
        encoder.check(f"stages.{stage}.scale", following, width)
        encoder.check(f"residuals.{stage}", following // 4, width)


def _check_decoder(decoder: _Convolutions, conf: _Conf, config: WaypointConfig) -> None:
    decoder.check("conv_in", conf.widths[-1], config.channels)
    decoder.check("conv_out", conf.channels, conf.widths[0])
    _check_counts(decoder, conf, "decoder_conf.yml", config)
    mirrored = conf.widths[::-1]
    for stage in range(len(conf.blocks)):
        width, following = mirrored[stage : stage + 2]
        _check_blocks(decoder, stage, following)
        if width != following:
            decoder.check(f"stages.{stage}.scale", following, width)
        decoder.check(f"residuals.{stage}", 4 * following, width)


def _check_counts(half: _Convolutions, conf: _Conf, name: str, config: WaypointConfig) -> None:
    """Raises:
    ModelFolderError: the stages have other numbers of blocks than told, from whichever end one counts.
    """
    if conf.latent_channels != config.channels:
        raise ModelFolderError(
            f"{name} has latents of {conf.latent_channels} channels; the model's have {config.channels}."
        )
    counts = tuple(half.blocks(stage) for stage in range(len(conf.blocks)))
    if counts not in {conf.blocks, conf.blocks[::-1]}:
        raise ModelFolderError(f"{name} tells of {list(conf.blocks)} blocks by stage; the weights have {list(counts)}.")


def _check_blocks(half: _Convolutions, stage: int, width: int) -> None:
    for block in range(half.blocks(stage)):
        at = f"stages.{stage}.{block}"
        half.check(f"{at}.conv1", 2 * width, width)
        half.check(f"{at}.conv2", 2 * width, 2 * width // _groups(width))
        half.check(f"{at}.conv3", width, 2 * width)


# Pictures


def _groups(width: int) -> int:
    """How many groups the middle convolution of a residual block has."""
    return max(1, 2 * width // _GROUP)


def _bicubic(x: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(x, size, mode="bicubic", align_corners=False)


def _fit_channels(x: Tensor, channels: int) -> Tensor:
    """Zeros for channels that a picture lacks, none of those that it has too many of."""
    return functional.pad(x, (0, 0, 0, 0, 0, max(0, channels - x.shape[1])))[:, :channels]
