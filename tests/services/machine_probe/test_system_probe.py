"""The real probe, on this machine and on small stand-ins for others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runtime_config.folder_lock import folders_held
from services.database.inspection import inspect_database
from services.database.sql_database import SqlDatabase, sqlite_url
from services.machine_probe._torch import describe_torch
from services.machine_probe.machine_probe import (
    DatabaseAbsent,
    DatabaseNewer,
    DatabaseSound,
    DatabaseUnusable,
    FfmpegFound,
    FfmpegMissing,
    FolderHeld,
    FolderUnusable,
    FolderUsable,
    TorchBroken,
    TorchFound,
)
from services.machine_probe.system_probe import SystemProbe
from services.video_writer.encoders_here import describe_ffmpeg

PROBE = SystemProbe()

# ----------------------------------------------------------------------------------------------------- torch


def child(tmp_path: Path, program: str) -> Path:
    script = tmp_path / "child.py"
    script.write_text(program)
    return script


def test_torch_is_described_by_a_process_of_its_own() -> None:
    state = PROBE.torch(try_card=False)
    assert isinstance(state, TorchFound)
    assert state.version[0].isdecimal()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os._exit(7)", "importing it ended the process with status 7"),
        ("print('hello')", "importing it ended the process with status 0"),
        ("""print('{"broken": "OSError: libcudart.so"}')""", "importing it failed: OSError: libcudart.so"),
    ],
)
def test_a_torch_that_breaks_is_an_answer(tmp_path: Path, program: str, reason: str) -> None:
    assert describe_torch(try_card=True, child=child(tmp_path, program)) == TorchBroken(reason)


def test_a_torch_that_hangs_is_an_answer(tmp_path: Path) -> None:
    hangs = child(tmp_path, "import time; time.sleep(600)")
    assert describe_torch(try_card=True, child=hangs, limit_s=0.2) == TorchBroken("it did not answer within 0 s")


def test_what_the_library_prints_first_is_passed_over(tmp_path: Path) -> None:
    answer = '{"version": "9", "cuda": "13.0", "devices": ["Card"], "fault": null}'
    state = describe_torch(try_card=True, child=child(tmp_path, f"print('Warning: old');print('{answer}')"))
    assert state == TorchFound("9", "13.0", ("Card",))


# --------------------------------------------------------------------------------------- what is plugged in


def plug_in(devices: Path, address: str, vendor: str, kind: str) -> None:
    (devices / address).mkdir(parents=True)
    (devices / address / "vendor").write_text(f"{vendor}\n")
    (devices / address / "class").write_text(f"{kind}\n")


def test_only_graphics_cards_of_nvidia_are_counted(tmp_path: Path) -> None:
    plug_in(tmp_path, "01:00.0", "0x10de", "0x030000")
    plug_in(tmp_path, "01:00.1", "0x10de", "0x040300")  # its sound
    plug_in(tmp_path, "02:00.0", "0x1002", "0x030000")
    plug_in(tmp_path, "03:00.0", "0x10de", "0x030200")
    assert SystemProbe(tmp_path).nvidia_cards() == 2
    assert SystemProbe(tmp_path / "nothing here").nvidia_cards() is None


# ---------------------------------------------------------------------------------------------------- ffmpeg


def test_the_encoder_in_software_works_here() -> None:
    state = PROBE.ffmpeg()
    assert isinstance(state, FfmpegFound)
    assert state.has_software


def test_no_ffmpeg_is_an_answer(tmp_path: Path) -> None:
    assert describe_ffmpeg(tmp_path / "ffmpeg") == FfmpegMissing("ffmpeg could not be run: No such file or directory.")


# -------------------------------------------------------------------------------------------------- folders


def test_a_folder_is_looked_at_and_left_as_it_was(tmp_path: Path) -> None:
    assert PROBE.folder(tmp_path) == FolderUsable()
    assert PROBE.folder(tmp_path / "new" / "one") == FolderUsable(is_there=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert PROBE.folder(tmp_path / "file") == FolderUnusable("it is a file")
    assert PROBE.folder(tmp_path / "file" / "below") == FolderUnusable("file above it is a file")


def test_a_folder_that_a_server_holds_is_told_and_free_again_afterwards(tmp_path: Path) -> None:
    with folders_held({"--data-dir": tmp_path}):
        state = PROBE.folder(tmp_path)
        assert isinstance(state, FolderHeld)
    assert PROBE.folder(tmp_path) == FolderUsable()


def test_the_room_of_a_folder_that_is_not_made_yet_is_known(tmp_path: Path) -> None:
    space = PROBE.disk(tmp_path / "new" / "one")
    assert space is not None
    assert 0 < space.free <= space.total


# ------------------------------------------------------------------------------------------------- database


def test_a_database_is_inspected_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "terrarium.sqlite"
    assert inspect_database(file, None) == DatabaseAbsent()
    assert not file.exists()
    SqlDatabase(sqlite_url(file)).close()
    before = file.read_bytes()
    assert inspect_database(file, None) == DatabaseSound("terrarium.sqlite")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("revision", "state"),
    [("0001", DatabaseSound("terrarium.sqlite", needs_upgrade=True)), ("9999", DatabaseNewer())],
)
def test_the_layout_of_a_database_is_known(tmp_path: Path, revision: str, state: object) -> None:
    file = tmp_path / "terrarium.sqlite"
    SqlDatabase(sqlite_url(file)).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert inspect_database(file, None) == state


def test_a_damaged_or_foreign_file_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database at all, and longer than its header would be" * 20)
    assert inspect_database(damaged, None) == DatabaseUnusable("file is not a database")
    foreign = tmp_path / "foreign.sqlite"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    assert inspect_database(foreign, None) == DatabaseUnusable("another program made it")


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://ann:hidden-word@127.0.0.1:1/worlds", "hidden-word", "oracle+cx://ann:hidden-word@h/w"]
)
def test_a_database_server_that_cannot_be_asked_is_told_without_its_password(url: str) -> None:
    state = inspect_database(Path("unused"), url)
    assert isinstance(state, DatabaseUnusable)
    assert "hidden-word" not in state.reason
