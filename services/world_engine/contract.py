"""What every world engine promises, as checks that its author can run: `python -m services.world_engine.contract`.

Recording, replay, rewinding and branching rest on these promises. `check_engine` holds an engine to all of them, and
`ENGINE_CHECKS` names each for pytest:

    @pytest.mark.parametrize("check", ENGINE_CHECKS.values(), ids=ENGINE_CHECKS)
    def test_the_contract(check: EngineCheck) -> None:
        check(MyEngine.load("none", lambda step: None))
"""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import numpy as np

from services.world_engine.engine_parking import can_park
from services.world_engine.plugins.card_reader import resolve
from services.world_engine.plugins.guard import check_frames, guarded
from services.world_engine.prompt_words import takes_words
from services.world_engine.world_engine import (
    ControlPayload,
    EngineFaultError,
    SnapshotMismatchError,
    WorldClosedError,
    is_drawn,
)
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from services.world_engine.engine_card import EngineCard, LoadStep
    from services.world_engine.world_engine import BatchedEngine, Frames, Picture, World, WorldEngine

EngineCheck: TypeAlias = "Callable[[WorldEngine], None]"

_PASSES: Final = 12
_SEED: Final = 7


class ContractError(AssertionError):
    """An engine broke a promise. `str()` of it says which, and where."""


def check_engine(engine: WorldEngine) -> None:
    """Every check in turn. It opens some ten worlds, up to three at a time if the engine has room for them.

    Raises:
        ContractError: of the first promise that is broken.
    """
    for check in ENGINE_CHECKS.values():
        check(engine)


# ------------------------------------------------------------------------------------------------------- the checks


def frames_are_of_the_spec(engine: WorldEngine) -> None:
    """Every pass is uint8 of the spec's shape, in a row in memory, so that NaN never arrives."""
    with _opened(engine) as world:
        for number, control in enumerate(sample_controls(1)):
            try:
                check_frames(world.step(control), engine.spec)
            except EngineFaultError as error:
                raise ContractError(f"Pass {number + 1}: {error}") from error


def frames_are_not_written_again(engine: WorldEngine) -> None:
    """A pass that was returned stays as it is while the world goes on."""
    with _opened(engine) as world:
        first, *others = sample_controls(1)
        returned = world.step(first)
        kept = returned.copy()
        _play(world, others)
        _same([kept], [returned], "The engine wrote into frames that it had returned")


def same_inputs_give_same_frames(engine: WorldEngine) -> None:
    """Two worlds of the same seed, random seed and controls."""
    with _opened(engine) as world:
        first = _play(world, sample_controls(1))
    with _opened(engine) as world:
        second = _play(world, sample_controls(1))
    _same(first, second, "The same seed, random seed and controls gave other frames")


def snapshots_are_exact(engine: WorldEngine) -> None:
    """To go back after a detour, and on, is the same as never to have left."""
    given = sample_controls(2)
    with _opened(engine) as world:
        origin = world.snapshot()
        straight = _play(world, given)
        world.restore(origin)
        _same(straight, _play(world, given), "A world that returned to its beginning did not play as it first had")
    with _opened(engine) as world:
        wandering: list[Frames] = []
        for number, control in enumerate(given):
            moment = world.snapshot()
            _play(world, sample_controls(100 + number, 2))
            world.restore(moment)
            wandering.append(world.step(control).copy())
        _same(straight, wandering, "A world that left a moment and was restored to it did not go on as before")


def branches_are_independent(engine: WorldEngine) -> None:
    """A snapshot goes on in another world that has gone on from the same picture, in any order."""
    picture, after = sample_picture(engine, 5), sample_controls(6)
    with _opened(engine) as world:
        _play(world, sample_controls(4))
        world.continue_from(picture)
        _play(world, sample_controls(5))
        moment = world.snapshot()
        expected = _play(world, after)
    with _opened(engine) as branch:
        branch.continue_from(picture)
        branch.restore(moment)
        _same(expected, _play(branch, after), "A snapshot went on differently in another world of the same picture")


def worlds_are_alone_in_company(engine: WorldEngine) -> None:
    """A world's frames are the same beside other worlds: on threads of their own, and in a batch where there is one."""
    company = 3 if engine.spec.max_worlds is None else min(3, engine.spec.max_worlds)
    with _opened(engine) as world:
        alone = _play(world, sample_controls(1))
    given = [sample_controls(1 + number) for number in range(company)]
    with _several(engine, company) as worlds, ThreadPoolExecutor(company) as threads:
        together = list(threads.map(_play, worlds, given))
        _same(alone, together[0], "A world's frames were others while other worlds were stepped")
    if hasattr(engine, "step_together"):
        with _several(engine, company) as worlds:
            batch = _play_together(cast("BatchedEngine", engine), worlds, given)
            _same(alone, batch, "A world's frames were others in a batch")


def closed_worlds_refuse(engine: WorldEngine) -> None:
    """`close` may be called again, and everything else raises `WorldClosedError`."""
    world = engine.open_world(sample_picture(engine), rng_seed=_SEED)
    moment = world.snapshot()
    world.close()
    world.close()
    calls: Mapping[str, Callable[[], object]] = {
        "step": lambda: world.step(sample_controls(1)[0]),
        "continue_from": lambda: world.continue_from(sample_picture(engine)),
        "snapshot": world.snapshot,
        "restore": lambda: world.restore(moment),
    }
    for name, call in calls.items():
        _raises(WorldClosedError, call, f"`{name}` of a closed world")


def foreign_snapshots_are_refused(engine: WorldEngine) -> None:
    """So are those of other weights, and those that were cut off; the world then goes on as if nothing was asked."""
    given = sample_controls(3)
    with _opened(engine) as world:
        expected = _play(world, given)
    with _opened(engine) as world:
        moment = world.snapshot()
        others = {
            "another model": replace(moment, model_id="another/model"),
            "other weights": replace(moment, weights_hash="0" + moment.weights_hash[1:] + "f"),
        }
        if moment.state:
            others["a damaged snapshot"] = replace(moment, state=moment.state[:-1])
        for name, other in others.items():
            _raises(SnapshotMismatchError, lambda other=other: world.restore(other), f"`restore` of {name}")
        _same(expected, _play(world, given), "A world that refused a snapshot went on differently")


def words_are_kept(engine: WorldEngine) -> None:
    """A snapshot holds the words that steer the world, and no words are as if none had been said. Engines that hear
    none pass."""
    given = sample_controls(1)
    with _opened(engine) as world, _opened(engine) as other:
        if not takes_words(world):
            return
        origin = world.snapshot()
        silent = _play(world, given)
        world.restore(origin)
        world.set_prompt("A lake in the rain")
        moment = world.snapshot()
        spoken = _play(world, given)
        other.restore(moment)
        _same(spoken, _play(other, given), "A snapshot went on without the words that it was taken under")
        world.restore(origin)
        _same(silent, _play(world, given), "A world that returned to where nothing had been said heard words")
        world.restore(moment)
        world.set_prompt("")
        _same(silent, _play(world, given), "Empty words did not make the world play as if nothing had been said")


def drawn_worlds_go_the_same_way(engine: WorldEngine) -> None:
    """A world whose passes are drawn small, or not at all, goes where one goes whose passes are drawn whole. Engines
    that draw in one size pass."""
    given, spec = sample_controls(1), engine.spec
    if not spec.draws_any_size:
        return
    width, height = max(8, spec.width // 4), max(8, spec.height // 4)
    with _opened(engine) as whole, _opened(engine) as small:
        if not is_drawn(small):
            raise ContractError("The spec says that worlds are drawn in any size, but they have no `draw`.")
        for number, control in enumerate(given):
            frames = whole.step(control)
            small.advance(control)
            if number % 3:
                seen = small.draw(width=width, height=height, only_last=number % 2 == 0)
                if seen.dtype != np.uint8 or seen.shape[1:] != (height, width, 3):
                    raise ContractError(f"Pass {number + 1} was drawn as {seen.dtype} of the shape {seen.shape}")
            again = small.draw(width=spec.width, height=spec.height)
            _same([frames], [again], f"Pass {number + 1} of a world that draws later had other frames")
            if bytes(whole.snapshot().state) != bytes(small.snapshot().state):
                raise ContractError(f"A world that was drawn small stood elsewhere after pass {number + 1}")


def it_comes_back_from_host_memory(engine: WorldEngine) -> None:
    """A snapshot goes on in an engine that has left its device meanwhile, and so does a new world. Engines that cannot
    leave it pass."""
    if not can_park(engine):
        return
    with _opened(engine) as world:
        _play(world, sample_controls(7))
        moment = world.snapshot()
        expected = _play(world, sample_controls(8))
    for _ in range(2):
        engine.park()
        engine.resume()
    with _opened(engine) as world:
        _play(world, sample_controls(7))
        _same(expected, _play(world, sample_controls(8)), "An engine that had left its device made other frames")
        world.restore(moment)
        _same(expected, _play(world, sample_controls(8)), "A snapshot went on differently after the engine had left")


ENGINE_CHECKS: Final[Mapping[str, EngineCheck]] = MappingProxyType(
    {
        "frames are of the spec": frames_are_of_the_spec,
        "frames are not written again": frames_are_not_written_again,
        "same inputs give same frames": same_inputs_give_same_frames,
        "snapshots are exact": snapshots_are_exact,
        "branches are independent": branches_are_independent,
        "worlds are alone in company": worlds_are_alone_in_company,
        "closed worlds refuse": closed_worlds_refuse,
        "foreign snapshots are refused": foreign_snapshots_are_refused,
        "words are kept": words_are_kept,
        "drawn worlds go the same way": drawn_worlds_go_the_same_way,
        "it comes back from host memory": it_comes_back_from_host_memory,
    }
)


# --------------------------------------------------------------------------------------------------------- its inputs


def sample_picture(engine: WorldEngine, number: int = 0) -> Picture:
    """A picture of large coloured fields in the engine's size; another one for each number."""
    spec, chance = engine.spec, np.random.default_rng(number)
    small = chance.integers(0, 256, (9, 16, 3), dtype=np.uint8)
    rows, columns = np.arange(spec.height) * 9 // spec.height, np.arange(spec.width) * 16 // spec.width
    return np.ascontiguousarray(small[rows][:, columns])


def sample_controls(number: int, passes: int = _PASSES) -> list[ControlPayload]:
    """What a player who tries everything does; another player for each number."""
    chance, keys = random.Random(number), list(KEY_CODES.values())
    return [
        ControlPayload(
            frozenset(chance.sample(keys, chance.randrange(4))),
            chance.uniform(-90, 90),
            chance.choice((0.0, 1 / 3, 5.0)),
        )
        for _ in range(passes)
    ]


# -------------------------------------------------------------------------------------------------------------- parts


@contextmanager
def _opened(engine: WorldEngine) -> Generator[World]:
    with closing(engine.open_world(sample_picture(engine), rng_seed=_SEED)) as world:
        yield world


@contextmanager
def _several(engine: WorldEngine, count: int) -> Generator[list[World]]:
    """The first is the world of `_opened`."""
    worlds: list[World] = []
    try:
        for number in range(count):
            worlds.append(engine.open_world(sample_picture(engine, number), rng_seed=_SEED + number))  # noqa: PERF401 - each is closed whatever the next one raises
        yield worlds
    finally:
        for world in worlds:
            world.close()


def _play(world: World, controls: Iterable[ControlPayload]) -> list[Frames]:
    return [world.step(control).copy() for control in controls]


def _play_together(
    engine: BatchedEngine, worlds: Sequence[World], given: Sequence[Sequence[ControlPayload]]
) -> list[Frames]:
    """The frames of the first."""
    frames: list[Frames] = []
    for controls in zip(*given, strict=True):
        first = engine.step_together(list(zip(worlds, controls, strict=True)))[0]
        if isinstance(first, EngineFaultError):
            raise ContractError(f"A world could not be stepped in a batch: {first}") from first
        frames.append(first.copy())
    return frames


def _same(expected: Sequence[Frames], found: Sequence[Frames], broken: str) -> None:
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        if not np.array_equal(one, other):
            raise ContractError(f"{broken}, from pass {number + 1} on.")


def _raises(wanted: type[Exception], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except wanted:
        return
    except Exception as error:
        raise ContractError(f"{what} raised {type(error).__name__}, not {wanted.__name__}.") from error
    raise ContractError(f"{what} raised nothing; {wanted.__name__} is expected.")


# -------------------------------------------------------------------------------------------------------- the command


def main(arguments: Sequence[str]) -> int:
    """Check the engine whose class is `module:name`, guarded as in the server. Returns the exit status."""
    if len(arguments) != 1 or ":" not in arguments[0]:
        _say("usage: python -m services.world_engine.contract MODULE:CLASS")
        return 2
    plugin: Any = resolve(arguments[0])
    card: EngineCard = plugin.card
    engine = guarded(plugin.load(card.quants[0], _ignore), card)
    broken = 0
    for name, check in ENGINE_CHECKS.items():
        try:
            check(engine)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything, and the next check goes on
            broken += 1
            _say(f"broken  {name}: {error}")
        else:
            _say(f"kept    {name}")
    engine.close()
    return 1 if broken else 0


def _ignore(_: LoadStep) -> None:
    """Nobody waits for this load."""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
