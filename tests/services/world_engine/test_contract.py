"""Every built-in engine keeps the contract, and an engine that breaks it is told where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.world_engine.contract import ENGINE_CHECKS, ContractError, check_engine
from tests.fakes.fake_world_engine import FakeDrawnWorld, FakePromptedWorld, FakeWorld, FakeWorldEngine
from tests.replay.elsewhere import entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.world_engine.contract import EngineCheck
    from services.world_engine.world_engine import ControlPayload, Frames, Picture, WorldEngine, WorldSnapshot

SLOW = (pytest.param(name, marks=pytest.mark.trial) for name in ("still", "stroll"))  # they open slowly
BUILT_IN = ("diorama", "simulator", "moss", *SLOW)


@pytest.fixture(name="engine", params=BUILT_IN, scope="module")
def fixture_engine(request: pytest.FixtureRequest, micro_folder: Path) -> Iterator[WorldEngine]:
    """Moss has the weights of a tiny model."""
    engine = entries(micro_folder)[request.param].load("none", lambda _: None)
    yield engine
    engine.close()


@pytest.mark.parametrize("check", ENGINE_CHECKS.values(), ids=ENGINE_CHECKS)
def test_built_in_engines_keep_it(engine: WorldEngine, check: EngineCheck) -> None:
    check(engine)


LARGE = (
    "waypoint-1.5",
    *(pytest.param(name, marks=pytest.mark.trial) for name in ("waypoint-1", "waypoint-1 with words", "diamond")),
)


@pytest.fixture(name="large", params=LARGE, scope="module")
def fixture_large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldEngine]:
    """Tiny random weights in the published layout."""
    torch = pytest.importorskip("torch", reason="the extra engines is not installed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    engine = _large_engine(request.param, tmp_path_factory.mktemp("models"))
    yield engine
    engine.close()
    torch.set_num_threads(threads)


def _large_engine(name: str, folder: Path) -> WorldEngine:
    if name == "diamond":
        from services.world_engine.diamond.loading import load_engine
        from tests.engines.diamond.published import tiny_agent, tiny_env, write_model

        write_model(folder / "csgo", tiny_agent(), tiny_env())
        return load_engine("none", lambda _: None, folder=str(folder / "csgo"), device="cpu", exact=True)
    from tests.engines.waypoint.installed import WAYPOINT_1, WAYPOINT_1_5, install_waypoint_1, install_waypoint_1_5
    from tests.services.waypoint.rig import Spelling, engine_of

    if name == "waypoint-1.5":
        install_waypoint_1_5(folder)
        return engine_of(folder, WAYPOINT_1_5)
    install_waypoint_1(folder)
    engine = engine_of(folder, WAYPOINT_1)
    if name == "waypoint-1 with words":
        engine.prompts = Spelling(96)
    return engine


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("check", ENGINE_CHECKS.values(), ids=ENGINE_CHECKS)
def test_large_models_keep_it(large: WorldEngine, check: EngineCheck) -> None:
    check(large)


def test_the_fake_of_the_tests_keeps_it() -> None:
    check_engine(FakeWorldEngine())
    check_engine(FakeWorldEngine(hears_words=True))
    check_engine(FakeWorldEngine(draws_any_size=True))
    check_engine(FakeWorldEngine(can_park=True))


# -------------------------------------------------------------------------------------------- engines that break it


class ReusesFrames(FakeWorld):
    frames: Frames | None = None

    def step(self, control: ControlPayload) -> Frames:
        made = super().step(control)
        if self.frames is None:
            self.frames = made
        self.frames[:] = made
        return self.frames


class ReturnsFloats(FakeWorld):
    def step(self, control: ControlPayload) -> Frames:
        return super().step(control) / 2  # type: ignore[return-value]  # which is the point


class DrawsChance(FakeWorld):
    def __init__(self, engine: FakeWorldEngine, seed: Picture, rng_seed: int) -> None:
        super().__init__(engine, seed, rng_seed + len(engine.worlds))


class ForgetsItsPlace(FakeWorld):
    def restore(self, snapshot: WorldSnapshot) -> None:
        place = self.pass_number
        super().restore(snapshot)
        self.pass_number = place


class ForgetsItsScene(FakeWorld):
    def continue_from(self, picture: Picture) -> None:
        super().continue_from(picture)
        self.pass_number += 1000

    def restore(self, snapshot: WorldSnapshot) -> None:
        scene = self.pass_number >= 1000
        super().restore(snapshot)
        self.pass_number += 1 if scene and not self.controls else 0


class StaysOpen(FakeWorld):
    def close(self) -> None:
        """Forget to."""


class ForgetsItsWords(FakePromptedWorld):
    def restore(self, snapshot: WorldSnapshot) -> None:
        words = self.words
        super().restore(snapshot)
        self.words = words


class HearsSilence(FakePromptedWorld):
    def set_prompt(self, words: str) -> None:
        super().set_prompt(words or "silence")


class DrawsTwice(FakeDrawnWorld):
    """Goes on by a pass for each frame that is drawn of it."""

    def draw(self, *, width: int, height: int, only_last: bool = False) -> Frames:
        self.pass_number += 1
        return super().draw(width=width, height=height, only_last=only_last)


class TakesAnySnapshot(FakeWorld):
    def restore(self, snapshot: WorldSnapshot) -> None:
        super().restore(type(snapshot)("fake/world", "f00d", bytes(snapshot.state).ljust(11, b"\0")))


def test_an_engine_that_comes_back_as_another_is_told() -> None:
    class Forgetful(FakeWorldEngine):
        is_back = False

        def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
            return super().open_world(seed, rng_seed=rng_seed + self.is_back)

        def resume(self) -> None:
            super().resume()
            self.is_back = True

    with pytest.raises(ContractError, match="had left its device made other frames"):
        ENGINE_CHECKS["it comes back from host memory"](Forgetful(can_park=True))


@pytest.mark.parametrize(
    ("world", "check", "said"),
    [
        (ReturnsFloats, "frames are of the spec", "Pass 1: .*float64"),
        (ReusesFrames, "frames are not written again", "wrote into frames"),
        (DrawsChance, "same inputs give same frames", "gave other frames, from pass 1 on"),
        (ForgetsItsPlace, "snapshots are exact", "returned to its beginning"),
        (ForgetsItsScene, "branches are independent", "went on differently in another world"),
        (DrawsChance, "worlds are alone in company", "while other worlds were stepped"),
        (StaysOpen, "closed worlds refuse", "`step` of a closed world raised nothing"),
        (ForgetsItsWords, "words are kept", "without the words"),
        (HearsSilence, "words are kept", "Empty words"),
        (DrawsTwice, "drawn worlds go the same way", "had other frames, from pass 1 on"),
        (FakeWorld, "drawn worlds go the same way", "have no `draw`"),
        (TakesAnySnapshot, "foreign snapshots are refused", "`restore` of another model raised nothing"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_each_check_finds_an_engine_that_breaks_it(world: type[FakeWorld], check: str, said: str) -> None:
    class Broken(FakeWorldEngine):
        def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
            self.worlds.append(opened := world(self, seed, rng_seed))
            return opened

    with pytest.raises(ContractError, match=said):
        ENGINE_CHECKS[check](Broken(draws_any_size=check.startswith("drawn")))
