"""Tiny depth networks on the disk: headers alone for who only looks, and random weights in the published layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from services.model_hub.hub_cache import CachedModel
from services.world_engine.depth.depth_anything_files import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "c" * 40
TENSORS = ("backbone.embeddings.patch_embeddings.projection.weight", "head.conv3.weight")


def snapshot_in(cache_dir: Path) -> Path:
    """Where another program's download of the model lies in a cache."""
    model = CachedModel(cache_dir, REPOSITORY.model_id)
    folder = model.snapshot(COMMIT)
    folder.mkdir(parents=True)
    model.remember_commit("main", COMMIT)
    return folder


def write_header(folder: Path, *, tensors: tuple[str, ...] = TENSORS, **config: object) -> None:
    """Files that look like the model, each tensor of one byte."""
    told = {name: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i, name in enumerate(tensors)}
    header = json.dumps(told).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(len(tensors)))
    (folder / "config.json").write_text(json.dumps({"model_type": "depth_anything", **config}))


def write_tiny_model(folder: Path, *, bias: float = 0.1) -> None:
    """By transformers' own classes. `bias` is added to all that the network says, before it is cut off at 0."""
    import torch  # takes seconds; most tests do without
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    cast("Any", torch).manual_seed(7)
    backbone = cast("Any", Dinov2Config)(
        hidden_size=12,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=12,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
    )
    model: Any = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():
        model.head.conv3.bias.fill_(bias)
    model.save_pretrained(folder)
