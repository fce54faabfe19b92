"""Why a model was put where it is: one or two sentences with the numbers, for the person who runs the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.memory_planner.demand import Spot, kept_vram, peak_vram, ram, standing_vram, working_vram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.memory_planner.situation import Contender, Machine

_GIB: Final = 1 << 30
_HELP: Final = "Close what else uses the GPU, or name an endpoint in the settings."


def reason_for(contender: Contender, spot: Spot, machine: Machine, others: Sequence[tuple[Contender, Spot]]) -> str:
    """`others` are the places of the other models."""
    if contender.memory.placement is not None:
        return "It is loaded." if contender.is_loaded else "It is being loaded."
    if contender.asked != "auto":
        return "The settings say so."
    if spot.in_engines_place:
        return _instead(contender, machine, others)
    match spot.placement:
        case "resident":
            return f"It needs {_all_of_it(contender)} of GPU memory, and {_free(machine, others)}."
        case "offloaded":
            return f"All of it needs {_all_of_it(contender)} of GPU memory, and {_free(machine, others)}."
        case "cpu":
            return _on_cpu(contender, machine, others)
        case None:
            return _refusal(contender, machine, others)


def _instead(contender: Contender, machine: Machine, others: Sequence[tuple[Contender, Spot]]) -> str:
    engine = machine.engine
    title, held = ("The engine", 0) if engine is None else (engine.title, engine.vram)
    if machine.unload_engine == "always":
        return f"The settings have {title} unloaded meanwhile, which leaves {_gib(held)} more to it."
    return (
        f"It needs {_gib(_least(contender, others))} of GPU memory at least, and {_free(machine, others)}. "
        f"{title} leaves {_gib(held)} more to it meanwhile."
    )


def _on_cpu(contender: Contender, machine: Machine, others: Sequence[tuple[Contender, Spot]]) -> str:
    if machine.free.vram is None:
        return "There is no GPU whose free memory is known."
    return f"On the GPU it needs {_all_of_it(contender)}, and {_free(machine, others)}."


def _refusal(contender: Contender, machine: Machine, others: Sequence[tuple[Contender, Spot]]) -> str:
    least, name = _least(contender, others), contender.name
    if machine.free.vram is None:
        return f"{name} needs a GPU with {_gib(least)} free, or an endpoint in the settings."
    if machine.free.vram - kept_vram(machine, others) < least:
        wants = f"{name} needs a GPU with {_gib(least)} free, and {_free(machine, others)}."
        return " ".join(filter(None, (wants, _why_engine_stays(machine), _HELP)))
    spots = [Spot(placement) for placement in contender.memory.placements]
    wanted = " or ".join(
        f"{_gib(_needed(contender, spot, others))} of GPU memory and {_gib(ram(contender, spot))} of RAM"
        for spot in spots
    )
    kept = machine.promised_ram + sum(ram(*other) for other in others)
    left = _are(machine.free.ram or 0, kept)
    return f"{name} needs {wanted}; {_free(machine, others)}, and of RAM {left}. Close other programs."


def _why_engine_stays(machine: Machine) -> str:
    engine = machine.engine
    if engine is None:
        return ""
    if engine.stays is not None:
        return f"{engine.title} holds {_gib(engine.vram)}, and {engine.stays}."
    if machine.unload_engine == "never":
        return f"{engine.title} holds {_gib(engine.vram)}, and the settings keep it there."
    return f"Without {engine.title} there would be {_gib((machine.free.vram or 0) + engine.vram)}."


def _least(contender: Contender, others: Sequence[tuple[Contender, Spot]]) -> int:
    """Of the device, where it takes the least of it."""
    spots = [Spot(placement) for placement in contender.memory.placements if placement != "cpu"]
    return min((_needed(contender, spot, others) for spot in spots), default=0)


def _needed(contender: Contender, spot: Spot, others: Sequence[tuple[Contender, Spot]]) -> int:
    return standing_vram(contender, spot) + max(working_vram(contender, spot), peak_vram(others))


def _all_of_it(contender: Contender) -> str:
    spot = Spot("resident")
    return _gib(standing_vram(contender, spot) + working_vram(contender, spot))


def _free(machine: Machine, others: Sequence[tuple[Contender, Spot]]) -> str:
    return _are(machine.free.vram or 0, kept_vram(machine, others))


def _are(free: int, kept: int) -> str:
    beyond = f", {_gib(kept)} of them for other models and worlds" if kept else ""
    return f"{_gib(free)} are free{beyond}"


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
