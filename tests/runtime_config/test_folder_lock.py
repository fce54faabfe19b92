"""A folder is held by one server, until its process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runtime_config.folder_lock import LOCK_FILE, folders_held
from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_held_is_refused_with_its_flag_and_the_process(tmp_path: Path) -> None:
    with (
        folders_held({"--data-dir": tmp_path}),
        pytest.raises(LaunchError) as refused,
        folders_held({"--recordings-dir": tmp_path}),
    ):
        pass
    message = refused.value.message
    assert f"Another server (process {os.getpid()}) uses the folder {tmp_path.resolve()}" in message
    assert message.endswith("choose another folder with --recordings-dir.")
    with folders_held({"--data-dir": tmp_path}):
        pass


def test_a_folder_is_the_same_by_any_name(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    both = {"--data-dir": tmp_path / "folder", "--recordings-dir": tmp_path / "link"}
    with folders_held(both), pytest.raises(LaunchError), folders_held({"--data-dir": tmp_path / "link"}):
        pass


def test_a_folder_is_shared_with_those_alone_who_share_it(tmp_path: Path) -> None:
    def refused(folder: dict[str, Path], *, shared: bool) -> bool:
        try:
            with folders_held(folder, shared=shared):
                return False
        except LaunchError as error:
            return "Another server" in error.message

    alone, together = {"--data-dir": tmp_path}, {"--shared-dir": tmp_path}
    with folders_held(together, shared=True):
        assert not refused(together, shared=True)
        assert refused(alone, shared=False)
    with folders_held(alone):
        assert refused(together, shared=True)


def test_a_refused_second_folder_gives_the_first_back(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with folders_held({"--data-dir": two}):
        with pytest.raises(LaunchError), folders_held({"--data-dir": one, "--recordings-dir": two}):
            pass
        with folders_held({"--data-dir": one}):
            pass


def test_what_stands_in_the_way_of_the_lock_is_told(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(LaunchError, match="cannot be locked"), folders_held({"--data-dir": tmp_path}):
        pass


def test_a_kill_gives_the_folder_back_though_a_child_lives_on(tmp_path: Path) -> None:
    program = (
        "import pathlib, subprocess, sys\n"
        "from runtime_config.folder_lock import folders_held\n"
        f"with folders_held({{'--data-dir': pathlib.Path({str(tmp_path)!r})}}):\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=sys.stdin)\n"
        "    print(child.pid, flush=True)\n"
        "    child.wait()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdecimal()
        with pytest.raises(LaunchError, match=f"process {process.pid}"), folders_held({"--data-dir": tmp_path}):
            pass
        process.kill()
        process.wait()
        with folders_held({"--data-dir": tmp_path}):
            pass
        assert process.stdin is not None
        process.stdin.close()  # ends the child
