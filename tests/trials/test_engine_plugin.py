"""An engine of another package: installed with pip into a fresh environment, played, recorded and rewound."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from websockets.sync.client import connect

from runtime_config.constants import PROJECT_DIR
from tests.play.harness import PlayClient, picture
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [pytest.mark.trial, pytest.mark.timeout(600)]

_PLAYED_S: Final = 4.0  # longer than what is too short to be kept as a recording
_LEAVE_OUT: Final = (".*", "build", "node_modules", "__pycache__", "*.egg-info", "tests", "docs", "data")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the server and the example in it, each built from a copy of its sources.

    What they need comes from the environment of the tests, by a .pth file, so that nothing is fetched. Other .pth files
    there are not obeyed, so an editable installation of this checkout does not get in.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    own = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (folder / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    shutil.move(folder / "others.pth", own)
    for name, sources in {"server": PROJECT_DIR, "plugin": PROJECT_DIR / "examples" / "engine_plugin"}.items():
        shutil.copytree(sources, folder / name, ignore=shutil.ignore_patterns(*_LEAVE_OUT))
        offline = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--ignore-installed", *offline]
        subprocess.run([*install, str(folder / name)], check=True, timeout=deadline_s())
    return folder / "venv"


@pytest.fixture
def url(environment: Path, tmp_path: Path) -> Generator[str]:
    """Of a server that was started by its installed command, in another folder."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("TERRARIUM_", "PYTHON"))}
    command = [environment / "bin" / "terrarium", "--port", "0", "--data-dir", tmp_path / "data"]
    with subprocess.Popen(command, cwd=tmp_path, env=others, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()
            process.wait(deadline_s())


def fly(client: PlayClient, seconds: float, *buttons: str) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        client.control(*buttons)
        client.frame(lambda frame: frame.header.gen_ms > 0)  # no still picture


def test_it_is_played_recorded_and_rewound(url: str) -> None:
    models: list[dict[str, Any]] = httpx.get(f"{url}/api/models", timeout=deadline_s()).json()
    assert models[0]["id"] == "terrarium/diorama"
    assert [(model["title"], model["is_local"]) for model in models if model["id"] == "example/tunnel"] == [
        ("Tunnel", True)
    ]
    address = url.replace("http", "ws", 1) + "/ws?protocol_version=5&client=terrarium"
    with connect(address, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
        client = PlayClient(socket, extended=True)
        client.start(picture(90, width=640, height=360), model="example/tunnel", video_recording=True)
        fly(client, _PLAYED_S, "W", "D")
        rewound = client.reply(client.request("rewind", seconds=1.0))
        assert rewound["success"]
        fly(client, 0.1, "A")
        assert client.reply(client.request("save_world"))["success"]
    wait_until(
        lambda: len(httpx.get(f"{url}/api/recordings", timeout=deadline_s()).json()["recordings"]) > 0,
        "the recording is in the gallery",
    )
