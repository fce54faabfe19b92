"""The exported graphs against the networks that they came from."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tests.world_model.micro import micro_networks
from training.export import TOLERANCE, difference
from world_model.autoencoder import normalise, without_disparity
from world_model.config import MICRO, ModelConfig
from world_model.graphs import OUTPUTS, example_inputs
from world_model.runtime import load_runtime
from world_model.weights import GRAPHS

if TYPE_CHECKING:
    from pathlib import Path


def test_graphs_do_what_the_networks_do(micro_folder: Path) -> None:
    assert difference(micro_networks(), micro_folder) < TOLERANCE


def test_graphs_of_other_networks_are_told_apart(micro_folder: Path) -> None:
    assert difference(micro_networks(seed=1), micro_folder) > TOLERANCE


def test_a_call_gives_the_same_bits_also_beside_others(micro_folder: Path) -> None:
    runtime = load_runtime(micro_folder)
    inputs = example_inputs(MICRO, torch.Generator().manual_seed(0))["encode_context"]
    arrays = [value.numpy() for value in inputs.values()]
    expected = [array.tobytes() for array in runtime.run("encode_context", *arrays)]
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(runtime.run, "encode_context", *arrays) for _ in range(12)]
    assert all([array.tobytes() for array in call.result()] == expected for call in calls)


def test_every_graph_has_examples_and_outputs() -> None:
    assert (
        tuple(micro_networks().graphs()) == tuple(OUTPUTS) == tuple(example_inputs(MICRO, torch.Generator())) == GRAPHS
    )


def test_a_start_keeps_the_colours_of_its_picture(micro_folder: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (MICRO.height, MICRO.width, 3), dtype=np.uint8)
    view = load_runtime(micro_folder).start(picture)
    assert (view[:3].transpose(1, 2, 0) == picture).all()


@torch.no_grad()
def test_normalised_latents_are_normal_and_views_stay_as_they_are() -> None:
    """Away from the border, where the decoder pads with another latent than before."""
    config = replace(MICRO, height=128, width=160)
    networks = micro_networks()
    encoder, decoder = networks.encoder, networks.decoder
    views = torch.rand(4, 4, config.height, config.width, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros_like(views)
    before, shown = encoder(views), decoder(encoder(views), nothing, nothing[:, :1])
    normalise(encoder, decoder, before.mean(dim=(0, 2, 3)), before.transpose(0, 1).flatten(1).std(dim=1))
    latents = encoder(views)
    again = decoder(latents, nothing, nothing[:, :1])
    assert torch.allclose(latents.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(latents.transpose(0, 1).flatten(1).std(dim=1), torch.ones(4), atol=1e-4)
    inner = (..., slice(56, -56), slice(56, -56))
    assert torch.allclose(again[inner], shown[inner], atol=1e-4)


def test_a_view_of_unknown_disparity_has_its_colours() -> None:
    view = torch.rand(1, 4, 8, 8)
    blind = without_disparity(view)
    assert torch.equal(blind[:, :3], view[:, :3])
    assert (blind[:, 3] == -1.0).all()


def test_a_config_is_read_as_it_was_written() -> None:
    plain = json.loads(json.dumps(MICRO.to_plain()))
    assert plain["sight_widths"] == [8, 16, 16, 32]  # the name that shipped weights have
    assert ModelConfig.from_plain(plain) == MICRO


def test_sizes_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="halved"):
        ModelConfig(height=100)
