"""The example of an engine in docs/engines.md is complete, short and keeps the contract."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runtime_config.constants import PROJECT_DIR

pytestmark = pytest.mark.trial

EXAMPLE = PROJECT_DIR / "examples" / "engine_plugin"
MOST_LINES = 40


def test_it_is_short_and_stands_in_the_documentation() -> None:
    source = (EXAMPLE / "tunnel_engine.py").read_text(encoding="utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) <= MOST_LINES
    assert source.strip() in (PROJECT_DIR / "docs" / "engines.md").read_text(encoding="utf-8")


def test_it_keeps_the_contract_by_the_command_that_authors_use() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.world_engine.contract", "tunnel_engine:Tunnel"],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("kept ") for line in done.stdout.splitlines())


def test_the_command_asks_for_a_class() -> None:
    command = [sys.executable, "-m", "services.world_engine.contract"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "usage: python -m services.world_engine.contract MODULE:CLASS\n")
