"""Going on from exported weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.world_model.micro import micro_networks
from training.shipped import shipped_networks
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path


def test_exported_weights_are_the_networks_again(micro_folder: Path) -> None:
    read, known = shipped_networks(micro_folder, torch.device("cpu")).named(), micro_networks().named()
    for name, module in known.items():
        for key, value in module.state_dict().items():
            assert torch.equal(read[name].state_dict()[key], value), f"{name}.{key}"


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="manifest"):
        shipped_networks(tmp_path / "none", torch.device("cpu"))
