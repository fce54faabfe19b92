"""What accounts cost a server that has none, and one that has: real services, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.source_code import PROJECT
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.trial

_PROGRAM = """
import asyncio, json, pathlib, sys
from app_handler import AppHandler
from service_bundle import build_default_service_bundle
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import AccessConfig, RuntimeConfig
from tests.play.harness import SilentLogStream

async def main(folder, accounts):
    config = RuntimeConfig(data_dir=folder, access=AccessConfig(accounts=accounts))
    launch = Launch.of(config)
    handler = AppHandler(launch, build_default_service_bundle(launch, SilentLogStream()))
    async with handler.running():
        loaded = [name for name in ("argon2", "sqlalchemy", "alembic") if name in sys.modules]
        has_code = handler.accounts.setup_code is not None
    return {"loaded": loaded, "code": has_code, "files": [file.name for file in folder.glob("*.sqlite*")]}

print(json.dumps(asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2] == "yes"))))
"""


def started(folder: Path, accounts: str) -> dict[str, Any]:
    """What a server has loaded and made by the time that it serves."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PROGRAM), str(folder), accounts],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=deadline_s(),
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_without_accounts_nothing_is_imported_and_no_database_is_made(tmp_path: Path) -> None:
    assert started(tmp_path, "no") == {"loaded": [], "code": False, "files": []}


def test_with_accounts_the_first_start_makes_a_code_and_the_database(tmp_path: Path) -> None:
    found = started(tmp_path, "yes")
    assert (found["code"], found["files"]) == (True, ["terrarium.sqlite"]), "closed, without its log beside it"
    assert "argon2" not in found["loaded"], "it comes with the first password"
