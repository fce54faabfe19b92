"""Going on from exported weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.world_model.micro import micro_networks
from training.shipped import shipped_depth_net
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path


def test_exported_weights_are_the_network_again(micro_folder: Path) -> None:
    read, known = shipped_depth_net(micro_folder).state_dict(), micro_networks().depth_net.state_dict()
    for name, value in known.items():
        assert torch.equal(read[name], value), name


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="manifest"):
        shipped_depth_net(tmp_path / "none")
