"""`terrarium doctor`: its answer, its exit status, and that it works where the server does not start."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from doctor_command import port_state, run_doctor
from handlers.doctor.check import Bad, Check, Finding, Good, Report, Warned
from handlers.doctor.port import PortFree, PortServed, PortTaken
from runtime_config.constants import SERVER_FILE
from runtime_config.folder_lock import folders_held
from tests.play.harness import play_server
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def reporting(*findings: Finding) -> Callable[[Sequence[str]], Report]:
    checks = tuple(Check(f"check-{at}", f"Thing {at}", finding) for at, finding in enumerate(findings))
    return lambda _: Report(checks)


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([Good("Well.")], 0),
        ([Good("Well."), Warned("Full.", "Make room.")], 0),
        ([Warned("Full.", "Make room."), Bad("Gone.", "Bring it back.")], 1),
    ],
)
def test_scripts_go_by_the_exit_status(
    findings: list[Finding], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_doctor([], reporting(*findings)) == status
    assert run_doctor(["--json"], reporting(*findings)) == status
    capsys.readouterr()


def test_a_person_reads_what_is_so_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    run_doctor([], reporting(Good("Well."), Bad("Gone.", "Bring it back.")))
    assert capsys.readouterr().out.splitlines() == [
        "ok    Thing 0  Well.",
        "BAD   Thing 1  Gone.",
        "               -> Bring it back.",
        "",
        "What will not run, or keeps something from running: Thing 1.",
    ]


def test_scripts_read_json(capsys: pytest.CaptureFixture[str]) -> None:
    run_doctor(["--json"], reporting(Bad("Gone.", "Bring it back.")))
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "checks": [
            {"id": "check-0", "title": "Thing 0", "state": "bad", "found": "Gone.", "mend": "Bring it back."},
        ],
    }


def test_the_flags_of_the_server_are_handed_on(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Sequence[str]] = []

    def examine(flags: Sequence[str]) -> Report:
        seen.append(flags)
        return Report((Check("one", "One", Good("Well.")),))

    run_doctor(["--port", "9000", "--json", "--accounts"], examine)
    assert seen == [["--port", "9000", "--accounts"]]
    assert run_doctor(["--help"], examine) == 0
    assert "terrarium doctor" in capsys.readouterr().out
    assert len(seen) == 1


def test_a_package_that_is_missing_is_the_finding(capsys: pytest.CaptureFixture[str]) -> None:
    def examine(_: Sequence[str]) -> Report:
        raise ModuleNotFoundError("No module named 'simplejpeg'", name="simplejpeg")

    assert run_doctor([], examine) == 1
    assert "The package simplejpeg cannot be imported" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------ the port


def test_a_free_port_is_free_and_left_free() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    assert [port_state("127.0.0.1", port), port_state("127.0.0.1", port)] == [PortFree("127.0.0.1", port)] * 2


def test_a_port_of_another_program_is_taken() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        other.settimeout(0)  # it accepts nobody
        state = port_state("127.0.0.1", other.getsockname()[1])
    assert isinstance(state, PortTaken)


def test_a_terrarium_on_the_port_is_known_by_its_answer() -> None:
    with play_server() as here:
        assert port_state("127.0.0.1", here.server.port) == PortServed("127.0.0.1", here.server.port)


# ----------------------------------------------------------------------------------- where the server does not start


@pytest.mark.trial
def test_it_works_with_broken_settings_a_taken_port_and_a_held_folder(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = [\n")
    with closing(socket.create_server(("127.0.0.1", 0))) as other, folders_held({"--data-dir": tmp_path}):
        port = str(other.getsockname()[1])
        flags = ["--json", "--data-dir", str(tmp_path), "--port", port]
        line = [sys.executable, str(SERVER_FILE), "doctor", *flags]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=deadline_s())
    assert done.returncode == 1, done.stderr
    checks = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    assert {name for name, check in checks.items() if check["state"] == "bad"} == {"settings", "port", "data-folder"}
    assert "settings.toml, line 2" in checks["settings"]["found"]
    assert checks["model:terrarium/diorama"]["state"] == "good"
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["settings.toml"]


@pytest.mark.trial
def test_it_works_with_a_flag_that_is_mistyped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    line = [sys.executable, str(SERVER_FILE), "doctor", "--json", "--prot", "80"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=deadline_s())
    assert done.returncode == 1, done.stderr
    settings = next(check for check in json.loads(done.stdout)["checks"] if check["id"] == "settings")
    assert "--prot" in settings["found"]


# --------------------------------------------------------------------------------------------- from a running server


def test_a_running_server_examines_itself() -> None:
    with play_server() as here:
        answer = here.http.get("/api/doctor").json()
    assert answer["ok"]
    checks = {check["id"]: check for check in answer["checks"]}
    assert checks["port"]["found"].startswith("This server listens on port")
    assert checks["model:fake/world"] == {
        "id": "model:fake/world",
        "title": "Fake fake/world",
        "state": "good",
        "found": "It plays on the processor.",
        "mend": None,
    }
