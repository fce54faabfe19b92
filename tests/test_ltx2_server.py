"""The whole server as a person starts it: one process, its printed address, its exit status."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.sync.client import connect

from network.listening_socket import create_listening_socket
from tests.terminal import in_terminal, terminal, without_terminal
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parent.parent


@contextmanager
def started(data_dir: Path, *arguments: str, has_terminal: bool = False) -> Generator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    asked = [str(ROOT / "ltx2_server.py"), "--data-dir", str(data_dir), *arguments]
    with (
        terminal() as its,
        subprocess.Popen(
            in_terminal(its, asked) if has_terminal else without_terminal(asked),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
            pass_fds=[its],
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Server running on http://127.0.0.1:"), line
    return int(line.rpartition(":")[2])


def answer(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=deadline_s())
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_serves_at_the_printed_address_and_stops_when_asked(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0") as process:
        port = port_of(process)
        status, body = answer(port, "GET", "/health")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert answer(port, "POST", "/shutdown")[0] == 200
        output, _ = process.communicate(timeout=deadline_s())
        assert (process.returncode, output) == (0, "")
    for line in (tmp_path / "logs" / "server.log").read_text().splitlines():
        json.loads(line)


@pytest.mark.trial
def test_it_tells_its_clients_when_it_stops_and_leaves_frames_uncompressed(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0") as process:
        port = port_of(process)
        url = f"ws://127.0.0.1:{port}/ws?protocol_version=5"
        with connect(url, compression="deflate", open_timeout=deadline_s()) as client:
            assert "Sec-WebSocket-Extensions" not in client.response.headers  # pyright: ignore[reportOptionalMemberAccess] - there is one once connected
            assert answer(port, "POST", "/shutdown")[0] == 200
            messages = [json.loads(text) for text in client]
            assert [message["code"] for message in messages if message["type"] == "error"] == ["shuttingDown"]
            assert (client.close_code, client.close_reason) == (1001, "shuttingDown")
        process.communicate(timeout=deadline_s())
        assert process.returncode == 0


@pytest.mark.trial
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--port", "0", has_terminal=True) as process:
        port_of(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=deadline_s())
        assert process.returncode == 0
        assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_a_service_reads_its_settings_again_when_it_is_hung_up(tmp_path: Path) -> None:
    """And logs by them: format and level are of the process."""
    with started(tmp_path, "--port", "0") as process:
        port = port_of(process)
        (tmp_path / "settings.toml").write_text("log_level = 'debug'\nlog_format = 'text'\nmax_connections = 9\n")
        process.send_signal(signal.SIGHUP)
        log = tmp_path / "logs" / "server.log"
        wait_until(lambda: "The settings have changed" in log.read_text(), "the settings were read")
        wait_until(lambda: answer(port, "GET", "/health")[0] == 200 and '"level": "debug"' in log.read_text(), "debug")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=deadline_s())
    written = errors.splitlines()
    assert written[0].startswith("{"), "as JSON before"
    assert not written[-1].startswith("{"), "as text since"
    assert process.returncode == 0


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with create_listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "--port", str(port)) as process:
            output, errors = process.communicate(timeout=deadline_s())
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert f"Port {port} is in use" in errors


@pytest.mark.trial
def test_a_second_server_on_the_same_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0") as first:
        port_of(first)
        with started(tmp_path, "--port", "0") as second:
            output, errors = second.communicate(timeout=deadline_s())
        assert (second.returncode, output, errors.count("\n")) == (2, "", 1)
        assert f"Another server (process {first.pid}) uses the folder {tmp_path}" in errors
        first.kill()
        first.wait()
    with started(tmp_path, "--port", "0") as third:
        port_of(third)


def test_a_refused_start_is_said_in_one_sentence(tmp_path: Path) -> None:
    with started(tmp_path, "--host", "0.0.0.0") as process:
        output, errors = process.communicate(timeout=deadline_s())
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert "--allow-anonymous" in errors


def test_it_does_not_start_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with started(tmp_path, "--port", "0", "--parent-pid", str(gone.pid)) as process:
        _, errors = process.communicate(timeout=deadline_s())
    assert process.returncode == 2
    assert "--parent-pid" in errors


@pytest.mark.trial
def test_it_stops_with_its_parent(tmp_path: Path) -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        started(tmp_path, "--port", "0", "--parent-pid", str(parent.pid)) as process,
    ):
        port_of(process)
        parent.kill()
        parent.wait()
        process.communicate(timeout=deadline_s())
        assert process.returncode == 0


def test_heavy_imports_wait_for_the_arguments() -> None:
    check = (
        "import sys, ltx2_server\n"
        "status = ltx2_server.main(['--port', 'x'])\n"
        "heavy = {'fastapi', 'uvicorn', 'numpy', 'cv2', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'{status} {heavy}' if status != 2 or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.trial
def test_the_first_owner_comes_in_by_the_printed_code_and_the_next_start_prints_none(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0", "--accounts") as process:
        port = port_of(process)
        assert process.stdout is not None
        code = process.stdout.readline().rpartition(": ")[2].strip()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=deadline_s()) as browser:
            body = {"name": "Ann", "password": "correct horse"}
            behind_a_proxy = {"X-Forwarded-For": "192.0.2.7"}
            assert browser.post("/api/account/setup", json=body, headers=behind_a_proxy).status_code == 403
            made = browser.post("/api/account/setup", json={**body, "code": code}, headers=behind_a_proxy)
            assert (made.status_code, browser.get("/api/people").status_code) == (201, 200)
            cookie = made.headers["set-cookie"].partition(";")[0]
            assert cookie.startswith(f"terrarium_account_{port}=")
            with browser.stream("GET", "/api/events") as events:
                assert events.status_code == 200
                assert browser.post("/shutdown").status_code == 200
                assert list(events.iter_lines())[-2:], "the stream ends by itself"
        process.communicate(timeout=deadline_s())
        assert process.returncode == 0
    logs = (tmp_path / "logs" / "server.log").read_text()
    assert code not in logs
    assert "correct horse" not in logs
    with started(tmp_path, "--port", "0", "--accounts") as process:
        port = port_of(process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=deadline_s()) as browser:
            assert browser.post("/api/account/sign-in", json=body).status_code == 200
            assert browser.post("/shutdown").status_code == 200
        output, _ = process.communicate(timeout=deadline_s())
        assert (process.returncode, output) == (0, "")
