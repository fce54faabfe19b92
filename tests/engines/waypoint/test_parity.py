"""The runtime against the oracle, in float32, over every way in which a world goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.waypoint import LoadOptions, WorldBatch, load_waypoint
from tests.engines.waypoint.oracle import Oracle
from tests.engines.waypoint.plays import control, distance, load, noise, pictures, prompt
from tests.engines.waypoint.published import model_tensors, save, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from engines.waypoint import Constants, Control, WaypointModel
    from tests.engines.waypoint.conftest import Folders

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]

LATENTS: Final = 18
SEED, EDIT, RESET = 0, 7, 15  # when pictures are appended; after the third, the rings have been left half full
BOTH: Final = ["waypoint_1_5", "waypoint_1"]


def vector(control: Control, model: WaypointModel) -> torch.Tensor:
    """The network's input, as the facts have it."""
    buttons = [float(button in control.buttons) for button in range(model.config.n_buttons)]
    return torch.tensor([control.mouse_dx, control.mouse_dy, *buttons, control.scroll])


def differences(model: WaypointModel, oracle: Oracle) -> tuple[list[float], list[int]]:
    """Of latents and of pixels, over a seed, an edit, a reset, and what is generated between them."""
    world, latents, pixels = WorldBatch(model).open(), list[float](), list[int]()
    if width := model.config.prompt_embedding_dim:
        oracle.prompt = prompt(width)
        world.set_prompt(oracle.prompt)
    for at in range(LATENTS):
        if at == RESET:
            world.reset()
            oracle.reset()
        if at in {SEED, EDIT, RESET}:
            given = pictures(model.frames_per_latent, at)
            frames = world.append(given)
            expected, shown = oracle.append(given)
        else:
            frames = world.generate(control(at), noise(model, at))
            expected, shown = oracle.generate(vector(control(at), model), noise(model, at))
        assert world.latent is not None
        assert frames.shape == shown.shape == (model.frames_per_latent, *model.frame_shape, 3)
        latents.append(distance(world.latent, expected))
        pixels.append(int(np.abs(frames.astype(int) - shown).max()))
    return latents, pixels


@pytest.mark.parametrize("constants", ["exact", "bf16"])
@pytest.mark.parametrize("folders", BOTH, indirect=True)
def test_latents_and_pictures_are_those_of_the_published_model(folders: Folders, constants: Constants) -> None:
    oracle = Oracle(folders.model, folders.vae, rounds=constants == "bf16")
    latents, pixels = differences(load(folders, constants), oracle)
    assert max(latents) < 5e-6  # the aim is 5e-5
    assert max(pixels) <= 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("local_window", 3), ("global_window", 8), ("global_pinned_dilation", 3), ("global_attn_offset", -2)],
)
def test_every_part_of_the_history_matters(waypoint_1_5: Folders, name: str, value: int) -> None:
    """Otherwise the test above would say nothing of windows and rings."""
    oracle = Oracle(waypoint_1_5.model, waypoint_1_5.vae, rounds=False)
    oracle.config[name] = value
    latents, _ = differences(load(waypoint_1_5), oracle)
    assert max(latents) > 1e-3


def test_rounded_constants_are_another_model(waypoint_1_5: Folders) -> None:
    latents, _ = differences(load(waypoint_1_5, "bf16"), Oracle(waypoint_1_5.model, waypoint_1_5.vae, rounds=False))
    assert max(latents) > 1e-3


def test_the_attention_can_have_its_own_bias(waypoint_1_5: Folders, tmp_path: Path) -> None:
    """A file may have two; the original engine reads that of the MLP, which is the default."""
    tensors = model_tensors(waypoint_1_5.config)
    for layer in range(waypoint_1_5.config["n_layers"]):
        tensors[f"transformer.blocks.{layer}.attn_cond_head.bias_in"] += 1.0
    folder = write_model(tmp_path / "model", waypoint_1_5.config)
    save(folder / "model.safetensors", tensors)
    as_served = load_waypoint(folder, waypoint_1_5.vae, LoadOptions(dtype=torch.float32, constants="exact"))
    own = load_waypoint(
        folder, waypoint_1_5.vae, LoadOptions(dtype=torch.float32, constants="exact", attention_bias="own")
    )
    oracle = Oracle(folder, waypoint_1_5.vae, rounds=False)
    assert "bias_in" in as_served.notes[0]
    assert max(differences(as_served, oracle)[0]) < 5e-6
    assert max(differences(own, oracle)[0]) > 1e-3
    assert load(waypoint_1_5).notes == ()


def test_a_stored_grow_matrix_may_have_more_rows(waypoint_1_5: Folders, tmp_path: Path) -> None:
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - half typed

    tensors = load_file(next(waypoint_1_5.vae.glob("*.safetensors")))
    name = "decoder.7.conv.weight"
    tensors[name] = torch.cat([torch.ones_like(tensors[name]), tensors[name]])
    save(tmp_path / "taehv.safetensors", tensors)
    model = load_waypoint(waypoint_1_5.model, tmp_path, LoadOptions(dtype=torch.float32))
    given = pictures(4, 1)
    assert (WorldBatch(model).open().append(given) == WorldBatch(load(waypoint_1_5, "bf16")).open().append(given)).all()
