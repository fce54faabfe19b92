"""Precisions, quantisation and compilers, as far as a CPU goes."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, cast

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch
from torch import nn

from engines.waypoint import LoadOptions, OptionError, WorldBatch, load_waypoint
from engines.waypoint.graphs import GraphRunner
from engines.waypoint.network import Network
from engines.waypoint.quantisation import is_quantised
from tests.engines.waypoint.plays import control, distance, noise, opened

if TYPE_CHECKING:
    from tests.engines.waypoint.conftest import Folders

pytestmark = pytest.mark.xdist_group("torch")


def latents(folders: Folders, **options: Any) -> list[torch.Tensor]:
    """What a world makes of given noise."""
    model = load_waypoint(folders.model, folders.vae, LoadOptions(**options))
    world = opened(model, WorldBatch(model).open())
    made: list[torch.Tensor] = []
    for at in range(6):
        world.generate(control(at), noise(model, at))
        assert world.latent is not None
        made.append(world.latent.float())
    return made


@pytest.fixture(scope="module")
def exact(waypoint_1_5: Folders) -> list[torch.Tensor]:
    return latents(waypoint_1_5, dtype=torch.float32)


def worst(made: list[torch.Tensor], exact: list[torch.Tensor]) -> float:
    return max(map(distance, made, exact))


@pytest.mark.trial
def test_bf16_is_the_same_model_less_precisely(waypoint_1_5: Folders, exact: list[torch.Tensor]) -> None:
    """That of constants which are not rounded is an order of magnitude further away."""
    made = latents(waypoint_1_5, dtype=torch.bfloat16)
    assert 1e-4 < worst(made, exact) < 0.05
    assert worst(latents(waypoint_1_5, dtype=torch.float32, constants="exact"), exact) > worst(made, exact)


@pytest.mark.trial
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.skipif(importlib.util.find_spec("torchao") is None, reason="the extra quantised is not installed")
def test_int8_is_the_same_model_roughly(waypoint_1_5: Folders, exact: list[torch.Tensor], dtype: torch.dtype) -> None:
    made = latents(waypoint_1_5, dtype=dtype, quantisation="int8")
    assert 1e-3 < worst(made, exact) < 0.15


@pytest.mark.trial
@pytest.mark.skipif(importlib.util.find_spec("torchao") is None, reason="the extra quantised is not installed")
def test_what_is_quantised(waypoint_1: Folders) -> None:
    """The large matrices of the blocks alone."""
    model = load_waypoint(waypoint_1.model, waypoint_1.vae, LoadOptions(quantisation="int8"))
    network = model.network
    modules: dict[str, nn.Module] = dict(cast("Any", network).named_modules())
    linear = {name: one for name, one in modules.items() if isinstance(one, nn.Linear)}
    converted = {name for name, one in linear.items() if type(one.weight.data).__name__ == "Int8Tensor"}
    assert converted == {name for name, one in linear.items() if name.startswith("blocks.") and is_quantised(one, name)}
    assert {"blocks.0.qkv", "blocks.0.control_fusion.out", "blocks.0.prompt_attention.q"} < converted
    assert not {"blocks.0.gate", "blocks.0.control_fusion.from_control", "blocks.0.prompt_attention.k"} & converted


def test_compiled_blocks_make_the_same(waypoint_1_5: Folders, exact: list[torch.Tensor]) -> None:
    """By the first half of the compiler alone, which traces; code for a device takes minutes to make."""
    model = load_waypoint(waypoint_1_5.model, waypoint_1_5.vae, LoadOptions(dtype=torch.float32))
    model.network.compile_blocks(backend="eager")
    world = opened(model, WorldBatch(model).open())
    world.generate(control(0), noise(model, 0))
    assert world.latent is not None
    assert distance(world.latent, exact[0]) < 1e-6


def test_another_kernel_for_attention_makes_the_same(waypoint_1_5: Folders, exact: list[torch.Tensor]) -> None:
    """A CPU has no other one, and takes its own."""
    assert worst(latents(waypoint_1_5, dtype=torch.float32, cudnn_attention=True), exact) < 1e-6


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine can do it")
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"device": "cuda"}, "no CUDA device"),
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"cuda_graphs": True}, "need a CUDA device"),
        ({"quantisation": "fp8"}, "compute capability 8.9"),
    ],
)
def test_what_the_machine_cannot_do_is_refused(waypoint_1_5: Folders, options: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        load_waypoint(waypoint_1_5.model, waypoint_1_5.vae, LoadOptions(**options))


def test_without_graphs_a_function_is_just_called() -> None:
    runner = GraphRunner(enabled=False)
    calls = [runner.run("key", torch.neg, (torch.full((1,), float(at)),)).item() for at in range(3)]
    assert calls == [0.0, -1.0, -2.0]
    runner.clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_graphs_make_the_same(waypoint_1_5: Folders) -> None:
    plain = latents(waypoint_1_5, device="cuda")
    assert worst(latents(waypoint_1_5, device="cuda", cuda_graphs=True), plain) < 1e-3


def test_networks_are_built_without_memory_for_their_weights(waypoint_1_5: Folders) -> None:
    model = load_waypoint(waypoint_1_5.model, waypoint_1_5.vae, LoadOptions())
    with torch.device("meta"):
        network = Network(model.config, model.network.tables)
    assert network.state_dict().keys() == model.network.state_dict().keys()
    assert not any(parameter.requires_grad for parameter in model.network.parameters())
