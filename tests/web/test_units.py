"""The client's pure modules, tested by node's own runner."""

from __future__ import annotations

import subprocess

from tests.web.node_tools import WEB, require_node


def test_node_unit_tests_pass() -> None:
    node = require_node()
    files = sorted(str(path) for path in (WEB / "tests").glob("*.test.js"))
    assert files
    done = subprocess.run([node, "--test", *files], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
