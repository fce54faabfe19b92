"""A replay reproduces what was played bit for bit, in this process and in another one."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from replay.command import run_replay
from replay.plan import plan_of_world
from replay.player import Replay
from tests.replay.elsewhere import entries, services
from tests.replay.saved import play_and_save

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry

PROJECT = Path(__file__).resolve().parents[2]
ENGINES = (*(pytest.param(name, marks=pytest.mark.trial) for name in ("diorama", "simulator")), "moss")


@pytest.fixture(name="entry", params=ENGINES, scope="module")
def fixture_entry(request: pytest.FixtureRequest, micro_folder: Path) -> CatalogueEntry:
    """Moss has the weights of a tiny model."""
    return entries(micro_folder)[request.param]


@pytest.fixture(name="saved", scope="module")
def fixture_saved(entry: CatalogueEntry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play_and_save(entry, tmp_path_factory.mktemp("saved"))


def replay_here(path: Path, moss: Path) -> tuple[int, str]:
    out = io.StringIO()
    status = run_replay([str(path), "--quiet"], lambda _: services(moss), out=out, err=io.StringIO())
    return status, out.getvalue()


def digest_in(report: str) -> str:
    return next(line for line in report.splitlines() if line.startswith("frames: "))


def test_a_replay_is_exact_and_the_same_in_another_process(saved: Path, micro_folder: Path) -> None:
    status, report = replay_here(saved, micro_folder)
    assert "compared: exact" in report, report
    assert status == 0
    command = [sys.executable, "-m", "tests.replay.elsewhere", str(saved), str(micro_folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert digest_in(done.stdout) == digest_in(report)


def test_every_log_of_the_session_replays_exactly(saved: Path, micro_folder: Path) -> None:
    logs = sorted((saved.parent.parent / "logs").glob("*.ndjson"))
    assert len(logs) >= 4
    compared = 0
    for log in logs:
        status, report = replay_here(log, micro_folder)
        has_checks = '"frame_check"' in log.read_text()
        assert status == (0 if has_checks else 4), report
        compared += has_checks
    assert compared


@pytest.mark.trial
@pytest.mark.parametrize("entry", ["diorama"], indirect=True)
def test_a_difference_is_found_and_measured(saved: Path, entry: CatalogueEntry) -> None:
    """The same inputs from another seed fail the checks along the way and at the end."""
    plan = plan_of_world(saved)
    turned = plan.pictures[plan.seed][:, ::-1].copy()
    turned[:40] = 255 - turned[:40]
    other = replace(plan, pictures={**plan.pictures, plan.seed: turned})
    engine = entry.load("none", lambda _: None)
    run = Replay(other)
    assert sum(1 for _ in run.passes(engine)) == len(plan.inputs)
    assert not run.findings.is_exact
    assert len(run.findings.differing) == run.findings.checked >= 1
    assert (run.findings.largest or 0) > 0
    engine.close()
