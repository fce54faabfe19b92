"""The browser client is type-checked against the generated protocol types."""

from __future__ import annotations

import subprocess

import pytest

from tests.web.node_tools import WEB, require_node_modules

pytestmark = pytest.mark.xdist_group("node")


@pytest.mark.parametrize("project", [".", "tests"])
def test_the_client_type_checks(project: str) -> None:
    node = require_node_modules()
    compiler = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run([node, compiler, "-p", project], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_file_asks_to_be_checked() -> None:
    files = [path for folder in (".", "controls", "texts", "texts/en", "tests") for path in (WEB / folder).glob("*.js")]
    assert len(files) > 20
    assert [path.name for path in files if not path.read_text(encoding="utf-8").startswith("// @ts-check\n")] == []


def test_the_lock_file_names_no_download_address() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text(encoding="utf-8")
