"""Where models live: numbers in, decisions out."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from services.memory_planner.demand import PROCESS_RAM, PlacementOption, standing_vram, working_vram
from services.memory_planner.memory_plan import (
    InsteadOfEngine,
    MemoryPlan,
    NoRoom,
    Offloaded,
    OnCpu,
    Resident,
    plan_models,
)
from services.memory_planner.model_memory import ModelMemory, ModelSize, Placement
from services.memory_planner.situation import Asked, EngineOnDevice, FreeMemory, Machine, ModelRequirement

GIB = 1 << 30
KLEIN = ModelMemory(ModelSize(total=16 * GIB, largest_part=8 * GIB), work=2 * GIB)
QWEN = ModelMemory(ModelSize(total=9 * GIB, largest_part=9 * GIB), work=1 * GIB)
NSFW = ModelMemory(ModelSize(total=1 * GIB, largest_part=1 * GIB), work=1 * GIB, placements=("resident", "cpu"))

EDITOR = ModelRequirement("The image model", KLEIN)
WRITER = ModelRequirement("The writer", QWEN)
CLASSIFIER = ModelRequirement("The picture check", NSFW, is_for_scenes=False)


def machine(
    vram: float | None, ram: float | None = 64, *, engine: float = 0, stays: str | None = None, promised: float = 0
) -> Machine:
    """In GiB; `engine` is what one on the device would give back."""
    return Machine(
        FreeMemory(None if vram is None else int(vram * GIB), None if ram is None else int(ram * GIB)),
        EngineOnDevice("Lake", int(engine * GIB), stays) if engine else None,
        promised_vram=int(promised * GIB),
    )


def plan(on: Machine, requirement: ModelRequirement = EDITOR) -> MemoryPlan:
    (found,) = plan_models(on, [requirement])
    return found


def kinds(on: Machine, *requirements: ModelRequirement) -> list[type]:
    return [type(found) for found in plan_models(on, requirements)]


# ------------------------------------------------------------------------------------------------ one model alone


@pytest.mark.parametrize(
    ("vram", "ram", "expected"),
    [
        (24, 64, Resident),
        (18, 2, Resident),
        (18, None, Resident),
        (17, 64, Offloaded),
        (10, 18, Offloaded),
        (10, None, Offloaded),
        (10, 17, NoRoom),
        (24, 1, NoRoom),
        (9, 64, NoRoom),
        (0, 64, NoRoom),
        (None, 256, NoRoom),
    ],
)
def test_the_fastest_placement_that_fits(vram: int | None, ram: int | None, expected: type) -> None:
    assert isinstance(plan(machine(vram, ram)), expected)


@pytest.mark.parametrize(
    ("vram", "ram", "engine", "stays", "expected"),
    [
        (18, 64, 8, None, Resident),
        (10, 64, 8, None, Offloaded),  # rather than without the engine
        (9, 64, 9, None, InsteadOfEngine),
        (9, 64, 1, None, InsteadOfEngine),
        (9, 64, 0.5, None, NoRoom),
        (9, 64, 9, "somebody else plays on it", NoRoom),
        (10, 17, 8, None, InsteadOfEngine),  # too little RAM to offload; enough for all of it on the device
        (10, 17, 7, None, NoRoom),
        (9, 1, 9, None, NoRoom),
    ],
)
def test_the_engine_gives_way_where_nothing_else_fits(
    vram: float, ram: float, engine: float, stays: str | None, expected: type
) -> None:
    assert isinstance(plan(machine(vram, ram, engine=engine, stays=stays)), expected)


@pytest.mark.parametrize(("engine", "placement"), [(9, "resident"), (8, "offloaded")])
def test_the_fastest_placement_that_fits_in_place_of_the_engine(engine: float, placement: Placement) -> None:
    found = plan(machine(9, engine=engine))
    assert isinstance(found, InsteadOfEngine)
    assert found.placement == placement


def test_memory_that_an_engine_will_take_is_not_there_for_a_model() -> None:
    assert isinstance(plan(machine(24, promised=6)), Resident)
    assert isinstance(plan(machine(24, promised=7)), Offloaded)
    assert isinstance(plan(machine(24, promised=15)), NoRoom)
    short = replace(machine(24, 20), promised_ram=19 * GIB)
    assert isinstance(plan(short), NoRoom)


# --------------------------------------------------------------------------------------------------- several models


@pytest.mark.parametrize(
    ("vram", "engine", "expected"),
    [
        (29, 0, [Resident, Resident, Resident]),
        (24, 0, [Resident, Resident, Offloaded]),
        (20, 0, [Resident, Offloaded, Offloaded]),  # they work in turns: 10 GiB are enough for both
        (12, 0, [Resident, Offloaded, Offloaded]),
        (10, 0, [OnCpu, Offloaded, Offloaded]),
        (9, 0, [Resident, NoRoom, NoRoom]),
        (9, 12, [Resident, InsteadOfEngine, InsteadOfEngine]),
        (None, 0, [OnCpu, NoRoom, NoRoom]),
    ],
)
def test_memory_of_one_model_is_not_free_for_others(vram: int | None, engine: float, expected: list[type]) -> None:
    assert kinds(machine(vram, engine=engine), CLASSIFIER, WRITER, EDITOR) == expected


def test_the_memory_of_a_loaded_model_is_not_counted_twice() -> None:
    """The free memory is already without the writer's 9 GiB."""
    loaded = replace(WRITER, memory=replace(QWEN, placement="resident"), is_loaded=True)
    assert kinds(machine(18), loaded, EDITOR) == [Resident, Resident]
    loading = replace(loaded, is_loaded=False)
    assert kinds(machine(18), loading, EDITOR) == [Resident, NoRoom]
    assert kinds(machine(27), loading, EDITOR) == [Resident, Resident]


def test_a_loaded_model_stays_where_it_is_and_the_plan_says_so() -> None:
    loaded = replace(EDITOR, memory=replace(KLEIN, placement="offloaded"), is_loaded=True)
    assert plan(machine(0, 0), loaded) == Offloaded("It is loaded.")
    assert plan(machine(0, 0), replace(loaded, is_loaded=False)) == Offloaded("It is being loaded.")


def test_a_classifier_is_never_refused_and_never_costs_a_world() -> None:
    assert isinstance(plan(machine(0, 0, engine=80), CLASSIFIER), OnCpu)


# ----------------------------------------------------------------------------------------------------- the settings


@pytest.mark.parametrize(("asked", "expected"), [("resident", Resident), ("offloaded", Offloaded), ("cpu", OnCpu)])
def test_the_settings_override_it(asked: Asked, expected: type) -> None:
    found = plan(machine(None, 0), replace(EDITOR, asked=asked))
    assert isinstance(found, expected)
    assert found.reason == "The settings say so."


def test_the_settings_forbid_or_order_that_the_engine_gives_way() -> None:
    tight, wide = machine(9, engine=9), machine(40, engine=9)
    kept = plan(replace(tight, unload_engine="never"))
    assert isinstance(kept, NoRoom)
    assert "Lake holds 9.0 GiB, and the settings keep it there." in kept.reason
    always = replace(wide, unload_engine="always")
    assert plan(always) == InsteadOfEngine(
        "resident", "The settings have Lake unloaded meanwhile, which leaves 9.0 GiB more to it."
    )
    assert isinstance(plan(always, replace(EDITOR, asked="offloaded")), InsteadOfEngine)
    assert isinstance(plan(always, replace(EDITOR, asked="cpu")), OnCpu)
    assert isinstance(plan(replace(machine(40), unload_engine="always")), Resident), "there is none to unload"


# -------------------------------------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (machine(24), "It needs 18.0 GiB of GPU memory, and 24.0 GiB are free."),
        (
            machine(24, promised=4),
            "It needs 18.0 GiB of GPU memory, and 24.0 GiB are free, 4.0 GiB of them for other models and worlds.",
        ),
        (machine(12), "All of it needs 18.0 GiB of GPU memory, and 12.0 GiB are free."),
        (
            machine(6, engine=12),
            "It needs 10.0 GiB of GPU memory at least, and 6.0 GiB are free. "
            "Lake leaves 12.0 GiB more to it meanwhile.",
        ),
        (machine(None), "The image model needs a GPU with 10.0 GiB free, or an endpoint in the settings."),
        (
            machine(6),
            "The image model needs a GPU with 10.0 GiB free, and 6.0 GiB are free. "
            "Close what else uses the GPU, or name an endpoint in the settings.",
        ),
        (
            machine(6, engine=12, stays="somebody else plays on it"),
            "The image model needs a GPU with 10.0 GiB free, and 6.0 GiB are free. Lake holds 12.0 GiB, and somebody "
            "else plays on it. Close what else uses the GPU, or name an endpoint in the settings.",
        ),
        (
            machine(6, engine=2),
            "The image model needs a GPU with 10.0 GiB free, and 6.0 GiB are free. Without Lake there would be 8.0 "
            "GiB. Close what else uses the GPU, or name an endpoint in the settings.",
        ),
        (
            machine(10, 17),
            "The image model needs 18.0 GiB of GPU memory and 2.0 GiB of RAM or 10.0 GiB of GPU memory and 18.0 GiB of "
            "RAM; 10.0 GiB are free, and of RAM 17.0 GiB are free. Close other programs.",
        ),
    ],
)
def test_each_decision_names_its_numbers(on: Machine, words: str) -> None:
    assert plan(on).reason == words


# ----------------------------------------------------------------------------------------------- whatever the numbers


def test_it_never_plans_more_than_is_free() -> None:
    """Random machines and models: what is planned fits at once, with the engine or in its place."""
    rng = random.Random(5)
    for _ in range(3000):
        on = _random_machine(rng)
        requirements = [_random_requirement(rng, name) for name in ("The writer", "The image model")]
        if rng.random() < 0.5:
            requirements.insert(0, replace(_random_requirement(rng, "The check"), is_for_scenes=False))
        _check_fits(on, requirements, plan_models(on, requirements))


def test_more_memory_never_refuses_more() -> None:
    rng = random.Random(6)
    for _ in range(1000):
        on, requirements = _random_machine(rng), [_random_requirement(rng, name) for name in "ab"]
        free = on.free
        larger = FreeMemory(
            None if free.vram is None else free.vram + GIB, None if free.ram is None else free.ram + GIB
        )
        before, after = kinds(on, *requirements), kinds(replace(on, free=larger), *requirements)
        assert after.count(NoRoom) <= before.count(NoRoom)


def _random_machine(rng: random.Random) -> Machine:
    engine = EngineOnDevice("Lake", rng.randrange(30) * GIB, rng.choice([None, "it does"]))
    return Machine(
        FreeMemory(rng.choice([None, rng.randrange(48) * GIB]), rng.choice([None, rng.randrange(48) * GIB])),
        rng.choice([None, engine]),
        promised_vram=rng.choice([0, rng.randrange(12) * GIB]),
        promised_ram=rng.choice([0, rng.randrange(4) * GIB]),
        unload_engine=rng.choice(["auto", "auto", "always", "never"]),
    )


def _random_requirement(rng: random.Random, name: str) -> ModelRequirement:
    total = rng.randrange(1, 24) * GIB
    placements: list[tuple[Placement, ...]] = [("resident", "offloaded"), ("resident",), ("resident", "cpu")]
    memory = ModelMemory(ModelSize(total, rng.randrange(1, total // GIB + 1) * GIB), rng.randrange(3) * GIB)
    return ModelRequirement(name, replace(memory, placements=rng.choice(placements)))


def _check_fits(on: Machine, requirements: list[ModelRequirement], plans: tuple[MemoryPlan, ...]) -> None:
    vram, works, ram, ram_instead = on.promised_vram, 0, on.promised_ram, 0
    for requirement, found in zip(requirements, plans, strict=True):
        assert found.reason
        match found:
            case Resident() | Offloaded() | OnCpu():
                option = PlacementOption(_PLACEMENTS[type(found)])
                vram += standing_vram(requirement, option)
                works = max(works, working_vram(requirement, option))
                if requirement.is_for_scenes:
                    weights = requirement.memory.size.total
                    ram += PROCESS_RAM + (weights * {Resident: 0, Offloaded: 1, OnCpu: 2}[type(found)])
            case InsteadOfEngine() | NoRoom():
                pass
    if vram + works > on.promised_vram:
        assert vram + works <= (on.free.vram or 0)
    for requirement, found in zip(requirements, plans, strict=True):
        if isinstance(found, InsteadOfEngine):
            assert on.engine is not None
            assert on.engine.stays is None
            assert on.unload_engine != "never"
            option = PlacementOption(found.placement)
            taken = vram + standing_vram(requirement, option) + working_vram(requirement, option)
            assert taken <= (on.free.vram or 0) + on.engine.vram
            ram_instead = max(ram_instead, PROCESS_RAM)
    if on.free.ram is not None and ram + ram_instead > on.promised_ram:
        assert ram + ram_instead <= on.free.ram


_PLACEMENTS: dict[type, Placement] = {Resident: "resident", Offloaded: "offloaded", OnCpu: "cpu"}
