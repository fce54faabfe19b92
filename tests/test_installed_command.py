"""The package as pip installs it: the command `terrarium` works from any folder, with everything that it ships."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.trial

PROJECT = Path(__file__).resolve().parent.parent
NOT_INSTALLED = {"tests", "benchmarks", "scripts"}
DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, installed from a copy, as building leaves files beside the sources."""
    copy = tmp_path_factory.mktemp("checkout") / "terrarium"
    target = tmp_path_factory.mktemp("installed")
    leave_out = (".*", "build", "node_modules", "__pycache__", "*.egg-info", "tests", "docs", "data")
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*leave_out))
    offline = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(copy)]
    subprocess.run(command, check=True, timeout=DEADLINE_S)
    return target


def environment(installed: Path) -> Mapping[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    return {**others, "PYTHONPATH": str(installed)}


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(installed / "bin" / "terrarium"), *arguments],
        cwd=folder,
        env=environment(installed),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_it_explains_itself_from_another_folder(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: terrarium ")
    replay = run(installed, tmp_path, "replay", "--help")
    assert (replay.returncode, replay.stderr) == (0, "")
    assert replay.stdout.startswith("usage: terrarium replay ")


def test_a_mistyped_setting_is_named_in_a_sentence(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--prot", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Unrecognized arguments: --prot 1. Run with --help to see every flag.\n"
    missing = run(installed, tmp_path, "replay", "nowhere.world")
    assert (missing.returncode, missing.stderr) == (2, "nowhere.world cannot be read: No such file or directory.\n")


def test_it_serves_the_page_the_seeds_and_the_built_in_world(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "bin" / "terrarium"), "--port", "0", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(installed), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            assert b"<title>" in fetched(port, "/")
            for path in (PROJECT / "web").rglob("*.js"):
                name = path.relative_to(PROJECT / "web")
                if name.parts[0] not in {"tests", "node_modules"}:
                    assert fetched(port, f"/{name.as_posix()}") == path.read_bytes()
            seeds: Any = json.loads(fetched(port, "/api/seeds"))
            shipped: Any = json.loads((PROJECT / "assets" / "seeds" / "seeds.json").read_bytes())
            assert len(seeds["seeds"]) == len(shipped)
            health: Any = json.loads(fetched(port, "/health"))
            assert health["status"] == "ok"
        finally:
            process.terminate()
            process.wait(DEADLINE_S)
    for path in (PROJECT / "assets").rglob("*"):
        if path.suffix in {".onnx", ".json", ".ttf"}:
            assert (installed / path.relative_to(PROJECT)).read_bytes() == path.read_bytes()


def test_every_module_of_the_server_is_installed(installed: Path) -> None:
    """A package that is new has to be listed in pyproject.toml."""
    modules = {path.name for path in PROJECT.glob("*.py")}
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - NOT_INSTALLED
    assert modules | packages <= {path.name for path in installed.iterdir()}
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert not NOT_INSTALLED & {pattern.rstrip("*") for pattern in listed["packages"]["find"]["include"]}


def fetched(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200, path
        return response.read()
    finally:
        connection.close()
