"""From the folders of a published model to one that worlds can be made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engines.waypoint.autoencoder import load_autoencoder
from engines.waypoint.conditioning import build_tables
from engines.waypoint.config import read_config
from engines.waypoint.errors import OptionError
from engines.waypoint.model import WaypointModel
from engines.waypoint.network import Network
from engines.waypoint.positions import Positions
from engines.waypoint.quantisation import quantise
from engines.waypoint.weights import read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from engines.waypoint.conditioning import AttentionBias, Constants
    from engines.waypoint.quantisation import Quantisation


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """The defaults are what models are served with; `engines.waypoint.conditioning` explains `constants` and
    `attention_bias`.

    `compile` has the blocks compiled when they first run, which takes a minute or more. `cuda_graphs` has whole steps
    captured; it needs a CUDA device. `cudnn_attention` prefers cuDNN's kernel, which is the faster one on some cards.
    """

    device: str = "cpu"
    dtype: torch.dtype = torch.bfloat16
    constants: Constants = "bf16"
    attention_bias: AttentionBias = "mlp"
    quantisation: Quantisation = "none"
    compile: bool = False
    cuda_graphs: bool = False
    cudnn_attention: bool = False


def load_waypoint(model_folder: Path, vae_folder: Path, options: LoadOptions | None = None) -> WaypointModel:
    """Load `config.yaml` and `model.safetensors` of one folder, and the autoencoder of the other.

    That is `vae/` of the model's own repository for Waypoint 1.5, and the repository that `ae_uri` names for
    Waypoint 1.

    Raises:
        ModelFolderError: a file is missing, damaged, not what the config asks for, or not safe to read.
        OptionError: this machine cannot do what the options ask for.
    """
    chosen = options or LoadOptions()
    device = _device(chosen)
    config = read_config(model_folder)
    autoencoder = load_autoencoder(vae_folder, config, chosen.dtype, device)
    weights = read_weights(model_folder, config, chosen.dtype, device)
    tables = build_tables(
        config,
        weights.conditioning,
        constants=chosen.constants,
        attention_bias=chosen.attention_bias,
        dtype=chosen.dtype,
        device=device,
    )
    with torch.device("meta"):
        network = Network(config, tables)
    network.load_state_dict(weights.network, assign=True)
    network.requires_grad_(requires_grad=False)
    quantise(network, chosen.quantisation, device)
    if chosen.compile:
        network.compile_blocks()
    return WaypointModel(
        config=config,
        network=network,
        positions=Positions(config, chosen.constants, device),
        autoencoder=autoencoder,
        dtype=chosen.dtype,
        device=device,
        cuda_graphs=chosen.cuda_graphs,
        cudnn_attention=chosen.cudnn_attention,
        notes=weights.notes,
    )


def _device(options: LoadOptions) -> torch.device:
    """Raises:
    OptionError: there is no such device, or it cannot capture graphs.
    """
    try:
        device = torch.device(options.device)
    except RuntimeError as error:
        raise OptionError(f"There is no device {options.device!r}.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch sees no CUDA device on this machine.")
    if options.cuda_graphs and device.type != "cuda":
        raise OptionError("CUDA graphs need a CUDA device; leave them out on any other.")
    return device
