"""A fleet: waiting times, use and cost against a queue for each device, what Ray's proxy costs, and two servers' worth.

`python -m benchmarks.fleet [--devices N ...] [--demand SHARE ...]` simulates. With `--proxy` it starts a server by
itself and a fleet of one, on the PostgreSQL of `--database-url`, and plays the diorama at 720p in turns: on
the first, on the fleet through Ray's proxy, and on its server directly, once admitted by ticket. Times are from input
to frame. With `--replicas` it counts the sessions that keep their rate on a fleet of one server and on one of two, each
with an engine that waits 20 ms for a pass. With `--returns` it kills the server of a client that steps its world, and
measures how long that one is away.
"""

from __future__ import annotations

import argparse
import statistics
from typing import TYPE_CHECKING, Final

from benchmarks.fleet_model import Outcome, Policy, Scenario, Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD: Final = (
    "devices  demand  queue        wait p50  wait p95   waited  start p95  in use  loads/session"
    "  cut  device h/session h"
)


def row(scenario: Scenario, policy: Policy) -> str:
    """One line of the table: seconds, shares of people and of time, and what an hour of play takes."""
    outcome = Simulation(scenario, policy).run()
    name = {Policy.JOINT: "the fleet's", Policy.APART: "each its own"}[policy]
    return (
        f"{scenario.devices:7}  {scenario.demand:6.2f}  {name:12} {_share(outcome.waits, 50):7.1f} s"
        f"  {_share(outcome.waits, 95):6.1f} s  {_waited(outcome):5.1f} %  {_share(outcome.starts, 95):7.1f} s"
        f"  {outcome.used * 100:4.0f} %  {outcome.loads / len(outcome.waits):13.2f}  {outcome.cut:3}"
        f"  {outcome.device_hours / outcome.session_hours:18.2f}"
    )


def _share(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _waited(outcome: Outcome) -> float:
    return 100 * sum(wait > 0 for wait in outcome.waits) / len(outcome.waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=[2, 8, 50, 200])
    parser.add_argument("--demand", type=float, nargs="+", default=[0.7, 0.9])
    parser.add_argument("--newcomers", type=int, default=20_000)
    parser.add_argument("--proxy", action="store_true")
    parser.add_argument("--replicas", action="store_true")
    parser.add_argument("--returns", action="store_true")
    parser.add_argument("--database-url", default="")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.proxy:
        from benchmarks.fleet_proxy import compare

        print(compare(asked.database_url, seconds=asked.seconds, rounds=asked.rounds))
        return
    if asked.replicas:
        from benchmarks.fleet_replicas import compare as compare_replicas

        print(compare_replicas(asked.database_url, seconds=asked.seconds, rounds=asked.rounds))
        return
    if asked.returns:
        from benchmarks.fleet_return import measure

        for line in measure(asked.database_url, rounds=asked.rounds):
            print(line, flush=True)
        return
    print(_HEAD)
    for devices in asked.devices:
        for demand in asked.demand:
            for policy in Policy:
                print(row(Scenario(devices=devices, demand=demand, newcomers=asked.newcomers), policy), flush=True)


if __name__ == "__main__":
    main()
