"""Why a model was put where it is: one or two sentences with the numbers, for the person who runs the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.memory_planner.demand import PlacementOption, kept_vram, peak_vram, ram, standing_vram, working_vram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.memory_planner.situation import Machine, ModelRequirement

_GIB: Final = 1 << 30
_HELP: Final = "Close what else uses the GPU, or name an endpoint in the settings."


def reason_for(
    requirement: ModelRequirement,
    option: PlacementOption,
    machine: Machine,
    others: Sequence[tuple[ModelRequirement, PlacementOption]],
) -> str:
    """`others` are the places of the other models."""
    if requirement.memory.placement is not None:
        return "It is loaded." if requirement.is_loaded else "It is being loaded."
    if requirement.asked != "auto":
        return "The settings say so."
    if option.in_engines_place:
        return _instead(requirement, machine, others)
    match option.placement:
        case "resident":
            return f"It needs {_all_of_it(requirement)} of GPU memory, and {_free(machine, others)}."
        case "offloaded":
            return f"All of it needs {_all_of_it(requirement)} of GPU memory, and {_free(machine, others)}."
        case "cpu":
            return _on_cpu(requirement, machine, others)
        case None:
            return _refusal(requirement, machine, others)


def _instead(
    requirement: ModelRequirement, machine: Machine, others: Sequence[tuple[ModelRequirement, PlacementOption]]
) -> str:
    engine = machine.engine
    title, held = ("The engine", 0) if engine is None else (engine.title, engine.vram)
    if machine.unload_engine == "always":
        return f"The settings have {title} unloaded meanwhile, which leaves {gib(held)} more to it."
    return (
        f"It needs {gib(_least(requirement, others))} of GPU memory at least, and {_free(machine, others)}. "
        f"{title} leaves {gib(held)} more to it meanwhile."
    )


def _on_cpu(
    requirement: ModelRequirement, machine: Machine, others: Sequence[tuple[ModelRequirement, PlacementOption]]
) -> str:
    if machine.free.vram is None:
        return "There is no GPU whose free memory is known."
    return f"On the GPU it needs {_all_of_it(requirement)}, and {_free(machine, others)}."


def _refusal(
    requirement: ModelRequirement, machine: Machine, others: Sequence[tuple[ModelRequirement, PlacementOption]]
) -> str:
    least, name = _least(requirement, others), requirement.name
    if machine.free.vram is None:
        return f"{name} needs a GPU with {gib(least)} free, or an endpoint in the settings."
    if machine.free.vram - kept_vram(machine, others) < least:
        wants = f"{name} needs a GPU with {gib(least)} free, and {_free(machine, others)}."
        return " ".join(filter(None, (wants, _why_engine_stays(machine), _HELP)))
    options = [PlacementOption(placement) for placement in requirement.memory.placements]
    wanted = " or ".join(
        f"{gib(_needed(requirement, option, others))} of GPU memory and {gib(ram(requirement, option))} of RAM"
        for option in options
    )
    kept = machine.promised_ram + sum(ram(*other) for other in others)
    left = _are(machine.free.ram or 0, kept)
    return f"{name} needs {wanted}; {_free(machine, others)}, and of RAM {left}. Close other programs."


def _why_engine_stays(machine: Machine) -> str:
    engine = machine.engine
    if engine is None:
        return ""
    if engine.stays is not None:
        return f"{engine.title} holds {gib(engine.vram)}, and {engine.stays}."
    if machine.unload_engine == "never":
        return f"{engine.title} holds {gib(engine.vram)}, and the settings keep it there."
    return f"Without {engine.title} there would be {gib((machine.free.vram or 0) + engine.vram)}."


def _least(requirement: ModelRequirement, others: Sequence[tuple[ModelRequirement, PlacementOption]]) -> int:
    """Of the device, where it takes the least of it."""
    options = [PlacementOption(placement) for placement in requirement.memory.placements if placement != "cpu"]
    return min((_needed(requirement, option, others) for option in options), default=0)


def _needed(
    requirement: ModelRequirement, option: PlacementOption, others: Sequence[tuple[ModelRequirement, PlacementOption]]
) -> int:
    return standing_vram(requirement, option) + max(working_vram(requirement, option), peak_vram(others))


def _all_of_it(requirement: ModelRequirement) -> str:
    option = PlacementOption("resident")
    return gib(standing_vram(requirement, option) + working_vram(requirement, option))


def _free(machine: Machine, others: Sequence[tuple[ModelRequirement, PlacementOption]]) -> str:
    return _are(machine.free.vram or 0, kept_vram(machine, others))


def _are(free: int, kept: int) -> str:
    beyond = f", {gib(kept)} of them for other models and worlds" if kept else ""
    return f"{gib(free)} are free{beyond}"


def gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
