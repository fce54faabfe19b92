"""How many worlds a device holds so that everybody's goes at the rate that the model is made for, or nearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.world_engine.engine_pace import EnginePace

MOST_WORLDS: Final = 1024


def worlds_at_rate(pace: EnginePace, interval_s: float, share: float) -> int | None:
    """How many worlds can be stepped so that each gets at least `share` of its rate: one at least. None: not known yet.

    `interval_s` is the time of a pass at the model's rate. What was not measured is extrapolated from what was.
    """
    if not pace.pass_s:
        return None
    worlds = 1
    while worlds < MOST_WORLDS and seconds_of_pass(pace, worlds + 1) <= interval_s / share:
        worlds += 1
    return worlds


def seconds_of_pass(pace: EnginePace, worlds: int) -> float:
    """The time in which each of so many worlds can have one pass. At least one number of worlds has been measured.

    A batch takes a fixed time and some more for each world: beyond the two largest batches that were measured, the line
    through them goes on. While there is one only, the fixed time is taken to be as much as a world's share. That may
    let in one world too many, and then there is a measurement.
    """
    if not pace.is_batched:
        return worlds * pace.pass_s[1] if 1 in pace.pass_s else worlds * max(pace.pass_s.values())
    sizes = sorted(pace.pass_s)
    larger = [size for size in sizes if size >= worlds]
    if larger:
        return pace.pass_s[larger[0]]
    most = sizes[-1]
    if len(sizes) == 1:
        each = pace.pass_s[most] / (most + 1)
    else:
        each = max(0.0, pace.pass_s[most] - pace.pass_s[sizes[-2]]) / (most - sizes[-2])
    return pace.pass_s[most] + (worlds - most) * each
