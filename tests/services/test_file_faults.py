"""Pairs of files appear and vanish as one, whichever change to the disk fails, or is the last before a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
def test_no_fault_leaves_half_of_anything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.services.file_fault_process", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("killed") > 20
    assert done.stdout.count("refused") > 10
