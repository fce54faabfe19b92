"""`/openapi.json` says what the server does: schemathesis, with every check that it has, finds no difference."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.schema.full_server import full_server
from tests.source_code import PROJECT
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from pathlib import Path

    from tests.schema.full_server import FullServer

pytestmark = pytest.mark.trial

TOKEN: Final = "correct-horse-battery-staple"
# These take or remove what the parameters name, so that what exists is there once.
_ENDS_WHAT_IS_THERE: Final = ("DELETE",)

# What schemathesis expects, and two statuses for conditions, which it leaves out: a condition may be stale however
# valid it is (412, RFC 9110), and one that is asked for may be missing (428, RFC 6585).
_STATUSES: Final = (
    "[checks.positive_data_acceptance]",
    'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]',
    "[checks.missing_required_header]",
    'expected-statuses = ["400", "401", "403", "406", "415", "422", "428"]',
    # A text beyond its bound may be too long for any body, which is told before it is read (413).
    "[checks.negative_data_rejection]",
    'expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]',
    # What a picture is, and which videos a model can make, no schema says: the answer is 422 with a sentence.
    "[[operations]]",
    'include-path = "/v1/videos"',
    "[operations.checks.positive_data_acceptance]",
    'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429", "5xx"]',
)


def _check(server: FullServer, folder: Path, *options: str, there: bool = False) -> None:
    """Run schemathesis. `there`: the parameters name what exists."""
    names = [f'"path.{name}" = "{value}"' for name, value in server.there.items()] if there else []
    settings = folder / "schemathesis.toml"
    settings.write_text("\n".join(["[parameters]", *names, *_STATUSES]), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
        *(f"{server.url}/openapi.json", "--checks", "all", "--generation-deterministic", "--no-color"),
        "--continue-on-failure",
        # An answer that never comes is a failure. How soon one comes is up to the machine, and no part of a schema.
        *("--request-timeout", f"{deadline_s():.0f}", "--max-response-time", f"{deadline_s():.0f}", *options),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.schema.hooks", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=deadline_s(120), check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert server.faults == []


def test_every_bound_and_method_is_as_declared(tmp_path: Path) -> None:
    with full_server(tmp_path) as server:
        _check(server, tmp_path, "--phases", "examples,coverage")


def test_what_exists_answers_as_declared(tmp_path: Path) -> None:
    with full_server(tmp_path) as server:
        ends = [part for method in _ENDS_WHAT_IS_THERE for part in ("--exclude-method", method)]
        _check(server, tmp_path, "--phases", "coverage", *ends, there=True)


@pytest.mark.parametrize("header", ["Range: bytes=0-9,20-", "If-None-Match: *"])
def test_files_are_sent_in_parts_and_kept_as_declared(header: str, tmp_path: Path) -> None:
    with full_server(tmp_path) as server:
        files = ("--include-method", "GET", "--include-path-regex", "(video|file|image|thumbnail)$")
        _check(server, tmp_path, "--phases", "coverage", "--header", header, *files, there=True)


def test_what_asks_for_the_token_says_so(tmp_path: Path) -> None:
    """With it everything is as before; without it, or with a wrong one, there is nothing."""
    with full_server(tmp_path, token=TOKEN) as server:
        _check(server, tmp_path, "--phases", "coverage", "--header", f"Authorization: Bearer {TOKEN}")


@pytest.mark.timeout(240)
def test_made_up_requests_and_chains_of_them_are_answered_as_declared(tmp_path: Path) -> None:
    films = ("--exclude-path", "/api/video/again", "--exclude-path", "/api/video/sources")  # bodies are films
    with full_server(tmp_path) as server:
        _check(server, tmp_path, "--phases", "fuzzing,stateful", "--max-examples", "40", *films)
