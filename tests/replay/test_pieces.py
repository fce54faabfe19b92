"""A replay that is put aside, or whose engine dies, at any of its passes: it shows each pass once, as it was."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from dataclasses import replace
from typing import Final

import numpy as np
import pytest

from replay.plan import ReplayError, ReplayPlan
from replay.player import Replay
from services.engine_host.engine_host import HostedEngine, host_engine
from services.engine_host.host_settings import HostSettings
from services.input_log.columns import InputColumns, PassInput
from services.world_engine.diorama.engine import DioramaEngine, stroll
from services.world_engine.world_engine import ControlPayload, EngineDiedError
from services.world_files.world_file import Change, Continued, ModelFacts, Origins, Prompted, Tolerance
from tests.fakes.fake_depth import BrokenDepth, FakeDepth
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed
from tests.services.diorama.parkland import parkland

PASSES: Final = 9
CHANGES: Final[tuple[Change, ...]] = (Prompted(2, "fog"), Continued(5, "other"), Prompted(PASSES, "rain"))
SEEDS: Final = {"seed": fake_seed(10), "other": fake_seed(200)}


def engine() -> FakeWorldEngine:
    return FakeWorldEngine(hears_words=True)


def hosted_toy() -> closing[HostedEngine]:
    load = "tests.services.engine_host.engines_in_host:load_toy"
    return closing(host_engine(load, {}, "none", lambda _: None, HostSettings("Toy grid")))


def plan() -> ReplayPlan:
    inputs = InputColumns()
    for number in range(PASSES):
        inputs.append(PassInput(ControlPayload(frozenset({number}), float(number), 0.0), number / 30, 0.0))
    return ReplayPlan(
        title="A walk",
        model=ModelFacts.of(engine().spec, "none"),
        rng_seed=5,
        seed="seed",
        base=None,
        place=None,
        place_picture=None,
        inputs=inputs,
        changes=CHANGES,
        checks=(),
        pictures=SEEDS,
        made_with=Origins(versions={}, machine="a test"),
        tolerance=Tolerance(),
    )


def numbers_and_digest(replay: Replay, seen: list[int]) -> tuple[list[int], str]:
    return seen, replay.findings.digest


def undisturbed() -> tuple[list[int], str]:
    replay = Replay(plan())
    return numbers_and_digest(replay, [each.number for each in replay.passes(engine())])


def play_on(replay: Replay, seen: list[int], until: int = PASSES) -> None:
    while not replay.is_done and replay.made < until:
        replayed = replay.step()
        if replayed is not None:
            seen.append(replayed.number)


@pytest.mark.parametrize("parked_at", range(PASSES + 1))
def test_it_is_put_aside_between_any_two_passes(parked_at: int) -> None:
    replay, first, seen = Replay(plan()), engine(), list[int]()
    replay.open(first)
    play_on(replay, seen, parked_at)
    replay.park()
    assert first.open_worlds == 0
    replay.open(engine())
    play_on(replay, seen)
    replay.finish()
    assert numbers_and_digest(replay, seen) == undisturbed()


@pytest.mark.parametrize("parked_at", [0, 3, 6])
@pytest.mark.parametrize("dies_at", range(1, PASSES + 1))
def test_its_engine_dies_in_any_pass(parked_at: int, dies_at: int) -> None:
    replay, dying, seen = Replay(plan()), engine(), list[int]()
    replay.open(dying)
    play_on(replay, seen, parked_at)
    replay.park()
    dying.die_at(dies_at)
    replay.open(dying)
    if dies_at > parked_at:
        with pytest.raises(EngineDiedError):
            play_on(replay, seen)
        replay.close()
        assert dying.open_worlds == 0
        replay.open(dying)
    play_on(replay, seen)
    replay.finish()
    assert numbers_and_digest(replay, seen) == undisturbed()
    assert dying.open_worlds == 0


def test_it_is_refused_where_a_part_of_the_engine_fails_as_the_world_is_opened() -> None:
    failing = DioramaEngine(stroll(BrokenDepth(), "deep"), spare=stroll(FakeDepth(), "spare"))
    replay = Replay(
        replace(plan(), model=ModelFacts.of(failing.spec, "none"), pictures={"seed": parkland()}, changes=())
    )
    with pytest.raises(ReplayError, match="other weights of terrarium/stroll"):
        replay.open(failing)


def test_the_process_of_its_engine_is_killed() -> None:
    with hosted_toy() as toy:
        spec = toy.spec
        picture = np.full((spec.height, spec.width, 3), 90, np.uint8)
        of_toy = replace(plan(), model=ModelFacts.of(spec, "none"), changes=(), pictures={"seed": picture})
        undisturbed = Replay(of_toy)
        expected = [each.number for each in undisturbed.passes(toy)]
        replay, seen = Replay(of_toy), list[int]()
        replay.open(toy)
        play_on(replay, seen, 4)
        assert toy.pid is not None
        os.kill(toy.pid, signal.SIGKILL)
        with pytest.raises(EngineDiedError):
            play_on(replay, seen)
        replay.close()
        replay.open(toy)
        play_on(replay, seen)
        replay.finish()
        assert numbers_and_digest(replay, seen) == (expected, undisturbed.findings.digest)
