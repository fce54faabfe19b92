"""How long tests wait for what they expect: generously, because a wait costs nothing once the condition holds.

`TERRARIUM_TEST_PATIENCE=4` multiplies every deadline, pytest's own included, on a slow or busy machine.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE: Final = "TERRARIUM_TEST_PATIENCE"
_USUAL_S: Final = 90.0
_LOOK_AGAIN_S: Final = 0.005


def patience() -> float:
    """The factor by which this machine's tests wait longer than others'.

    Raises:
        ValueError: the environment names no positive number.
    """
    text = os.environ.get(_VARIABLE, "1")
    factor = float(text)
    if not 0 < factor < 1000:
        message = f"{_VARIABLE} must be a positive number, such as 4, and is {text!r}."
        raise ValueError(message)
    return factor


def deadline_s(seconds: float = _USUAL_S) -> float:
    """How many seconds to wait, at most, for what takes far less than `seconds` on a quiet machine."""
    return seconds * patience()


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = _USUAL_S) -> float:
    """Seconds until `condition` held.

    Raises:
        AssertionError: it did not hold within the deadline.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > deadline_s(seconds):
            raise AssertionError(_too_late(what, seconds))
        time.sleep(_LOOK_AGAIN_S)
    return time.monotonic() - started


async def wait_until_async(condition: Callable[[], bool], what: str, *, seconds: float = _USUAL_S) -> None:
    """The same on an event loop, whose other tasks run meanwhile. The deadline is real time, whatever the loop's clock.

    Raises:
        AssertionError: it did not hold within the deadline.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > deadline_s(seconds):
            raise AssertionError(_too_late(what, seconds))
        await asyncio.sleep(_LOOK_AGAIN_S)


def _too_late(what: str, seconds: float) -> str:
    return f"Not within {deadline_s(seconds):g} s: {what}."
