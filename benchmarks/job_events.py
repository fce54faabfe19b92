"""What events of jobs cost those who play: `python -m benchmarks.job_events [--rounds N] [--seconds N]`.

Sessions play while a job writes events, and while none does, in turns, so that other load affects both alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks import floor
from benchmarks.child import game_server
from benchmarks.events_executor import KIND
from benchmarks.measures import percentiles
from benchmarks.null_engine import SLOW
from benchmarks.player import Player
from benchmarks.scenery import SceneSpec, make_passes
from runtime_config.runtime_config import JpegConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.child import Child

_AIM: Final = 0.10  # how much longer p95 may be
_SETTLE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    scene: SceneSpec = field(default_factory=lambda: SceneSpec(640, 360, frames_per_pass=2, fps=30))
    sessions: int = 2
    per_s: float = 1000.0
    rounds: int = 8
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from a control to the frame that shows it, of all sessions; `events_per_s` that were written."""

    p50: float
    p95: float
    frames_per_s: float
    events_per_s: float
    cpu_share: float  # of one core, by the server


@dataclass(frozen=True, slots=True)
class Results:
    plan: Plan
    quiet: tuple[Figures, ...]
    busy: tuple[Figures, ...]

    @property
    def change(self) -> float:
        """By how much p95 is longer with events, as a share; the median over the rounds' pairs."""
        return statistics.median(busy.p95 / quiet.p95 - 1 for quiet, busy in zip(self.quiet, self.busy, strict=True))


def run(plan: Plan) -> Results:
    """The server runs in a process of its own, which ends with this call."""
    seed = floor.encode(make_passes(plan.scene)[0][0], JpegConfig())
    quiet, busy = list[Figures](), list[Figures]()
    with game_server(plan.scene) as child, ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{child.port}", timeout=60.0))
        _write_events(client, Plan(per_s=10.0, seconds=0.1))  # the database is opened
        players = [stack.enter_context(Player(child.port, SLOW, seed=seed, capped=True)) for _ in range(plan.sessions)]
        for _ in range(plan.rounds):
            quiet.append(_measure(child, client, players, plan, is_busy=False))
            busy.append(_measure(child, client, players, plan, is_busy=True))
    return Results(plan, tuple(quiet), tuple(busy))


def _measure(child: Child, client: httpx.Client, players: Sequence[Player], plan: Plan, *, is_busy: bool) -> Figures:
    job = _submit(client, plan.per_s, plan.seconds + 2 * _SETTLE_S) if is_busy else None
    time.sleep(_SETTLE_S)
    began, cpu, first = time.monotonic(), child.cpu_s(), _newest(client)
    time.sleep(plan.seconds)
    ended, cpu, last = time.monotonic(), child.cpu_s() - cpu, _newest(client)
    if job is not None:
        _wait(client, job)
    arrived = [each for player in players for each in player.arrivals if began <= each.at < ended]
    ages = percentiles([(each.at - each.newest_control) * 1000 for each in arrived if each.newest_control])
    frames = sum(each.frames for each in arrived)
    took = ended - began
    return Figures(ages.p50, ages.p95, frames / took, (last - first) / took, cpu / took)


def _write_events(client: httpx.Client, plan: Plan) -> None:
    _wait(client, _submit(client, plan.per_s, plan.seconds))


def _submit(client: httpx.Client, per_s: float, seconds: float) -> str:
    body = {"kind": KIND, "request": {"per_s": per_s, "seconds": seconds}}
    response = client.post("/api/jobs", json=body)
    response.raise_for_status()
    return str(response.json()["id"])


def _wait(client: httpx.Client, job: str) -> None:
    while (found := client.get(f"/api/jobs/{job}").json())["state"] != "done":
        if found["fault"] is not None:
            raise RuntimeError(f"The job failed: {found['fault']}")
        time.sleep(0.05)


def _newest(client: httpx.Client) -> int:
    found: dict[str, Any] = client.get("/api/jobs", params={"limit": 1}).json()
    return int(found["newest_event"])


def render(results: Results) -> str:
    plan = results.plan
    lines = [
        f"{plan.sessions} sessions of {plan.scene.width}x{plan.scene.height} at {plan.scene.fps} frames/s,"
        f" {plan.rounds} rounds of {plan.seconds:g} s each; input to frame:",
        "                     p50 ms     p95 ms   frames/s   events/s   CPU share",
    ]
    for name, rounds in (("without events", results.quiet), ("with events", results.busy)):
        medians = [
            statistics.median(getattr(figures, what) for figures in rounds)
            for what in ("p50", "p95", "frames_per_s", "events_per_s", "cpu_share")
        ]
        lines.append(f"  {name:15}" + "".join(f"{value:11.2f}" for value in medians))
    lines.append(f"  p95 with events: {results.change:+.1%} (aim: {_AIM:+.0%} at most)")
    return "\n".join(lines)


def main() -> None:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of each measurement (%(default)s)")
    parser.add_argument("--per-s", type=float, default=defaults.per_s, help="events a second (%(default)s)")
    options = parser.parse_args()
    print(render(run(Plan(rounds=options.rounds, seconds=options.seconds, per_s=options.per_s))))


if __name__ == "__main__":
    main()
