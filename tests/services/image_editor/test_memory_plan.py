"""Where the image model lives, as a table."""

from __future__ import annotations

import pytest

from services.image_editor.memory_plan import FreeMemory, ModelSize, NoRoom, Offloaded, OnCpu, Resident, plan_memory

GIB = 1 << 30
KLEIN = ModelSize(total=16 * GIB, largest_part=8 * GIB)


@pytest.mark.parametrize(
    ("vram", "ram", "expected"),
    [
        (24, 64, Resident),
        (18, 4, Resident),
        (17, 64, Offloaded),
        (10, 18, Offloaded),
        (10, None, Offloaded),
        (10, 17, NoRoom),
        (9, 64, NoRoom),
        (0, 64, NoRoom),
        (None, 256, NoRoom),
    ],
)
def test_auto_takes_the_fastest_that_fits(vram: int | None, ram: int | None, expected: type) -> None:
    free = FreeMemory(None if vram is None else vram * GIB, None if ram is None else ram * GIB)
    assert isinstance(plan_memory("auto", KLEIN, free), expected)


def test_a_refusal_names_the_numbers() -> None:
    plan = plan_memory("auto", KLEIN, FreeMemory(10 * GIB, 17 * GIB))
    assert all(number in plan.reason for number in ("18.0 GiB", "10.0 GiB", "17.0 GiB"))
    assert "10.0 GiB free" in plan_memory("auto", KLEIN, FreeMemory(None, None)).reason


def test_the_settings_override_it() -> None:
    nothing = FreeMemory(None, 0)
    assert isinstance(plan_memory("resident", KLEIN, nothing), Resident)
    assert isinstance(plan_memory("offloaded", KLEIN, nothing), Offloaded)
    assert isinstance(plan_memory("cpu", KLEIN, nothing), OnCpu)
    assert isinstance(plan_memory("off", KLEIN, FreeMemory(1 << 40, 1 << 40)), NoRoom)
