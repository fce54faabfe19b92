"""Worlds: alone and in company, to the host and back, and what they are given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.waypoint import (
    Control,
    DivergedError,
    InputError,
    NoRoomError,
    WorldBatch,
    WorldClosedError,
    WorldState,
)
from tests.engines.waypoint.plays import control, distance, latents_of, load, noise, opened, pictures, prompt

if TYPE_CHECKING:
    from engines.waypoint import Frames
    from tests.engines.waypoint.conftest import Folders

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]

BOTH: Final = ["waypoint_1_5", "waypoint_1"]


# ------------------------------------------------------------------------------------------------ company


@pytest.mark.parametrize("folders", BOTH, indirect=True)
def test_a_world_is_the_same_alone_and_in_company(folders: Folders) -> None:
    """Three worlds of different ages, so that they see different slots; named in another order than their rows."""
    model = load(folders)
    batch = WorldBatch(model, 4)
    together = [opened(model, batch.open(rng_seed), rng_seed) for rng_seed in range(3)]
    alone = [opened(model, WorldBatch(model).open(rng_seed), rng_seed) for rng_seed in range(3)]
    for age, (one, other) in enumerate(zip(together, alone, strict=True)):
        latents_of(one, range(age))
        latents_of(other, range(age))
    for at in range(14):
        order = [(at + place) % 3 for place in range(3)]
        frames = batch.generate([together[place] for place in order], [control(at + place) for place in order])
        for place, shown in zip(order, frames, strict=True):
            expected = alone[place].generate(control(at + place))
            latent, other = together[place].latent, alone[place].latent
            assert latent is not None
            assert other is not None
            assert distance(latent, other) < 2e-6
            assert np.abs(shown.astype(int) - expected).max() <= 1


def test_pictures_are_appended_to_several_at_once(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model, 2)
    worlds = [batch.open(), batch.open()]
    shown = batch.append(worlds[::-1], [pictures(4, 1), pictures(1, 2)])
    assert np.abs(shown[0].astype(int) - WorldBatch(model).open().append(pictures(4, 1))).max() <= 1
    assert np.abs(shown[1].astype(int) - WorldBatch(model).open().append(pictures(1, 2))).max() <= 1


def test_those_who_do_not_step_stay_as_they_are(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model, 2)
    waiting, stepping = (opened(model, batch.open(seed), seed) for seed in (1, 2))
    latents_of(waiting, range(6))
    before = waiting.snapshot()
    latents_of(stepping, range(6))
    assert same(waiting.snapshot(), before)


def test_a_batch_has_its_rows_and_no_more(waypoint_1_5: Folders) -> None:
    batch = WorldBatch(load(waypoint_1_5), 2)
    first, second = batch.open(), batch.open()
    with pytest.raises(NoRoomError, match="batch"):
        batch.open()
    first.close()
    first.close()
    third = batch.open()
    assert third.row == first.row != second.row
    with pytest.raises(NoRoomError):
        batch.open()


def test_a_new_world_has_nothing_of_the_row_s_last_one(waypoint_1: Folders) -> None:
    model = load(waypoint_1)
    batch = WorldBatch(model)
    old = opened(model, batch.open(rng_seed=3), seed=3)
    latents_of(old, range(9))
    old.close()
    fresh = latents_of(opened(model, batch.open(rng_seed=5), seed=5), range(4))
    expected = latents_of(opened(model, WorldBatch(model).open(rng_seed=5), seed=5), range(4))
    assert all(map(torch.equal, fresh, expected))


# ------------------------------------------------------------------------------------------------ snapshots


def same(one: WorldState, other: WorldState) -> bool:
    return (
        (one.frame, one.is_settled) == (other.frame, other.is_settled)
        and torch.equal(one.random, other.random)
        and all(map(torch.equal, one.tensors, other.tensors))
    )


@pytest.mark.parametrize("age", [0, 1, 3, 9, 15])
@pytest.mark.parametrize("folders", BOTH, indirect=True)
def test_a_world_goes_on_from_a_snapshot_to_the_bit(folders: Folders, age: int) -> None:
    """In its own row, where everything has moved on since, and in another batch's."""
    model = load(folders)
    world = WorldBatch(model).open(rng_seed=1)
    opened(model, world)
    latents_of(world, range(age))
    state = world.snapshot()
    expected, shown = latents_of(world, range(20, 26)), world.generate()
    world.reset()
    opened(model, world, seed=9)
    latents_of(world, range(3))
    other = WorldBatch(model, 3)
    other.open()
    for restored in (world, other.open()):
        restored.restore(state)
        assert all(map(torch.equal, latents_of(restored, range(20, 26)), expected))
        assert (restored.generate() == shown).all()
    assert same(state, state)


def test_a_snapshot_is_of_one_moment(waypoint_1_5: Folders) -> None:
    """What the world does afterwards does not reach it, and what it does not yet hold is not stored."""
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    young = world.snapshot()
    kept = [tensor.clone() for tensor in young.tensors]
    latents_of(world, range(12))
    assert all(map(torch.equal, young.tensors, kept))
    assert young.nbytes < world.snapshot().nbytes


def test_a_snapshot_crosses_as_bytes(waypoint_1: Folders) -> None:
    model = load(waypoint_1)
    world = opened(model, WorldBatch(model).open(rng_seed=4))
    latents_of(world, range(5))
    state = WorldState.from_bytes(world.snapshot().to_bytes())
    expected = latents_of(world, range(3))
    other = WorldBatch(model).open()
    other.restore(state)
    assert all(map(torch.equal, latents_of(other, range(3)), expected))


@pytest.mark.parametrize("damage", [b"", b"no snapshot", b"\xff" * 64])
def test_damaged_bytes_are_no_snapshot(damage: bytes) -> None:
    with pytest.raises(InputError, match="snapshot is damaged"):
        WorldState.from_bytes(damage)


def test_a_snapshot_cut_short_is_no_snapshot(waypoint_1: Folders) -> None:
    model = load(waypoint_1)
    whole = opened(model, WorldBatch(model).open()).snapshot().to_bytes()
    with pytest.raises(InputError, match="snapshot is damaged"):
        WorldState.from_bytes(whole[:-5])


def test_noise_that_cannot_go_on_is_refused(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    before = world.snapshot()
    with pytest.raises(InputError, match="noise cannot go on"):
        world.restore(replace(before, random=torch.full_like(before.random, 255)))
    assert same(world.snapshot(), before)


def test_a_snapshot_of_another_model_changes_nothing(waypoint_1_5: Folders, waypoint_1: Folders) -> None:
    strange = load(waypoint_1)
    state = opened(strange, WorldBatch(strange).open()).snapshot()
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    before = world.snapshot()
    halves = replace(before, tensors=()), replace(before, random=before.random[:5])
    for wrong in (state, replace(before, frame=-3), replace(before, frame=2), *halves):
        with pytest.raises(InputError, match="snapshot is of another model"):
            world.restore(wrong)
    assert same(world.snapshot(), before)


# ------------------------------------------------------------------------------------------------ one step in parts


def test_frames_can_be_shown_before_the_history_has_them(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model)
    world, whole = opened(model, batch.open(1)), opened(model, WorldBatch(model).open(1))
    for at in range(4):
        turn = batch.denoise([world], [control(at)])
        (shown,) = batch.decode(turn)
        assert world.frame == at + 1
        batch.remember(turn)
        assert (shown == whole.generate(control(at))).all()


def test_a_latent_that_is_not_remembered_never_was(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model)
    world, other = (opened(model, one) for one in (batch.open(), WorldBatch(model).open()))
    latents_of(world, range(9))
    latents_of(other, range(9))
    batch.denoise([world], [control(3)])
    for chosen in (world, other):
        chosen.generate(control(4))
    assert world.latent is not None
    assert other.latent is not None
    assert torch.equal(world.latent, other.latent)


def test_a_latent_is_remembered_once(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model)
    world = opened(model, batch.open())
    turn = batch.denoise([world], [control(1)])
    batch.remember(turn)
    with pytest.raises(InputError, match="gone on"):
        batch.remember(turn)


def test_a_latent_is_not_remembered_by_a_world_that_went_elsewhere(waypoint_1_5: Folders) -> None:
    """Even if it is as old as before."""
    model = load(waypoint_1_5)
    batch = WorldBatch(model)
    world = opened(model, batch.open())
    state = world.snapshot()
    turn = batch.denoise([world], [control(1)])
    world.restore(state)
    with pytest.raises(InputError, match="gone on"):
        batch.remember(turn)
    assert same(world.snapshot(), state)


def test_a_world_steps_in_its_own_batch(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    with pytest.raises(InputError, match="another batch"):
        WorldBatch(model).generate([world], [control(1)])


# ------------------------------------------------------------------------------------------------ what is given


def test_noise_follows_from_the_seed(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    first, again, another = (latents_of(opened(model, WorldBatch(model).open(seed)), range(3)) for seed in (7, 7, 8))
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, another))


@pytest.mark.parametrize("folders", BOTH, indirect=True)
@pytest.mark.parametrize(
    "changed",
    [
        Control(frozenset({0})),
        Control(frozenset({255})),
        Control(mouse_dx=1.5),
        Control(mouse_dy=1.5),
        Control(scroll=1.0),
    ],
)
def test_every_control_is_heard(folders: Folders, changed: Control) -> None:
    model = load(folders)
    state = opened(model, WorldBatch(model).open()).snapshot()
    world = WorldBatch(model).open()
    made: list[torch.Tensor] = []
    for one in (Control(), changed):
        world.restore(state)
        world.generate(one, noise(model, 1))
        assert world.latent is not None
        made.append(world.latent)
    assert distance(*made) > 1e-3


def test_the_first_generation_hears_the_direction_of_the_wheel_alone(
    waypoint_1: Folders, waypoint_1_5: Folders
) -> None:
    for folders, alike in ((waypoint_1, True), (waypoint_1_5, False)):
        model = load(folders)
        made = [opened(model, WorldBatch(model).open()) for _ in range(2)]
        for world, scroll in zip(made, (1.0, 3.0), strict=True):
            world.generate(Control(scroll=scroll), noise(model, 1))
        one, other = (world.latent for world in made)
        assert one is not None
        assert other is not None
        assert torch.equal(one, other) == alike


def test_a_prompt_is_heard_from_the_next_latent_on(waypoint_1: Folders) -> None:
    model = load(waypoint_1)
    world = opened(model, WorldBatch(model).open())
    state = world.snapshot()
    made: list[torch.Tensor] = []
    for embedding in (prompt(96), prompt(96, seed=5), prompt(96, seed=5, tokens=4)):
        world.restore(state)
        world.set_prompt(embedding)
        world.generate(noise=noise(model, 1))
        assert world.latent is not None
        made.append(world.latent)
    assert distance(made[0], made[1]) > 1e-3
    assert distance(made[1], made[2]) > 1e-3


def test_a_prompt_outlives_a_reset(waypoint_1: Folders) -> None:
    model = load(waypoint_1)
    world = opened(model, WorldBatch(model).open())
    world.reset()
    world.append(pictures(1, 1))
    assert world.frame == 1


def test_a_model_that_hears_prompts_asks_for_one(waypoint_1: Folders, waypoint_1_5: Folders) -> None:
    with pytest.raises(InputError, match="set a prompt embedding"):
        WorldBatch(load(waypoint_1)).open().append(pictures(1, 0))
    with pytest.raises(InputError, match="hears no prompts"):
        WorldBatch(load(waypoint_1_5)).open().set_prompt(prompt(96))


@pytest.mark.parametrize(
    "embedding", [torch.zeros(3, 95), torch.zeros(96), torch.zeros(0, 96), torch.full((2, 96), torch.nan)]
)
def test_a_prompt_must_fit(waypoint_1: Folders, embedding: torch.Tensor) -> None:
    with pytest.raises(InputError, match="prompt embedding must be"):
        WorldBatch(load(waypoint_1)).open().set_prompt(embedding)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 8, 8, 3), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros((4, 0, 8, 3), np.uint8),
        np.zeros((4, 8, 8, 3), np.float32),
    ],
    ids=["three", "with alpha", "grey", "empty", "floats"],
)
def test_what_is_no_picture_changes_nothing(waypoint_1_5: Folders, wrong: Frames) -> None:
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    before = world.snapshot()
    with pytest.raises(InputError, match=r"[Pp]ictures"):
        world.append(wrong)
    assert same(world.snapshot(), before)


@pytest.mark.parametrize(
    "wrong",
    [Control(frozenset({256})), Control(frozenset({-1})), Control(mouse_dx=float("nan")), Control(scroll=float("inf"))],
)
def test_a_control_that_cannot_be_is_refused(waypoint_1_5: Folders, wrong: Control) -> None:
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open())
    before = world.snapshot()
    with pytest.raises(InputError):
        world.generate(wrong)
    assert same(world.snapshot(), before)


def test_noise_of_another_shape_is_refused(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    with pytest.raises(InputError, match=r"\[6, 4, 8\]"):
        opened(model, WorldBatch(model).open()).generate(noise=torch.zeros(6, 8, 8))


def test_a_world_that_left_the_numbers_can_go_back(waypoint_1_5: Folders) -> None:
    """Nothing of it stays behind in the row: neither in the rings nor in the decoder."""
    model = load(waypoint_1_5)
    world = opened(model, WorldBatch(model).open(2))
    state, expected = world.snapshot(), latents_of(world, range(5))
    for _ in range(6):
        with pytest.raises(DivergedError, match="Start the world over"):
            world.generate(noise=torch.full(model.config.latent_shape, torch.nan))
    world.restore(state)
    assert all(map(torch.equal, latents_of(world, range(5)), expected))


def test_a_world_that_left_the_numbers_leaves_those_beside_it_alone(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch, alone = WorldBatch(model, 2), opened(model, WorldBatch(model).open(1))
    worlds = [opened(model, batch.open(seed)) for seed in range(2)]
    for at in range(3):
        broken, given = torch.full(model.config.latent_shape, torch.nan), noise(model, at)
        told = batch.generate_each(worlds, [control(at), control(at)], [broken, given])
        assert isinstance(told[0], DivergedError)
        assert not isinstance(told[1], DivergedError)
        assert np.abs(told[1].astype(int) - alone.generate(control(at), given)).max() <= 1


def test_a_closed_world_is_refused(waypoint_1_5: Folders) -> None:
    world = WorldBatch(load(waypoint_1_5)).open()
    world.close()
    for use in (world.generate, world.reset, world.snapshot, lambda: world.append(pictures(1, 1))):
        with pytest.raises(WorldClosedError, match="closed"):
            use()


def test_a_world_steps_once_in_a_step(waypoint_1_5: Folders) -> None:
    model = load(waypoint_1_5)
    batch = WorldBatch(model, 2)
    world = opened(model, batch.open())
    with pytest.raises(InputError, match="twice"):
        batch.generate([world, world], [Control(), Control()])
    with pytest.raises(InputError, match="at least one"):
        batch.generate([], [])
