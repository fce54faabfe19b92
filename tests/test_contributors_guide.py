"""The guide for contributors, followed: its worked examples are applied to a copy of the tree and run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import deadline_s

pytestmark = pytest.mark.trial

PROJECT = Path(__file__).resolve().parent.parent
GUIDE = PROJECT / "docs" / "contributing.md"
COPIED = (
    "_routes",
    "handlers",
    "network",
    "replay",
    "runtime_config",
    "scripts",
    "services",
    "state",
    "tests",
    "world_model",
)

# Runs in the copy: a session asks for the age of its world before and after it was played.
PLAYED = """
from tests.play.harness import play_server

with play_server() as server, server.client(extended=True) as client:
    refused = client.reply(client.request("world_age"))
    assert refused["code"] == "notReady", refused
    client.start()
    client.hold("W")
    age = client.reply(client.request("world_age"))["data"]["seconds"]
    assert age > 0, age
print("played")
"""


def _example(tmp_path: Path, heading: str) -> list[str]:
    """The changes of a section of the guide, applied to a copy of the tree; the files that they touch."""
    text = GUIDE.read_text(encoding="utf-8")
    section = text[text.index(f"## {heading}\n") :]
    section = section[: section.index("\n## ")]
    patch = "".join(re.findall(r"```diff\n(.*?)```", section, flags=re.DOTALL))
    for folder in COPIED:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in PROJECT.glob("*.py"):
        shutil.copy(module, tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "web").mkdir()
    applied = subprocess.run(
        ["git", "apply", "--unidiff-zero", "--verbose", "-"],
        cwd=tmp_path,
        input=patch,
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr
    return re.findall(r"^\+\+\+ b/(.+)$", patch, flags=re.MULTILINE)


def _python(tmp_path: Path, *arguments: str, expected: tuple[int, ...] = (0,)) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=deadline_s(240))
    assert done.returncode in expected, done.stderr
    return done.stdout


def test_a_command_added_as_the_guide_says_can_be_played(tmp_path: Path) -> None:
    touched = _example(tmp_path, "Adding a command")
    assert touched == ["wire_protocol.py", "handlers/session/commands.py", "access_rules.py"]
    _python(tmp_path, "-m", "scripts.generate_protocol", expected=(2,))  # the copy has no node_modules for the types
    schema = json.loads((tmp_path / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
    assert "world_age" in json.dumps(schema["$defs"]["ExtendedClientMessage"])
    assert _python(tmp_path, "-c", PLAYED).splitlines()[-1] == "played"


def test_a_kind_of_job_added_as_the_guide_says_is_done(tmp_path: Path) -> None:
    touched = _example(tmp_path, "Adding a kind of job")
    assert len(touched) <= 4
    test = touched[-1]
    assert test.startswith("tests/")
    rules = "tests/test_access_rules.py::test_every_kind_of_job_has_a_rule_and_every_rule_a_kind"
    told = _python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, rules)
    assert "2 passed" in told
