"""Where a newcomer plays: among the servers with room, first where the model is in memory, then where most is free.

Those who find no room wait in one line, and are served in its order. All of this is pure functions of what the servers
tell of themselves, so that each of them, what routes to them and the simulation decide alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Load:
    """What a server tells. `models` are the ids of those that it has in memory; `sessions` may exceed what it has room
    for, as newcomers are sent from several places at the same time."""

    server: str
    sessions: int
    max_sessions: int
    models: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def free(self) -> int:
        return max(0, self.max_sessions - self.sessions)


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody in line. `who` is a name for them, `model` the id of what they will ask for, where it is known."""

    who: str
    model: str | None = None


def seated(line: Sequence[Asking], loads: Iterable[Load]) -> dict[str, str]:
    """The server of each who has a place now, by `who`. First come, first served; the others wait on, in order."""
    now, places = {load.server: load for load in loads}, dict[str, str]()
    for asking in line:
        best = next(iter(ranked(now.values(), asking.model)), None)
        if best is None or not best[0].free:
            break
        load = best[0]
        places[asking.who] = load.server
        models = load.models if asking.model is None else load.models | {asking.model}
        now[load.server] = replace(load, sessions=load.sessions + 1, models=models)
    return places


def ranked(loads: Iterable[Load], model: str | None = None) -> list[list[Load]]:
    """The servers in groups, the best first; within a group all are as good. `model`: its id, where it is known.

    Those without room are the last group. They are no place for a session, but answer requests about what they have,
    and tell a newcomer themselves that they are full.
    """
    found: dict[tuple[bool, bool, int], list[Load]] = {}
    for load in loads:
        misses = model is not None and model not in load.models
        rank = (load.free == 0, misses and load.free > 0, -load.free)
        found.setdefault(rank, []).append(load)
    return [found[rank] for rank in sorted(found)]
