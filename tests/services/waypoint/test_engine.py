"""A Waypoint model as an engine: worlds alone and in company, snapshots, edits, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch

from engines.waypoint import DivergedError, WaypointModel, WorldBatch
from services.world_engine.prompt_words import takes_words
from services.world_engine.waypoint.engine import PromptedWaypointWorld, WaypointEngine, control_of
from services.world_engine.waypoint.rows import Rows
from services.world_engine.world_engine import (
    BadFramesError,
    ControlPayload,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    WorldClosedError,
)
from tests.engines.waypoint.installed import WAYPOINT_1, WAYPOINT_1_5
from tests.services.waypoint.rig import Spelling, engine_of
from wire_protocol import key_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.world_engine.world_engine import Frames, Picture, World

pytestmark = [pytest.mark.trial, pytest.mark.xdist_group("torch")]


@pytest.fixture(scope="module", params=[WAYPOINT_1_5, WAYPOINT_1])
def engine(request: pytest.FixtureRequest, models_dir: Path) -> Iterator[WaypointEngine]:
    loaded = engine_of(models_dir, request.param)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def newer(models_dir: Path) -> Iterator[WaypointEngine]:
    loaded = engine_of(models_dir)
    yield loaded
    loaded.close()


def seed(engine: WaypointEngine, number: int = 0) -> Picture:
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (engine.spec.height, engine.spec.width, 3), dtype=np.uint8)


def pressed(number: int) -> ControlPayload:
    names = ("W", "A SHIFT", "MOUSE_LEFT SCROLL_UP", "")
    return ControlPayload(key_codes(names[number % 4].split()), float(number % 7) - 3.0, 0.5)


def played(world: World, numbers: range) -> list[Frames]:
    return [world.step(pressed(number)) for number in numbers]


def equal(some: list[Frames], others: list[Frames]) -> bool:
    return len(some) == len(others) and all(map(np.array_equal, some, others))


def test_frames_are_those_of_the_spec_and_answer_the_keys(engine: WaypointEngine) -> None:
    world = engine.open_world(seed(engine), rng_seed=5)
    frames = world.step(pressed(0))
    spec = engine.spec
    assert frames.shape == (spec.frames_per_pass, spec.height, spec.width, 3)
    assert frames.dtype == np.uint8
    other = engine.open_world(seed(engine), rng_seed=5)
    assert not np.array_equal(other.step(pressed(1)), frames)
    world.close()
    other.close()


def test_a_world_is_the_same_alone_and_beside_others_that_come_and_go(engine: WaypointEngine) -> None:
    """Others make the batch larger, are stepped together with it, and leave."""
    alone = engine.open_world(seed(engine), rng_seed=7)
    expected = played(alone, range(12))
    alone.close()
    world = engine.open_world(seed(engine), rng_seed=7)
    made = played(world, range(2))
    others = [engine.open_world(seed(engine, n), rng_seed=n) for n in (1, 2)]
    for number in range(2, 8):
        turns = [(others[0], pressed(number)), (world, pressed(number)), (others[1], pressed(0))]
        told = engine.step_together(turns)
        assert not any(isinstance(one, EngineFaultError) for one in told)
        assert isinstance(told[1], np.ndarray)
        made.append(told[1])
    others[0].close()
    made += played(world, range(8, 12))
    assert equal(made, expected)
    others[1].close()
    world.close()


def test_a_batch_makes_the_same_up_to_rounding(newer: WaypointEngine) -> None:
    """As on a graphics card, where the kernels of a matrix product depend on the number of rows."""
    batched = WaypointEngine(newer.model, model_id="a/b", title="Batched", weights_hash="0" * 64, exact=False)
    worlds = [batched.open_world(seed(newer, n), rng_seed=n) for n in range(3)]
    alone = [newer.open_world(seed(newer, n), rng_seed=n) for n in range(3)]
    for number in range(4):
        told = batched.step_together([(world, pressed(number + at)) for at, world in enumerate(worlds)])
        for at, frames in enumerate(told):
            assert isinstance(frames, np.ndarray)
            assert np.abs(frames.astype(int) - alone[at].step(pressed(number + at))).max() <= 1
    for world in alone:
        world.close()
    batched.close()


@pytest.mark.parametrize("passes", [0, 1, 9])
def test_a_snapshot_is_exact_in_any_world(engine: WaypointEngine, passes: int) -> None:
    world = engine.open_world(seed(engine), rng_seed=3)
    played(world, range(passes))
    taken = world.snapshot()
    expected = played(world, range(20, 26))
    world.restore(taken)
    assert equal(played(world, range(20, 26)), expected)
    other = engine.open_world(seed(engine, 9), rng_seed=9)
    other.restore(taken)
    assert other.snapshot() == taken
    assert equal(played(other, range(20, 26)), expected)
    world.close()
    other.close()


def test_a_snapshot_from_elsewhere_is_refused_and_changes_nothing(newer: WaypointEngine) -> None:
    world = newer.open_world(seed(newer), rng_seed=3)
    before = world.snapshot()
    noise = b"\xff" * len(before.state)
    for wrong in (
        replace(before, model_id="other/model"),
        replace(before, weights_hash="0" * 64),
        replace(before, state=before.state[:-100]),
        replace(before, state=b""),
        replace(before, state=noise),
    ):
        with pytest.raises(SnapshotMismatchError):
            world.restore(wrong)
    assert world.snapshot() == before
    world.close()


def test_an_edited_scene_is_gone_on_from(newer: WaypointEngine) -> None:
    world, untouched = (newer.open_world(seed(newer), rng_seed=4) for _ in range(2))
    played(world, range(3))
    played(untouched, range(3))
    world.continue_from(seed(newer, 8))
    edited = played(world, range(2))
    assert not equal(edited, played(untouched, range(2)))
    again = newer.open_world(seed(newer), rng_seed=4)
    played(again, range(3))
    again.continue_from(seed(newer, 8))
    assert equal(played(again, range(2)), edited)
    for one in (world, untouched, again):
        one.close()


def test_a_closed_world_is_closed(newer: WaypointEngine) -> None:
    world = newer.open_world(seed(newer), rng_seed=1)
    taken = world.snapshot()
    world.close()
    world.close()
    uses: tuple[Callable[[], object], ...] = (
        lambda: world.step(pressed(0)),
        world.snapshot,
        lambda: world.restore(taken),
        lambda: world.continue_from(seed(newer)),
    )
    for use in uses:
        with pytest.raises(WorldClosedError):
            use()


def test_a_world_that_leaves_the_numbers_is_a_fault_of_its_own(newer: WaypointEngine) -> None:
    good, bad = (newer.open_world(seed(newer), rng_seed=n) for n in (1, 2))
    expected, taken = good.snapshot(), bad.snapshot()
    frames = played(good, range(1))
    good.restore(expected)
    inner = newer.rows.world(bad.ticket)
    with pytest.raises(DivergedError):
        inner.generate(noise=torch.full(newer.model.config.latent_shape, torch.nan))  # its history is NaN from here on
    told = newer.step_together([(bad, pressed(0)), (good, pressed(0))])
    assert isinstance(told[0], BadFramesError)
    assert isinstance(told[1], np.ndarray)
    assert np.array_equal(told[1], frames[0])
    bad.restore(taken)
    assert bad.step(pressed(0)).dtype == np.uint8
    good.close()
    bad.close()


def test_keys_and_the_wheel_reach_the_model_as_it_knows_them() -> None:
    control = control_of(ControlPayload(key_codes(["W", "SCROLL_DOWN", "MOUSE_X2"]), 1e9, float("nan")), 256)
    assert control.buttons == {0x57, 0x06}
    assert control.scroll == -1.0
    assert control.mouse_dx == 3000.0
    assert control.mouse_dy == 0.0
    assert control_of(ControlPayload(key_codes(["SCROLL_UP", "SCROLL_DOWN"]), 0.0, 0.0), 4).scroll == 0.0
    assert control_of(ControlPayload(frozenset({3, 4}), 0.0, 0.0), 4).buttons == {3}


def test_words_change_a_world_that_hears_them_and_snapshots_keep_them(models_dir: Path) -> None:
    loaded = engine_of(models_dir, WAYPOINT_1)
    loaded.prompts = Spelling(96)
    world = loaded.open_world(seed(loaded), rng_seed=1)
    assert isinstance(world, PromptedWaypointWorld)
    start = world.snapshot()
    silent = played(world, range(3))
    world.restore(start)
    world.set_prompt("A lake in the rain")
    taken = world.snapshot()
    spoken = played(world, range(3))
    assert not equal(spoken, silent)
    world.restore(start)
    assert equal(played(world, range(3)), silent)
    world.restore(taken)
    assert equal(played(world, range(3)), spoken)
    world.restore(start)
    world.set_prompt("A lake")
    world.set_prompt("  ")  # which is to say nothing: as it began
    assert equal(played(world, range(3)), silent)
    loaded.close()


def test_without_a_text_encoder_no_words_are_heard(models_dir: Path) -> None:
    loaded = engine_of(models_dir, WAYPOINT_1)
    assert loaded.prompts is not None
    world = loaded.open_world(seed(loaded), rng_seed=1)
    assert not takes_words(world)
    world.step(pressed(0))
    loaded.close()


# ------------------------------------------------------------------------------------------------ memory


class Card:
    """Has room for so many rows, whatever a batch asks for."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.made: list[int] = []

    def __call__(self, model: WaypointModel, rows: int) -> WorldBatch:
        if rows > self.rows:
            raise torch.OutOfMemoryError
        self.made.append(rows)
        return WorldBatch(model, rows)


def test_rows_grow_by_need_and_are_given_back(newer: WaypointEngine) -> None:
    card = Card(100)
    rows = Rows(newer.model, card)
    tickets = [rows.open(number) for number in range(5)]
    assert card.made == [1, 2, 4, 8]
    rows.close(tickets[2])
    rows.open(9)
    assert rows.size == 8
    for ticket in [*tickets, tickets[0]]:
        rows.close(ticket)
    assert rows.size == 8
    rows.clear()
    assert rows.size == 0


def test_a_card_that_is_full_refuses_the_newcomer_and_keeps_the_others(newer: WaypointEngine) -> None:
    rows = Rows(newer.model, Card(3))
    tickets = [rows.open(number) for number in range(3)]  # not 4 rows, but 3
    frames = rows.world(tickets[0]).append(seed(newer))
    with pytest.raises(EngineOutOfMemoryError, match="no memory left"):
        rows.open(9)
    assert rows.size == 3
    assert rows.world(tickets[0]).frame == 1
    assert frames.dtype == np.uint8
    rows.close(tickets[1])
    rows.open(9)


def test_worlds_that_a_card_has_lost_say_so(newer: WaypointEngine) -> None:
    card = Card(1)
    rows = Rows(newer.model, card)
    ticket = rows.open(1)
    card.rows = 0
    with pytest.raises(EngineOutOfMemoryError, match="no memory left"):
        rows.open(2)
    with pytest.raises(EngineOutOfMemoryError, match="can be opened again"):
        rows.world(ticket)
    card.rows = 1
    rows.open(3)
