"""Whether an engine fits, on machines of every kind."""

from __future__ import annotations

import pytest

from services.memory_planner.engine_fit import (
    DoesNotFit,
    EngineFit,
    EngineNeeds,
    Fits,
    FitUnknown,
    MemoryRoom,
    Tight,
    fit_of,
)
from services.memory_planner.situation import FreeMemory

GIB = 1 << 30


def needs(vram: float = 0, ram: float = 1, *, measured: bool = False) -> EngineNeeds:
    """In GiB."""
    return EngineNeeds(ram=int(ram * GIB), vram=int(vram * GIB), is_measured=measured)


def room(
    vram: float | None = None, ram: float | None = 32, *, card: float = 24, idle: float = 0, keeper: str | None = None
) -> MemoryRoom:
    """`vram` and `ram` GiB are free, and `idle` GiB of the `card` are held by what gives way."""
    return MemoryRoom(
        FreeMemory(
            vram=None if vram is None else int(vram * GIB),
            ram=None if ram is None else int(ram * GIB),
        ),
        total_vram=None if vram is None else int(card * GIB),
        total_ram=32 * GIB,
        yielding_vram=int(idle * GIB),
        keeper=keeper,
    )


@pytest.mark.parametrize(
    ("wanted", "here", "kind"),
    [
        (needs(ram=1), room(), Fits),
        (needs(ram=30), room(), Tight),
        (needs(ram=1), room(ram=None), Fits),
        (needs(vram=6), room(vram=20), Fits),
        (needs(vram=19), room(vram=20), Tight),
        (needs(vram=21), room(vram=20), DoesNotFit),
        (needs(vram=21), room(vram=20, idle=10, card=40), Fits),
        (needs(vram=6), room(), FitUnknown),
        (needs(vram=6, ram=60), room(vram=20), DoesNotFit),
    ],
)
def test_it_goes_by_what_can_be_had(wanted: EngineNeeds, here: MemoryRoom, kind: type[EngineFit]) -> None:
    assert isinstance(fit_of(wanted, here), kind)


@pytest.mark.parametrize(
    ("wanted", "here", "certain"),
    [
        (needs(vram=21), room(vram=20), False),
        (needs(vram=21, measured=True), room(vram=20), False),  # within the tolerance
        (needs(vram=30, measured=True), room(vram=20, card=40), True),
        (needs(vram=30), room(vram=20, card=40), False),  # its card may exaggerate
        (needs(vram=30), room(vram=20, card=24), True),  # no card of 24 GiB holds it
    ],
)
def test_only_what_is_certain_is_called_so(wanted: EngineNeeds, here: MemoryRoom, *, certain: bool) -> None:
    fit = fit_of(wanted, here)
    assert isinstance(fit, DoesNotFit)
    assert fit.is_certain == certain


def test_the_sentence_has_the_numbers_and_names_who_stays() -> None:
    fit = fit_of(needs(vram=12), room(vram=8, keeper="Lake"))
    assert fit == DoesNotFit(
        "It needs 12.0 GiB of GPU memory, and 8.0 GiB can be had. Lake stays loaded, as somebody plays on it.",
        is_certain=False,
    )
    assert fit_of(needs(vram=40), room(vram=20)) == DoesNotFit(
        "It needs 40.0 GiB of GPU memory. The graphics card has 24.0 GiB.", is_certain=True
    )
