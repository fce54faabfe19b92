"""Worlds: alone and in company, to bytes and back, and what they are given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.diamond import (
    FAST,
    IDLE,
    Action,
    DiamondModel,
    DivergedError,
    InputError,
    LoadOptions,
    OptionError,
    WorldState,
    load_diamond,
)
from engines.diamond.actions import KEYS, MOUSE_DOWN, MOUSE_RIGHT, action_vector
from tests.engines.diamond.plays import action, picture, walked
from tests.engines.diamond.published import model_tensors, tiny_agent, tiny_env, write_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]


@pytest.fixture(name="model", scope="module")
def fixture_model(tiny_folder: Path) -> DiamondModel:
    """In few steps, which the rules of worlds do not depend on."""
    return load_diamond(tiny_folder, LoadOptions(sampling=FAST))


def same(one: WorldState, other: WorldState) -> bool:
    return one.to_bytes() == other.to_bytes()


def assert_alike(company: WorldState, alone: WorldState) -> None:
    """Up to the rounding of kernels, which are chosen by the machine and by how many worlds are computed together."""
    for one, other in ((company.small, alone.small), (company.large, alone.large)):
        apart = np.abs(one[-1].astype(int) - other[-1])
        assert apart.max() <= 2
        assert (apart > 0).mean() < 0.01


def test_a_world_is_a_function_of_its_seed_and_its_actions(model: DiamondModel) -> None:
    first, again = (walked(model, model.begin(picture(1), rng_seed=5), range(4))[-1] for _ in range(2))
    assert same(first, again)
    for other in (model.begin(picture(1), rng_seed=6), model.begin(picture(2), rng_seed=5)):
        assert not (walked(model, other, range(4))[-1].picture == first.picture).all()
    elsewhere = walked(model, model.begin(picture(1), rng_seed=5), range(1, 5))[-1]
    assert not (elsewhere.picture == first.picture).all()


def test_worlds_that_are_stepped_together_go_where_they_go_alone(tiny_folder: Path) -> None:
    """In all steps. Each frame starts from the same state, so that a pixel that once fell to the other side of a
    level's edge does not add up."""
    model = load_diamond(tiny_folder)
    alone = [model.begin(picture(number), rng_seed=number) for number in range(3)]
    alone[1] = walked(model, alone[1], range(2))[-1]
    for at in range(2):
        together = model.step(alone, [action(at + world) for world in range(3)])
        for world, (before, company) in enumerate(zip(alone, together, strict=True)):
            assert isinstance(company, WorldState)
            (alone[world],) = walked(model, before, range(at + world, at + world + 1))
            assert_alike(company, alone[world])
    assert model.step([], []) == []


def test_a_state_goes_on_from_its_bytes(model: DiamondModel) -> None:
    state = walked(model, model.begin(picture(3), rng_seed=2**64 - 1), range(5))[-1]
    back = WorldState.from_bytes(state.to_bytes(), model.config)
    assert same(walked(model, back, range(3))[-1], walked(model, state, range(3))[-1])


def test_states_are_never_written_to(model: DiamondModel) -> None:
    given = picture(4)
    state = model.begin(given, rng_seed=0)
    kept = state.to_bytes()
    walked(model, state, range(3))
    given[:] = 0
    assert state.to_bytes() == kept


def test_the_start_is_the_picture_with_nobody_at_the_keys(model: DiamondModel) -> None:
    state = model.begin(picture(5), rng_seed=0)
    assert (state.picture == picture(5)).all()
    assert state.small.shape == (4, 6, 10, 3)
    assert (state.small == state.small[0]).all()
    assert (state.actions == action_vector(IDLE)).all()
    # Each area of one colour is 2 by 2 small pixels, into which the cubic filter mixes something of its neighbours.
    expected = picture(5)[5::10, 5::10].repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(state.small[-1].astype(int) - expected).mean() < 16
    assert np.abs(state.small[-1, ::-1].astype(int) - expected).mean() > 32


def test_an_edit_forgets_the_past_and_keeps_the_noise_going(model: DiamondModel) -> None:
    state = walked(model, model.begin(picture(6), rng_seed=3), range(4))[-1]
    edited = model.edit(state, picture(7))
    assert (edited.picture == picture(7)).all()
    assert (edited.rng_seed, edited.frame) == (3, 4)
    fresh = model.begin(picture(7), rng_seed=3)
    assert not same(walked(model, edited, range(1))[0], walked(model, fresh, range(1))[0])
    other_past = walked(model, model.begin(picture(8), rng_seed=3), range(4))[-1]
    assert same(walked(model, model.edit(other_past, picture(7)), range(1))[0], walked(model, edited, range(1))[0])


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((30, 50), np.uint8), np.zeros((30, 51, 3), np.uint8), np.zeros((30, 50, 3), np.float32)],
    ids=["flat", "wide", "floats"],
)
def test_odd_pictures_are_refused(model: DiamondModel, wrong: np.ndarray[Any, Any]) -> None:
    state = model.begin(picture(1), rng_seed=0)
    with pytest.raises(InputError, match=r"\[30, 50, 3\]"):
        model.begin(wrong, rng_seed=0)
    with pytest.raises(InputError, match="uint8"):
        model.edit(state, wrong)


def test_damaged_states_are_refused(model: DiamondModel) -> None:
    whole = model.begin(picture(1), rng_seed=0).to_bytes()
    wild = bytearray(whole)
    wild[20] = 2  # a key is down twice
    late = whole[:12] + b"\xff" * 8 + whole[20:]
    for data in (b"", whole[:-1], whole + b"\0", b"DMD0" + whole[4:], bytes(wild), late):
        with pytest.raises(InputError, match="damaged"):
            WorldState.from_bytes(data, model.config)


def test_one_world_that_leaves_the_range_does_not_take_others_along(tmp_path: Path) -> None:
    """What the key W adds is so large that products of it overflow."""
    tensors = model_tensors(tiny_agent(), tiny_env())
    tensors["denoiser.inner_model.act_emb.0.weight"][KEYS.index("W")] = 1e30
    folder = write_model(tmp_path / "model", tiny_agent(), tiny_env())
    torch.save(tensors, folder / "model" / "csgo.pt")
    model = load_diamond(folder)
    states = [model.begin(picture(number), rng_seed=number) for number in range(2)]
    lost, kept = model.step(states, [Action(frozenset({"W"})), Action(frozenset({"S"}))])
    assert isinstance(lost, DivergedError)
    assert isinstance(kept, WorldState)
    assert_alike(kept, walked_with(model, states[1], Action(frozenset({"S"}))))


def walked_with(model: DiamondModel, state: WorldState, done: Action) -> WorldState:
    (following,) = model.step([state], [done])
    assert isinstance(following, WorldState)
    return following


def test_an_action_is_keys_clicks_and_two_bins() -> None:
    vector = action_vector(Action(frozenset({"W", "R"}), left_click=True, mouse_right=-1500.0, mouse_down=3.5))
    assert [KEYS[at] for at in np.flatnonzero(vector[:11])] == ["W", "R"]
    assert vector[11:13].tolist() == [1, 0]
    assert [MOUSE_RIGHT[at] for at in np.flatnonzero(vector[13:36])] == [-1000]
    assert [MOUSE_DOWN[at] for at in np.flatnonzero(vector[36:])] == [4]
    assert len(vector) == 51


@pytest.mark.parametrize(
    ("motion", "nearest"), [(0.9, 0), (-0.9, 0), (1.0, 0), (-1.0, 0), (-3.1, -4), (79, 60), (81, 100)]
)
def test_motion_goes_to_the_nearest_bin(motion: float, nearest: int) -> None:
    vector = action_vector(Action(mouse_right=motion))
    assert [MOUSE_RIGHT[at] for at in np.flatnonzero(vector[13:36])] == [nearest]


def test_odd_actions_are_refused() -> None:
    for odd in (Action(mouse_right=math.nan), Action(mouse_down=math.inf)):
        with pytest.raises(InputError, match="finite"):
            action_vector(odd)
    unknown: Any = frozenset({"Q"})
    with pytest.raises(InputError, match="key Q"):
        action_vector(Action(unknown))


def test_a_device_that_is_not_there(tiny_folder: Path) -> None:
    with pytest.raises(OptionError, match="no device"):
        load_diamond(tiny_folder, LoadOptions(device="abacus"))
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="CUDA"):
            load_diamond(tiny_folder, LoadOptions(device="cuda"))
