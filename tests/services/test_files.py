"""Files are written whole or not at all, errors are told in words, and names fit every system."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import pytest

from services.files import clean_title, disk_errors, new_file, remove_unfinished, safe_name, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from services.files import NewFile


def test_a_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with new_file(tmp_path) as new:
        new.file.write(b"all of it")
        assert new.complete() == 9
        assert not path.exists()
        new.move_to(path)
    assert path.read_bytes() == b"all of it"
    write_whole(path, b"anew")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("facts.json", b"anew")]


def _write_too_late(new: NewFile) -> None:
    new.file.write(b"half")
    new.complete()
    new.file.write(b"more")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="closed"), new_file(tmp_path) as new:
        _write_too_late(new)
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("facts.json", b"before")]
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "facts.json", b"x")


def test_what_a_crash_left_is_removed_whatever_its_date(tmp_path: Path) -> None:
    (tmp_path / ".new-left").touch()
    (tmp_path / ".new-later").touch()
    os.utime(tmp_path / ".new-later", (time.time() + 7200, time.time() + 7200))  # the clock was set back since
    (tmp_path / ".new-folder").mkdir()
    (tmp_path / "kept").touch()
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-folder", "kept"]
    remove_unfinished(tmp_path / "missing")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full, so nothing was changed."),
        (errno.EDQUOT, "The disk quota is used up, so nothing was changed."),
        (errno.EFBIG, "The disk takes no file so large, so nothing was changed."),
        (errno.EACCES, "The server may not write to its folder of worlds, so nothing was changed."),
        (errno.EPERM, "The server may not write to its folder of worlds, so nothing was changed."),
        (errno.EROFS, "The disk of the folder of worlds is read-only, so nothing was changed."),
        (errno.EIO, "The folder of worlds cannot be changed, so nothing was changed."),
        (None, "The folder of worlds cannot be changed, so nothing was changed."),
    ],
)
def test_errors_of_the_disk_are_told_in_words(number: int | None, sentence: str) -> None:
    cause = OSError("/secret/path") if number is None else OSError(number, "a path", "/secret/path")
    with pytest.raises(RuntimeError) as caught, disk_errors("folder of worlds", RuntimeError):
        raise cause
    assert (str(caught.value), caught.value.__cause__) == (sentence, cause)


def test_titles_fit_one_line() -> None:
    assert clean_title("  A\tlane\n\u202e by night ", longest=80, otherwise="x") == "Alane by night"
    assert clean_title("abc def", longest=4, otherwise="x") == "abc"
    assert clean_title("\n\0 ", longest=80, otherwise="My picture") == "My picture"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A walk", "A walk"),
        ("walk.MP4", "walk"),
        ("  a\tb\n c ", "a b c"),
        ("a/b\\c:d", "a-b-c-d"),
        ("../../etc", "-..-etc"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("e\u0301", "é"),
        ("a" * 300, "a" * 80),
        ("名" * 80, "名" * 66),
        ("", None),
        (" . ", None),
        ("///", None),
        ("\0", None),
    ],
)
def test_names_fit_every_file_system(text: str, expected: str | None) -> None:
    assert safe_name(text, suffix=".mp4") == expected
