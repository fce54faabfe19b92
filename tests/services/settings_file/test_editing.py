"""Single settings change in a file, and everything else in it stays as its owner wrote it."""

from __future__ import annotations

import tomllib

import pytest

from services.settings_file.editing import SETTINGS_HEAD, edited

WRITTEN = """\
# My server.

max_sessions = 3   # the children and me
# a slow link:
jpeg_quality = 60

anonymous_may = [
    "uploads",  # pictures
]
"""


def test_a_value_changes_and_comments_stay() -> None:
    after = edited(WRITTEN.encode(), {"max_sessions": 5, "jpeg_quality": None}, head=SETTINGS_HEAD)
    assert after is not None
    assert after.decode() == WRITTEN.replace("max_sessions = 3", "max_sessions = 5").replace("jpeg_quality = 60\n", "")


def test_a_new_setting_goes_to_the_end() -> None:
    after = edited(WRITTEN.encode(), {"log_level": "debug", "allowed_origin": ["null"]}, head=SETTINGS_HEAD)
    assert after is not None
    assert after.decode() == WRITTEN + 'log_level = "debug"\nallowed_origin = ["null"]\n'


@pytest.mark.parametrize("before", [None, b""])
def test_a_new_file_says_what_it_is(before: bytes | None) -> None:
    assert (
        edited(before, {"idle_place_s": 30.5}, head=SETTINGS_HEAD) == f"{SETTINGS_HEAD}idle_place_s = 30.5\n".encode()
    )


def test_no_change_leaves_the_bytes_alone() -> None:
    assert edited(None, {"max_sessions": None}, head=SETTINGS_HEAD) is None
    odd = b"max_sessions=3"
    assert edited(odd, {}, head=SETTINGS_HEAD) is odd


def test_a_file_without_settings_is_not_empty() -> None:
    """An empty file is taken for an accident."""
    after = edited(b"max_sessions = 3\n", {"max_sessions": None}, head=SETTINGS_HEAD)
    assert after == SETTINGS_HEAD.encode()


@pytest.mark.parametrize("text", ["\ufeffmax_sessions = 3\r\n# kept\r\n", "max_sessions = 3", "\n\n\nmax_sessions = 3"])
def test_odd_files_stay_readable(text: str) -> None:
    after = edited(text.encode(), {"log_level": 'a "text"\n', "max_sessions": 4}, head=SETTINGS_HEAD)
    assert after is not None
    assert tomllib.loads(after.decode()) == {"max_sessions": 4, "log_level": 'a "text"\n'}
