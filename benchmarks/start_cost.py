"""What jobs cost a server that has none, and one that has: `python -m benchmarks.start_cost [--rounds N]`.

Without jobs the server only imports the modules that handle them; with the first one it also loads SQLAlchemy and opens
the database. Each part is measured in a process of its own, after all that the server needs in any case.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

_AIM_MS: Final = 150.0
_AIM_MB: Final = 15.0
_ROOT: Final = Path(__file__).resolve().parent.parent
# What other parts of the server import, too.
_SHARED: Final = (
    "fastapi.sse",
    "api_types",
    "access_rules",
    "handlers.authoring_handler",
    "handlers.authoring_painter",
    "handlers.seeds_handler",
    "handlers.visitors_handler",
    "handlers.world_files_handler",
    "state.transitions",
    "state.deps",
    "_routes._files",
    "concurrent.futures.thread",
)
_OWN: Final = (
    "handlers.accounts.accounts_handler",
    "handlers.accounts.people_handler",
    "handlers.feedback.feedback_handler",
    "handlers.jobs.board",
    "handlers.jobs.feed",
    "handlers.jobs.film_executor",
    "handlers.jobs.jobs_handler",
    "handlers.jobs.retention",
    "handlers.jobs.scene_executor",
    "handlers.jobs.scheduler",
    "handlers.ownership.belongings",
    "services.account_store.sql_account_stores",
    "services.database.shared_database",
    "services.feedback_store.sql_feedback_stores",
    "services.job_store.sql_job_stores",
    "services.ownership_store.sql_ownership_stores",
)
_HEAVY: Final = ("sqlalchemy", "alembic", "argon2")


@dataclass(frozen=True, slots=True)
class Cost:
    ms: float
    mb: float


@dataclass(frozen=True, slots=True)
class Results:
    """`imports`: without any job. `opening`: of a new database, on top of that, when there is a first job."""

    imports: Cost
    opening: Cost


def run(rounds: int) -> Results:
    """The medians."""
    found = [_measured_apart() for _ in range(rounds)]
    return Results(_median([imports for imports, _ in found]), _median([opening for _, opening in found]))


def render(results: Results) -> str:
    imports, opening = results.imports, results.opening
    return "\n".join(
        [
            "                                    ms       MB",
            f"  without jobs: imports       {imports.ms:8.0f} {imports.mb:8.1f}   (aim: {_AIM_MS:.0f} ms,"
            f" {_AIM_MB:.0f} MB at most)",
            f"  with the first job: opening {opening.ms:8.0f} {opening.mb:8.1f}",
        ]
    )


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.ms for cost in costs), statistics.median(cost.mb for cost in costs))


def _measured_apart() -> tuple[Cost, Cost]:
    command = [sys.executable, "-m", "benchmarks.start_cost", "--measure"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    imports, opening = json.loads(done.stdout.splitlines()[-1])
    return Cost(*imports), Cost(*opening)


def _measure() -> None:
    for name in _SHARED:
        importlib.import_module(name)
    imports = _cost(lambda: [importlib.import_module(name) for name in _OWN])
    loaded = [name for name in _HEAVY if name in sys.modules]
    if loaded:
        raise RuntimeError(f"A server without jobs and accounts has loaded {', '.join(loaded)}.")
    with tempfile.TemporaryDirectory(prefix="terrarium-bench-") as folder:
        database = sys.modules["services.database.shared_database"].SharedDatabase(Path(folder) / "terrarium.sqlite")
        stores = sys.modules["services.job_store.sql_job_stores"].SqlJobStores(database)
        opening = _cost(stores.open)
        database.close()
    print(json.dumps([[imports.ms, imports.mb], [opening.ms, opening.mb]]))


def _cost(work: Callable[[], object]) -> Cost:
    process = psutil.Process()
    memory, began = process.memory_info().rss, time.perf_counter()
    work()
    took = time.perf_counter() - began
    return Cost(took * 1000, (process.memory_info().rss - memory) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure()
    else:
        print(render(run(options.rounds)))


if __name__ == "__main__":
    main()
