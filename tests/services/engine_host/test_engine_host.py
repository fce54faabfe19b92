"""Engines in real processes: the same worlds as in this one, and what is left when a process goes wrong."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from services.engine_host._hosted_world import HostedPromptedWorld
from services.engine_host.engine_host import HostedEngine, host_engine
from services.engine_host.host_settings import HostLimits, HostSettings
from services.world_engine.engine_card import LoadStep, ModelLoadError
from services.world_engine.world_engine import (
    NO_CONTROL,
    BadFramesError,
    ControlPayload,
    EngineDiedError,
    EngineFaultError,
    EngineOutOfMemoryError,
    SnapshotMismatchError,
    StepTimeoutError,
    WorldClosedError,
    WorldSnapshot,
)
from tests.services.engine_host import engines_in_host as toys
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from services.world_engine.world_engine import Frames, Picture, World

TOYS = "tests.services.engine_host.engines_in_host"
LIMITS = HostLimits()
LARGE = 3 << 20
LARGE_STATES: dict[str, Any] = {"state_bytes": LARGE, "said_bytes": LARGE + 4096, "large": "detached"}


@contextmanager
def hosted(
    factory: str = "load_toy", *, limits: HostLimits = LIMITS, quant: str = "none", **options: Any
) -> Generator[HostedEngine]:
    settings = HostSettings("Toy grid", limits=limits)
    engine = host_engine(f"{TOYS}:{factory}", options, quant, lambda _: None, settings)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def shared() -> Generator[HostedEngine]:
    """One that nobody ends: a process takes a second to start."""
    with hosted() as engine:
        yield engine


def seed(value: int = 0) -> Picture:
    return np.full(toys.SPEC_PICTURE, value, dtype=np.uint8)


def controls(number: int, passes: int = 6) -> list[ControlPayload]:
    chance = np.random.default_rng(number)
    return [
        ControlPayload(frozenset({int(chance.integers(60))}), float(chance.uniform(-9, 9)), 0.0) for _ in range(passes)
    ]


def played(world: World, given: Sequence[ControlPayload]) -> list[Frames]:
    return [world.step(control) for control in given]


def same(these: Sequence[Frames], those: Sequence[Frames]) -> bool:
    return all(np.array_equal(this, that) for this, that in zip(these, those, strict=True))


def asking(button: int) -> ControlPayload:
    return ControlPayload(frozenset({button}), 0.0, 0.0)


# ------------------------------------------------------------------------------------------- the same worlds


def test_a_hosted_world_makes_the_frames_that_the_engine_makes_here(shared: HostedEngine) -> None:
    here = toys.ToyEngine().open_world(seed(5), rng_seed=3)
    there = shared.open_world(seed(5), rng_seed=3)
    assert shared.spec == toys.SPEC
    assert isinstance(there, HostedPromptedWorld)
    assert same(played(here, controls(1)), played(there, controls(1)))
    for world in (here, there):
        world.continue_from(seed(90))
        world.set_prompt("fog")
    assert same(played(here, controls(2)), played(there, controls(2)))
    there.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"state_bytes": LARGE, "said_bytes": LARGE + 4096},
        {"state_bytes": LARGE, "said_bytes": LARGE + 4096, "large": "attached"},
        {"state_bytes": LARGE, "said_bytes": LARGE + 4096, "large": "detached"},
        {"state_bytes": LARGE, "said_bytes": LARGE // 2, "large": "detached"},
    ],
    ids=["small states", "states in shared memory", "written there", "written beside play", "larger than was said"],
)
def test_a_world_goes_on_from_its_snapshot(options: dict[str, Any]) -> None:
    with hosted(**options) as engine:
        world, other = (engine.open_world(seed(5), rng_seed=3) for _ in range(2))
        played(world, controls(1))
        kept = [world.snapshot() for _ in range(3)]
        after = played(world, controls(2))
        for snapshot in kept:
            other.restore(snapshot)
            assert same(played(other, controls(2)), after)
        with pytest.raises(SnapshotMismatchError, match="another model"):
            other.restore(WorldSnapshot("another/model", "70", b""))
        assert np.array_equal(other.step(NO_CONTROL), world.step(NO_CONTROL))


def test_worlds_make_the_same_frames_alone_and_in_company(shared: HostedEngine) -> None:
    alone = [played(toys.ToyEngine().open_world(seed(n), rng_seed=n), controls(n, 20)) for n in range(4)]
    worlds = [shared.open_world(seed(n), rng_seed=n) for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        playing = [threads.submit(played, world, controls(n, 20)) for n, world in enumerate(worlds)]
        together = [one.result() for one in playing]
    assert all(same(one, other) for one, other in zip(alone, together, strict=True))
    for world in worlds:
        world.close()


def test_frames_that_somebody_keeps_are_never_written_to_again(shared: HostedEngine) -> None:
    world = shared.open_world(seed(1), rng_seed=1)
    frames = played(world, controls(3, 8))
    last_ones = [pass_frames[-1] for pass_frames in frames]
    as_they_were = [frame.copy() for frame in last_ones]
    del frames
    played(world, controls(4, 50))
    assert same(last_ones, as_they_were)
    world.close()


def test_bad_input_is_refused_and_harms_nobody(shared: HostedEngine) -> None:
    with pytest.raises(ValueError, match="another size"):
        shared.open_world(np.zeros((1, 2, 3), np.uint8), rng_seed=0)
    world = shared.open_world(seed(), rng_seed=0)
    world.close()
    world.close()
    for use in (lambda: world.step(NO_CONTROL), world.snapshot, lambda: world.continue_from(seed())):
        with pytest.raises(WorldClosedError):
            use()


@pytest.mark.parametrize(
    ("button", "error", "words"),
    [
        (toys.FAIL, EngineFaultError, "fell over"),
        (toys.NO_MEMORY, EngineOutOfMemoryError, "not enough memory"),
        (toys.BAD_SHAPE, BadFramesError, r"\(1, 2, 3\)"),
    ],
)
def test_a_step_that_fails_is_a_typed_error_and_the_process_lives_on(
    shared: HostedEngine, button: int, error: type[EngineFaultError], words: str
) -> None:
    before, world = shared.pid, shared.open_world(seed(), rng_seed=0)
    with pytest.raises(error, match=words):
        world.step(asking(button))
    assert world.step(NO_CONTROL).shape == (2, *toys.SPEC_PICTURE)
    assert shared.pid == before
    world.close()


# -------------------------------------------------------------------------------------------------- company


@pytest.mark.parametrize("batched", [True, False])
def test_every_world_that_is_due_is_part_of_the_next_round(tmp_path: Path, *, batched: bool) -> None:
    trace, passes = tmp_path / "trace", 15
    with hosted(batched=batched, pass_s=0.01, trace=str(trace)) as engine:
        worlds = [engine.open_world(seed(), rng_seed=n) for n in range(3)]
        with ThreadPoolExecutor(3) as threads:
            for playing in [threads.submit(played, world, controls(0, passes)) for world in worlds]:
                playing.result()
        steps = [line.split() for line in trace.read_text().splitlines()]
        assert sorted(world for worlds in steps for world in worlds) == sorted(["0", "1", "2"] * passes)
        if batched:
            assert {1, 2, 3} >= set(engine.pace.pass_s)
            assert max(len(batch) for batch in steps) > 1
        else:
            assert set(engine.pace.pass_s) == {1}


# --------------------------------------------------------------------------------------------------- loading


def test_loading_is_reported_step_by_step() -> None:
    steps: list[LoadStep] = []
    engine = host_engine(f"{TOYS}:load_toy", {}, "none", steps.append, HostSettings("Toy grid"))
    engine.close()
    assert steps == [LoadStep.READING, LoadStep.WARMING_UP]


@pytest.mark.parametrize(
    ("factory", "options", "words"),
    [
        ("load_toy", {"quant": "refused"}, "Toys do not come refused"),
        ("load_broken", {}, r"Toy grid could not be loaded \(OSError\)"),
        ("load_starved", {}, "not enough memory to load Toy grid"),
        ("load_missing", {}, r"Toy grid could not be loaded \(AttributeError\)"),
        ("load_toy", {"dies_when": "/"}, "SIGKILL, perhaps because the machine was out of memory"),
        ("load_for_ever", {"limits": HostLimits(load_s=1.0)}, "took too long"),
    ],
)
def test_a_load_that_fails_says_why_and_leaves_nothing(factory: str, options: dict[str, Any], words: str) -> None:
    before, threads = children(), set(threading.enumerate())
    with pytest.raises(ModelLoadError, match=words) as caught, hosted(factory, **options):
        pass
    assert "/home" not in str(caught.value)
    assert children() == before
    assert set(threading.enumerate()) <= threads


def test_an_engine_that_is_closed_gives_everything_back(tmp_path: Path) -> None:
    before, threads = children(), set(threading.enumerate())
    with hosted(trace=str(tmp_path / "trace")) as engine:
        world = engine.open_world(seed(), rng_seed=0)
        frames = world.step(NO_CONTROL)
        world.close()
    assert (tmp_path / "trace").read_text().splitlines()[-1] == "closed"
    assert children() == before
    assert set(threading.enumerate()) <= threads
    assert frames.max() > 0  # what was handed over stays
    with pytest.raises(EngineDiedError, match="unloaded"):
        engine.open_world(seed(), rng_seed=0)


def test_a_large_state_lies_in_memory_of_the_server_and_outlives_the_process() -> None:
    with hosted(**LARGE_STATES) as engine:
        world = engine.open_world(seed(5), rng_seed=3)
        played(world, controls(1))
        kept = world.snapshot()
        assert isinstance(kept.state, memoryview)
        assert kept.state.readonly
        state, after = bytes(kept.state), played(world, controls(2))
        world.step(asking(toys.DIE_IN_WRITE))
        with pytest.raises(EngineDiedError):
            world.snapshot()
        assert kept.state == state  # what was written half of is elsewhere
        again = engine.open_world(seed(5), rng_seed=3)
        again.restore(kept)
        assert same(played(again, controls(2)), after)
        again.restore(replace(kept, state=state))  # as it comes out of a file
        assert same(played(again, controls(2)), after)
    assert kept.state == state
    with hosted(**LARGE_STATES) as another:
        branch = another.open_world(seed(5), rng_seed=3)
        branch.restore(kept)
        assert same(played(branch, controls(2)), after)


def test_nothing_is_left_of_states_however_the_process_ends() -> None:
    before = maps_and_files()
    with hosted(**LARGE_STATES) as engine:
        world = engine.open_world(seed(), rng_seed=0)
        kept = [world.snapshot() for _ in range(3)]
        assert maps_and_files() > before
        world.step(asking(toys.DIE_IN_WRITE))
        with pytest.raises(EngineDiedError):
            world.snapshot()
        engine.open_world(seed(), rng_seed=0).restore(kept[0])
    del world, engine
    assert maps_and_files() == (before[0] + 1, before[1] + 1)  # a mapping has a file of its own
    kept.clear()
    wait_until(lambda: maps_and_files() == before, "memory that was given back")


def maps_and_files() -> tuple[int, int]:
    """How often memory without a name is mapped, and how many files are open on it."""
    gc.collect()  # an error that was caught refers to the world that raised it
    maps = sum("memfd:terrarium" in line for line in Path("/proc/self/maps").read_text().splitlines())
    links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return maps, sum("memfd:terrarium" in link for link in links)


# ---------------------------------------------------------------------------------------------------- death


@pytest.mark.parametrize(
    ("way", "error"),
    [
        ("step", EngineDiedError),
        ("snapshot", EngineDiedError),
        ("outside", EngineDiedError),
        ("hangs", StepTimeoutError),
    ],
)
def test_worlds_go_on_from_their_snapshots_in_the_next_life_of_the_process(
    way: str, error: type[EngineFaultError]
) -> None:
    limits = HostLimits(step_s=1.0 if way == "hangs" else deadline_s())
    with hosted(limits=limits) as engine:
        world, bystander = (engine.open_world(seed(n), rng_seed=n) for n in range(2))
        played(world, controls(1))
        kept, before = world.snapshot(), engine.pid
        after = played(world, controls(2))
        with pytest.raises(error):
            end(way, engine, world)
        with pytest.raises(type(engine_end(bystander))):
            bystander.step(NO_CONTROL)
        world.close()  # of no use, and no error
        again = engine.open_world(seed(0), rng_seed=0)
        again.restore(kept)
        assert same(played(again, controls(2)), after)
        assert engine.pid != before


def end(way: str, engine: HostedEngine, world: World) -> None:
    match way:
        case "step":
            world.step(asking(toys.DIE))
        case "snapshot":
            world.step(asking(toys.DIE_IN_SNAPSHOT))
            world.snapshot()
        case "hangs":
            world.step(asking(toys.HANG))
        case _:
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            played(world, [NO_CONTROL] * 100_000)


def engine_end(world: World) -> Exception:
    try:
        world.snapshot()
    except EngineFaultError as error:
        return error
    raise AssertionError("The world still answers.")


def test_many_who_lost_their_worlds_start_the_process_again_once() -> None:
    with hosted() as engine:
        world = engine.open_world(seed(), rng_seed=0)
        with pytest.raises(EngineDiedError):
            world.step(asking(toys.DIE))
        with ThreadPoolExecutor(4) as threads:
            opening = [threads.submit(engine.open_world, seed(), rng_seed=n) for n in range(4)]
            worlds = [one.result() for one in opening]
        pid = engine.pid
        assert [world.step(NO_CONTROL).shape[0] for world in worlds] == [2] * 4
        assert engine.pid == pid


def test_a_process_that_ends_again_and_again_is_not_started_for_ever(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    with hosted(limits=HostLimits(restarts=2), dies_when=str(broken)) as engine:
        with pytest.raises(EngineDiedError):
            engine.open_world(seed(), rng_seed=0).step(asking(toys.DIE))
        broken.touch()
        for _ in range(2):
            with pytest.raises(EngineDiedError, match="SIGKILL"):
                engine.open_world(seed(), rng_seed=0)
        broken.unlink()
        with pytest.raises(EngineDiedError, match="too often"):
            engine.open_world(seed(), rng_seed=0)


def test_the_process_ends_with_the_server_however_that_ends(tmp_path: Path) -> None:
    """Killed while a step hangs: nobody closes anything, and nobody reads the connection's end."""
    code = f"""
import pathlib, threading
from tests.services.engine_host.test_engine_host import TOYS, asking, host_engine, seed, toys, HostSettings
if __name__ == "__main__":
    engine = host_engine(TOYS + ":load_toy", {{}}, "none", lambda _: None, HostSettings("Toy grid"))
    world = engine.open_world(seed(), rng_seed=0)
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(engine.pid))
    world.step(asking(toys.HANG))
"""
    (tmp_path / "server.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    server = subprocess.Popen(
        [sys.executable, str(tmp_path / "server.py")], env=environment, stderr=subprocess.PIPE, text=True
    )
    said = tmp_path / "pid"
    wait_until(lambda: said.exists() and said.read_text() != "", "the engine was loaded")
    host = psutil.Process(int(said.read_text()))
    server.kill()
    _, noise = server.communicate(timeout=deadline_s())
    wait_until(lambda: not host.is_running() or host.status() == psutil.STATUS_ZOMBIE, "the host has ended")
    assert noise == ""


def children() -> set[int]:
    """Processes of this one; the helper of multiprocessing's is none."""
    found = psutil.Process().children()
    return {child.pid for child in found if "resource_tracker" not in " ".join(child.cmdline())}
