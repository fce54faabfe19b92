"""Every built-in engine is a function of the seed, the rng seed and the controls: what replays rest on."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_engine.world_engine import ControlPayload, Picture, World, WorldEngine
from tests.replay.elsewhere import entries
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PASSES = 24


@pytest.fixture(name="engine", params=["diorama", "simulator", "moss"], scope="module")
def fixture_engine(request: pytest.FixtureRequest, micro_folder: Path) -> Iterator[WorldEngine]:
    """Moss has the weights of a tiny model."""
    engine = entries(micro_folder)[request.param].load("none", lambda _: None)
    yield engine
    engine.close()


def seed_of(engine: WorldEngine, number: int = 0) -> Picture:
    chance = np.random.default_rng(number)
    small = chance.integers(0, 256, (9, 16, 3), dtype=np.uint8)
    rows = np.arange(engine.spec.height) * 9 // engine.spec.height
    columns = np.arange(engine.spec.width) * 16 // engine.spec.width
    return np.ascontiguousarray(small[rows][:, columns])


def controls(number: int, passes: int = PASSES) -> list[ControlPayload]:
    chance, keys = random.Random(number), list(KEY_CODES.values())
    return [
        ControlPayload(
            frozenset(chance.sample(keys, chance.randrange(4))),
            chance.uniform(-90, 90),
            chance.choice((0.0, 1 / 3, 5.0)),
        )
        for _ in range(passes)
    ]


def digests(world: World, given: Sequence[ControlPayload]) -> list[str]:
    return [hashlib.sha256(world.step(control).tobytes()).hexdigest() for control in given]


def test_the_same_controls_give_the_same_frames(engine: WorldEngine) -> None:
    given = controls(1)
    runs = [digests(engine.open_world(seed_of(engine), rng_seed=7), given) for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > PASSES // 2


def test_other_worlds_beside_it_change_nothing(engine: WorldEngine) -> None:
    alone = digests(engine.open_world(seed_of(engine), rng_seed=7), controls(1))
    worlds = [engine.open_world(seed_of(engine, number), rng_seed=7 + number) for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(digests, worlds, [controls(1 + number) for number in range(3)]))
    assert together[0] == alone


def test_going_back_and_on_is_the_same_as_never_having_left(engine: WorldEngine) -> None:
    """Every pass takes a snapshot, makes a detour and restores it."""
    given = controls(2)
    straight = digests(engine.open_world(seed_of(engine), rng_seed=7), given)
    world = engine.open_world(seed_of(engine), rng_seed=7)
    wandering: list[str] = []
    for number, control in enumerate(given):
        moment = world.snapshot()
        digests(world, controls(100 + number, 2))
        world.restore(moment)
        wandering += digests(world, [control])
    assert wandering == straight


def test_a_reset_world_is_a_new_world(engine: WorldEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=7)
    origin = world.snapshot()
    first = digests(world, controls(3))
    world.restore(origin)
    assert digests(world, controls(3)) == first


def test_a_snapshot_goes_on_in_another_world_after_the_same_picture(engine: WorldEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=7)
    digests(world, controls(4, 8))
    world.continue_from(seed_of(engine, 5))
    digests(world, controls(5, 8))
    moment = world.snapshot()
    expected = digests(world, controls(6, 8))
    other = engine.open_world(seed_of(engine), rng_seed=7)
    other.continue_from(seed_of(engine, 5))
    other.restore(moment)
    assert digests(other, controls(6, 8)) == expected
