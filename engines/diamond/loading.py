"""From the folder of a published model to one that worlds can be made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from engines.diamond.checkpoint import read_checkpoint
from engines.diamond.config import read_config
from engines.diamond.denoiser import Denoiser
from engines.diamond.errors import OptionError
from engines.diamond.model import DiamondModel
from engines.diamond.network import Network
from engines.diamond.sampling import FULL

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from engines.diamond.config import DiamondConfig
    from engines.diamond.sampling import Sampling

WEIGHTS_FILE: Final = "model/csgo.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    device: str = "cpu"
    dtype: torch.dtype = torch.float32  # of the networks; everything around them is in single precision
    sampling: Sampling = FULL


@dataclass(frozen=True, slots=True)
class Networks:
    denoiser: Network
    upsampler: Network
    sha256: str  # of their file, hex


def load_diamond(folder: Path, options: LoadOptions | None = None) -> DiamondModel:
    """Load `config/agent/csgo.yaml`, `config/env/csgo.yaml` and `model/csgo.pt`.

    Raises:
        ModelFolderError: a file is missing, damaged, not what the config asks for, or not safe to read.
        OptionError: this machine does not have the device.
    """
    chosen = options or LoadOptions()
    device = _device(chosen.device)
    config = read_config(folder)
    networks = load_networks(folder, config, chosen.dtype, device)
    return DiamondModel(
        config=config,
        denoiser=Denoiser(config.denoiser, networks.denoiser, chosen.dtype),
        upsampler=Denoiser(config.upsampler, networks.upsampler, chosen.dtype),
        sampling=chosen.sampling,
        device=device,
        weights_hash=networks.sha256,
    )


def load_networks(
    folder: Path,
    config: DiamondConfig,
    dtype: torch.dtype = torch.float32,
    device: torch.device = torch.device("cpu"),  # noqa: B008 - immutable
) -> Networks:
    """Raises:
    ModelFolderError: the weights are missing, damaged, not what the config asks for, or not safe to read.
    """
    networks = _empty(config)
    checkpoint = read_checkpoint(folder, WEIGHTS_FILE, published_shapes(config))
    for name, network in networks.items():
        _fill(network, f"{name}.inner_model.", checkpoint.tensors, dtype, device)
    return Networks(**networks, sha256=checkpoint.sha256)


def published_shapes(config: DiamondConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of `model/csgo.pt`."""
    return {
        f"{name}.inner_model.{tensor}": tuple(place.shape)
        for name, network in _empty(config).items()
        for tensor, place in network.state_dict().items()
    }


def _empty(config: DiamondConfig) -> dict[str, Network]:
    """Networks without memory for their weights."""
    with torch.device("meta"):
        return {
            "denoiser": Network(config.denoiser, config.num_actions),
            "upsampler": Network(config.upsampler, config.num_actions),
        }


def _fill(network: Network, prefix: str, tensors: dict[str, Tensor], dtype: torch.dtype, device: torch.device) -> None:
    """Give the network its weights, in memory of its own: the tensors are still those of the file."""
    exact = {name for name, _ in network.named_buffers()}  # frequencies, which lower precision would turn into others
    weights = {
        name: tensors[prefix + name].to(device, torch.float32 if name in exact else dtype, copy=True)
        for name in network.state_dict()
    }
    network.load_state_dict(weights, assign=True)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - the layout of fast convolutions
    network.requires_grad_(requires_grad=False)


def _device(name: str) -> torch.device:
    """Raises:
    OptionError: there is no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"There is no device {name!r}.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch sees no CUDA device on this machine.")
    return device
