"""Finds node and the client's development packages for tests, or says why they are missing."""

from __future__ import annotations

import json
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
    """The path of node, once web/node_modules is there and up to date; the first caller installs it."""
    node = require_node()
    if not _is_up_to_date():
        _install()
    return node


def _is_up_to_date() -> bool:
    """Whether what package.json names is installed as package-lock.json has it."""
    installed = WEB / "node_modules" / ".package-lock.json"
    if not installed.exists():
        return False
    wanted, found = (json.loads(path.read_text("utf-8"))["packages"] for path in (WEB / "package-lock.json", installed))
    names = [f"node_modules/{name}" for name in wanted[""]["devDependencies"]]
    return all(name in found and found[name]["version"] == wanted[name]["version"] for name in names)


def _install() -> None:
    npm = shutil.which("npm") or skip_or_fail("web/node_modules is missing, and npm is not installed")
    done = subprocess.run([npm, "ci", "--ignore-scripts"], cwd=WEB, capture_output=True, text=True, check=False)
    if done.returncode:
        skip_or_fail(f"npm ci failed in web/: {done.stderr[-600:]}")
