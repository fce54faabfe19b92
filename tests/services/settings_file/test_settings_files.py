"""The settings files: both implementations alike, and what only a disk can do."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import pytest

from runtime_config.settings_fault import SettingsFault, SettingsFaultsError
from runtime_config.settings_texts import SettingsTexts
from services.settings_file.folder_settings_files import FolderSettingsFiles
from services.settings_file.settings_file import SettingsFileError, SettingsFiles
from tests.fakes.fake_settings_files import FakeSettingsFiles
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Outside(Protocol):
    """What somebody else does to the files."""

    @property
    def files(self) -> SettingsFiles: ...

    def put(self, settings: bytes) -> None: ...

    def spoil(self) -> None: ...

    def protect(self) -> None: ...


class RealFiles:
    def __init__(self, folder: Path) -> None:
        self.files = FolderSettingsFiles(folder)

    def put(self, settings: bytes) -> None:
        self.files.path.write_bytes(settings)

    def spoil(self) -> None:
        self.files.path.unlink(missing_ok=True)
        self.files.path.mkdir()

    def protect(self) -> None:
        self.files.path.chmod(0o444)


class FakeFiles:
    def __init__(self) -> None:
        self.files = FakeSettingsFiles()

    def put(self, settings: bytes) -> None:
        self.files.put(SettingsTexts(settings, self.files.texts.secrets))

    def spoil(self) -> None:
        self.files.unreadable = SettingsFault("settings.toml", "It cannot be read.")

    def protect(self) -> None:
        self.files.unwritable = "settings.toml is read-only, so nothing was changed."


@pytest.fixture(params=["real", "fake"])
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> Outside:
    return RealFiles(tmp_path) if request.param == "real" else FakeFiles()


def test_there_are_no_files_at_first(outside: Outside) -> None:
    assert outside.files.read() == SettingsTexts()
    assert outside.files.path.name == "settings.toml"


def test_what_is_written_is_read(outside: Outside) -> None:
    files, both = outside.files, SettingsTexts(b"# one\n", b"# two\n")
    files.write(SettingsTexts(), both)
    assert files.read() == both
    files.write(both, SettingsTexts(b"# three\n", b"# two\n"))
    assert files.read() == SettingsTexts(b"# three\n", b"# two\n")


def test_what_does_not_differ_is_not_written(outside: Outside) -> None:
    files, before = outside.files, SettingsTexts(b"# one\n")
    files.write(SettingsTexts(), before)
    outside.put(b"# meanwhile\n")
    files.write(before, SettingsTexts(b"# one\n", b"# two\n"))
    assert files.read() == SettingsTexts(b"# meanwhile\n", b"# two\n")


def test_what_cannot_be_read_is_a_fault(outside: Outside) -> None:
    outside.spoil()
    with pytest.raises(SettingsFaultsError) as refused:
        outside.files.read()
    assert refused.value.faults[0].file == "settings.toml"


def test_what_cannot_be_written_is_an_error_and_stays(outside: Outside) -> None:
    outside.put(b"# one\n")
    outside.protect()
    with pytest.raises(SettingsFileError, match=r"settings\.toml is read-only, so nothing was changed\."):
        outside.files.write(SettingsTexts(b"# one\n"), SettingsTexts(b"# two\n"))
    assert outside.files.read() == SettingsTexts(b"# one\n")


async def _told(files: SettingsFiles, act: Callable[[], None], want: Callable[[], bool]) -> None:
    """What `act` changes once the files are watched is told, and the watching ends when it is told to."""
    async with asyncio.timeout(deadline_s()), aclosing(files.changes()) as changes:
        await anext(changes)
        await asyncio.to_thread(act)
        async for _ in changes:
            if want():
                break


def test_a_change_from_outside_is_told(outside: Outside) -> None:
    files = outside.files
    asyncio.run(_told(files, lambda: outside.put(b"# new\n"), lambda: files.read().settings == b"# new\n"))


def test_watching_can_be_cancelled(outside: Outside) -> None:
    async def watch() -> None:
        async for _ in outside.files.changes():
            pass

    async def cancel() -> bool:
        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        watching.cancel()
        done, _ = await asyncio.wait({watching}, timeout=deadline_s())
        return bool(done) and watching.cancelled()

    assert asyncio.run(cancel())


# --------------------------------------------------------------------------------------------------- on the disk


def replace(folder: Path) -> None:
    other = folder / "new.toml"
    other.write_bytes(b"# new\n")
    other.replace(folder / "settings.toml")


def restore_with_its_old_time(folder: Path) -> None:
    path, other = folder / "settings.toml", folder / "backup"
    before = path.stat()
    other.write_bytes(b"# new\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def write_in_two_halves(folder: Path) -> None:
    with (folder / "settings.toml").open("wb", buffering=0) as file:
        file.write(b"# n")
        file.write(b"ew\n")


@pytest.mark.parametrize("change", [replace, restore_with_its_old_time, write_in_two_halves])
def test_every_way_of_changing_the_file_is_told(tmp_path: Path, change: Callable[[Path], None]) -> None:
    files = FolderSettingsFiles(tmp_path)
    files.path.write_bytes(b"# old\n")
    asyncio.run(_told(files, lambda: change(tmp_path), lambda: files.read().settings == b"# new\n"))


def test_a_file_that_vanishes_is_told(tmp_path: Path) -> None:
    files = FolderSettingsFiles(tmp_path)
    files.path.write_bytes(b"# old\n")
    asyncio.run(_told(files, files.path.unlink, lambda: files.read().settings is None))


@pytest.mark.skipif(os.name != "posix", reason="rights and links are others there")
def test_rights_and_links_stay(tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    (there / "real.toml").write_bytes(b"# one\n")
    (there / "real.toml").chmod(0o640)
    (tmp_path / "settings.toml").symlink_to(there / "real.toml")
    files = FolderSettingsFiles(tmp_path)
    files.write(SettingsTexts(b"# one\n"), SettingsTexts(b"# two\n", b"# three\n"))
    assert files.path.is_symlink()
    assert (there / "real.toml").read_bytes() == b"# two\n"
    assert stat.S_IMODE((there / "real.toml").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600
    asyncio.run(_told(files, lambda: replace_target(there), lambda: files.read().settings == b"# new\n"))


def replace_target(folder: Path) -> None:
    (folder / "next").write_bytes(b"# new\n")
    (folder / "next").replace(folder / "real.toml")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    files = FolderSettingsFiles(tmp_path)
    files.write(SettingsTexts(), SettingsTexts(b"# one\n", b"# two\n"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.toml", "settings.toml"]
