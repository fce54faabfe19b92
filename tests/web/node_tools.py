"""Finds node and the client's development packages for tests, or says why they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NoReturn

import pytest

WEB: Final = Path(__file__).resolve().parents[2] / "web"


def skip_or_fail(reason: str) -> NoReturn:
    """Skips, unless TERRARIUM_REQUIRE_BROWSER says that this machine is meant to have everything."""
    if os.environ.get("TERRARIUM_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_node() -> str:
    return shutil.which("node") or skip_or_fail("node is not installed")


def require_node_modules() -> str:
    """The path of node, once web/node_modules is there; the first caller installs it."""
    node = require_node()
    if not (WEB / "node_modules" / ".package-lock.json").exists():
        _install()
    return node


def _install() -> None:
    npm = shutil.which("npm") or skip_or_fail("web/node_modules is missing, and npm is not installed")
    done = subprocess.run([npm, "ci", "--ignore-scripts"], cwd=WEB, capture_output=True, text=True, check=False)
    if done.returncode:
        skip_or_fail(f"npm ci failed in web/: {done.stderr[-600:]}")
