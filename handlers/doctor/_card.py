"""The graphics card, its driver and torch: each may be there without the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.doctor.check import Bad, Check, Good, Warned
from services.machine_probe.machine_probe import TorchBroken, TorchFound, TorchMissing
from services.memory_planner.plan_words import gib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.doctor.check import Finding
    from services.machine_probe.machine_probe import TorchState
    from services.system_monitor.system_monitor import MachinePayload, UsagePayload

_LIBRARY: Final = "Install the library that asks the driver: pip install nvidia-ml-py."


def card_checks(machine: MachinePayload, usage: UsagePayload, cards: int | None, torch: TorchState) -> Iterator[Check]:
    """`cards` are the NVIDIA cards that are plugged in, None where that is not known."""
    has_card = bool(machine.gpu_count or cards)
    yield Check("card", "Graphics card", _card(machine, usage, cards, torch))
    if machine.driver_version is not None:
        yield Check("driver", "NVIDIA driver", _driver(machine, machine.driver_version, torch))
    yield Check("torch", "torch", _torch(machine, torch, has_card=has_card))


def _card(machine: MachinePayload, usage: UsagePayload, cards: int | None, torch: TorchState) -> Finding:
    if machine.gpu_count:
        return Good(f"{machine.gpu_name}{_memory(machine, usage)}{_others(machine.gpu_count)}.")
    if isinstance(torch, TorchFound) and torch.devices:
        return Warned(f"torch finds {torch.devices[0]}, and nothing says how much memory it has free.", _LIBRARY)
    if cards:
        return Bad(
            "An NVIDIA card is plugged in, and no driver answers for it.",
            "If the command nvidia-smi does not show the card, install NVIDIA's driver and restart the machine. If it"
            f" does: {_LIBRARY[0].lower()}{_LIBRARY[1:]}",
        )
    return Good("None was found. Worlds that run on the processor need none.")


def _memory(machine: MachinePayload, usage: UsagePayload) -> str:
    if machine.vram_total_bytes is None:
        return ""
    free = "" if usage.vram_used_bytes is None else f", {gib(machine.vram_total_bytes - usage.vram_used_bytes)} free"
    return f" with {gib(machine.vram_total_bytes)}{free}"


def _others(count: int) -> str:
    return "" if count == 1 else f"; the other {count - 1} are not used"


def _driver(machine: MachinePayload, version: str, torch: TorchState) -> Finding:
    knows = _version_in(machine.runtime_version)
    if isinstance(torch, TorchFound) and torch.cuda is not None and knows is not None:
        wanted = _version_in(torch.cuda)
        # Within one major version, a driver also runs what was built for a later minor one.
        if wanted is not None and wanted[0] > knows[0]:
            return Bad(
                f"The driver {version} knows CUDA up to {_text(knows)}, and torch was built for CUDA {torch.cuda}.",
                f"Update the driver to one for CUDA {wanted[0]}, or install a torch for CUDA {knows[0]}.",
            )
    return Good(f"{version}" + ("." if knows is None else f", for CUDA up to {_text(knows)}."))


def _torch(machine: MachinePayload, torch: TorchState, *, has_card: bool) -> Finding:
    match torch:
        case TorchMissing() if has_card:
            return Warned(
                "It is not installed, so that large models do not run.",
                "Install it with what large models need: pip install 'terrarium[engines]'.",
            )
        case TorchMissing():
            return Good("It is not installed. Worlds that run on the processor need none.")
        case TorchBroken(reason):
            return Bad(f"It is installed, but {reason}.", "Install it again: pip install --force-reinstall torch.")
        case TorchFound():
            return _found(machine, torch, has_card=has_card)


def _found(machine: MachinePayload, torch: TorchFound, *, has_card: bool) -> Finding:
    name = f"torch {torch.version}"
    if torch.devices and torch.fault is not None:
        return _fault(torch.fault, f"{name} cannot compute on {torch.devices[0]}: {torch.fault}.")
    if torch.devices:
        return Good(f"{name}, on {torch.devices[0]}.")
    if not has_card:
        return Good(f"{name}, on the processor.")
    if torch.cuda is None:
        knows = _version_in(machine.runtime_version)
        build = "CUDA" if knows is None else f"CUDA {_text(knows)} or older"
        return Bad(f"{name} was built without CUDA, so that it does not use the card.", f"Install a torch for {build}.")
    return Bad(
        f"{name} was built for CUDA {torch.cuda}, and finds no card.",
        "See to the driver first. If it is good, look whether CUDA_VISIBLE_DEVICES hides the card from this process.",
    )


def _fault(fault: str, found: str) -> Finding:
    if "out of memory" in fault:
        return Warned(found, "Close what else uses the card, and ask again.")
    return Bad(found, "Install a newer torch, with kernels for this card; the driver may have to be newer, too.")


def _version_in(text: str | None) -> tuple[int, int] | None:
    """Of "CUDA 12.8" and of "12.8"."""
    major, _, minor = (text or "").rpartition(" ")[2].partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
