"""What the tests of local writers share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def tiny_writers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `vision`, `text`, `random` and `large`, and views of them; shared, so nobody writes there."""
    folder = tmp_path_factory.mktemp("writers")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.prompt_writer.tiny_writer", str(folder)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=offline)
    return folder
