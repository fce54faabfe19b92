"""The exported graphs against the networks that they came from."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from tests.world_model.micro import micro_networks, micro_scene_net
from training.export import TOLERANCE, difference
from world_model.config import MICRO, ModelConfig
from world_model.graphs import OUTPUTS, SeeGraph, example_inputs
from world_model.runtime import load_runtime
from world_model.weights import GRAPHS

if TYPE_CHECKING:
    from pathlib import Path


def graphs_of(seed: int = 0) -> dict[str, nn.Module]:
    return {**micro_networks(seed).graphs(), "see": SeeGraph(micro_scene_net(seed)).eval()}


def test_graphs_do_what_the_networks_do(micro_folder: Path) -> None:
    assert difference(graphs_of(), MICRO, micro_folder) < TOLERANCE


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_of_other_networks_are_told_apart(micro_folder: Path, name: str) -> None:
    assert difference({name: graphs_of(seed=1)[name]}, MICRO, micro_folder) > TOLERANCE


def test_a_call_gives_the_same_bits_also_beside_others(micro_folder: Path) -> None:
    runtime = load_runtime(micro_folder)
    arrays = [value.numpy() for value in example_inputs(MICRO, torch.Generator().manual_seed(0))["see"].values()]
    expected = [array.tobytes() for array in runtime.run("see", *arrays)]
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(runtime.run, "see", *arrays) for _ in range(12)]
    assert all([array.tobytes() for array in call.result()] == expected for call in calls)


def test_every_graph_has_examples_and_outputs() -> None:
    assert tuple(graphs_of()) == tuple(OUTPUTS) == tuple(example_inputs(MICRO, torch.Generator())) == GRAPHS


def test_a_start_keeps_the_colours_of_its_picture(micro_folder: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (MICRO.height, MICRO.width, 3), dtype=np.uint8)
    view = load_runtime(micro_folder, ("start",)).start(picture)
    assert (view[:3].transpose(1, 2, 0) == picture).all()


def test_a_config_is_read_as_it_was_written() -> None:
    plain = json.loads(json.dumps(MICRO.to_plain()))
    assert plain["sight_widths"] == [8, 16, 16, 32]  # the name that shipped weights have
    assert ModelConfig.from_plain(plain) == MICRO
    assert ModelConfig.from_plain({**plain, "unet_widths": [16, 16, 32]}) == MICRO  # of a checkpoint of another time


def test_sizes_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="halved"):
        ModelConfig(height=100)
