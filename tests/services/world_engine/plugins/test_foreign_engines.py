"""Whatever an engine of another package does in play, what leaves it is frames, a snapshot or a typed fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from services.engine_host.host_settings import HostLimits
from services.world_engine.contract import check_engine
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.plugins.foreign_engine import ForeignEngine
from services.world_engine.plugins.guard import guarded
from services.world_engine.world_engine import (
    NO_CONTROL,
    BadFramesError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    StepTimeoutError,
    WorldClosedError,
)
from tests.fakes.fake_world_engine import FakeWorldEngine, fake_seed
from tests.services.world_engine.plugins.packages.misbehaving import CARD, Misbehaving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.world_engine.world_engine import BatchedEngine, ControlPayload, Frames, World, WorldEngine

PACKAGES = "tests.services.world_engine.plugins.packages"


def engine_that(does: str) -> WorldEngine:
    kind = type("One", (Misbehaving,), {"does": does})
    return guarded(kind(), CARD)


def test_an_engine_behind_the_guard_keeps_the_contract() -> None:
    check_engine(engine_that("behaves"))


@pytest.mark.parametrize(
    ("does", "fault", "said"),
    [
        ("raises in step", EngineFaultError, "failed while making the next frames: KeyError"),
        ("runs out of memory", EngineOutOfMemoryError, "ran out of memory"),
        ("no array", BadFramesError, "list where an array of frames is expected"),
        ("wrong shape", BadFramesError, r"\(1, 32, 48, 3\), not \(2, 32, 48, 3\)"),
        ("wrong type", BadFramesError, "int16, not of uint8"),
        ("NaN", BadFramesError, "NaN"),
        ("not in a row", BadFramesError, "C-contiguous"),
    ],
)
def test_a_bad_step_is_a_fault(does: str, fault: type[EngineFaultError], said: str) -> None:
    world = engine_that(does).open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(fault, match=said) as raised:
        world.step(NO_CONTROL)
    assert type(raised.value) is fault
    assert "secret" not in str(raised.value)
    world.close()


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raises in snapshot", "while keeping a moment: KeyError"),
        ("no snapshot", "something else than a snapshot"),
        ("snapshot of another", "something else than a snapshot"),
    ],
)
def test_a_bad_snapshot_is_a_fault(does: str, said: str) -> None:
    world = engine_that(does).open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(EngineFaultError, match=said):
        world.snapshot()
    assert len(world.step(NO_CONTROL)) == 2


def test_a_world_that_does_not_open_is_a_fault() -> None:
    with pytest.raises(EngineFaultError, match="while opening a world: KeyError"):
        engine_that("raises in open_world").open_world(fake_seed(1), rng_seed=0)


def test_whatever_an_engine_raises_about_a_snapshot_means_that_it_does_not_fit() -> None:
    world = engine_that("raises in restore").open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(SnapshotMismatchError, match="while returning to a moment: error"):
        world.restore(world.snapshot())


def test_an_engine_is_what_its_card_says() -> None:
    with pytest.raises(ModelLoadError, match="something else than its card"):
        engine_that("other spec")


class _Batched(FakeWorldEngine):
    """Its first world fails in each batch, and its last one returns floats."""

    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        results: list[Frames | EngineFaultError] = [world.step(control) for world, control in turns]
        results[0] = EngineFaultError("The first one failed.")
        results[-1] = results[-1] / 2  # type: ignore[operator]  # which is the point
        return results


def test_in_a_batch_each_world_has_a_result_of_its_own() -> None:
    engine = cast("BatchedEngine", guarded(_Batched(), CARD))
    worlds = [engine.open_world(fake_seed(number), rng_seed=0) for number in range(3)]
    failed, whole, wrong = engine.step_together([(world, NO_CONTROL) for world in worlds])
    assert str(failed) == "The first one failed."
    assert not isinstance(whole, EngineFaultError)
    assert whole.shape == (2, 32, 48, 3)
    assert isinstance(wrong, BadFramesError)
    worlds[0].close()
    with pytest.raises(WorldClosedError):
        engine.step_together([(worlds[0], NO_CONTROL)])


# ------------------------------------------------------------------------------------------- in a process of its own


def hosted(value: str, limits: HostLimits | None = None) -> WorldEngine:
    return ForeignEngine(f"{PACKAGES}.{value}", CARD, limits=limits or HostLimits()).load("none", lambda _: None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("raising:Engine", "could not be loaded .ValueError"),
        ("misbehaving:RaisesInLoad", "could not be loaded .KeyError"),
        ("misbehaving:OtherSpec", "something else than its card"),
    ],
)
def test_a_load_that_fails_says_so(value: str, said: str) -> None:
    with pytest.raises(ModelLoadError, match=said) as refused:
        hosted(value)
    assert "secret" not in str(refused.value)


def test_an_unknown_quantisation_is_refused_before_a_process_starts() -> None:
    with pytest.raises(ModelLoadError, match="It has: none"):
        ForeignEngine("nowhere:Engine", CARD).load("int8", lambda _: None)


def test_faults_keep_their_type_and_the_process_goes_on() -> None:
    engine = hosted("misbehaving:WrongShape")
    worlds = [engine.open_world(fake_seed(1), rng_seed=0) for _ in range(2)]
    for world in worlds:
        with pytest.raises(BadFramesError, match=r"not \(2, 32, 48, 3\)"):
            world.step(NO_CONTROL)
        world.close()
    engine.close()


def test_a_step_that_never_returns_is_given_up() -> None:
    engine = hosted("misbehaving:NeverReturns", HostLimits(step_s=1.0))
    world = engine.open_world(fake_seed(1), rng_seed=0)
    with pytest.raises(StepTimeoutError):
        world.step(NO_CONTROL)
    world.close()
    engine.open_world(fake_seed(2), rng_seed=0).close()  # in a new process
    engine.close()
