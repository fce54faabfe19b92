"""Going on from exported weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tests.world_model.micro import micro_scene_net
from training.export import TOLERANCE, WEIGHTS
from training.shipped import shipped_scene_net
from world_model.graphs import SeeGraph, example_inputs
from world_model.runtime import load_runtime
from world_model.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path


def test_exported_weights_are_the_network_again(micro_folder: Path) -> None:
    read, known = shipped_scene_net(micro_folder).state_dict(), micro_scene_net().state_dict()
    for name, value in known.items():
        assert torch.equal(read[name], value), name


def test_the_network_says_what_the_shipped_graph_says() -> None:
    network, runtime = shipped_scene_net(WEIGHTS), load_runtime(WEIGHTS, ("see",))
    inputs = example_inputs(network.config, torch.Generator().manual_seed(1))["see"]
    rgba, relief = runtime.run("see", *(value.numpy() for value in inputs.values()))
    with torch.no_grad():
        expected_rgba, expected_relief = SeeGraph(network)(*inputs.values())
    assert np.mean(np.abs(rgba.astype(int) - expected_rgba.numpy()) > 1) < TOLERANCE
    np.testing.assert_allclose(relief, expected_relief.numpy(), atol=TOLERANCE)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="manifest"):
        shipped_scene_net(tmp_path / "none")
