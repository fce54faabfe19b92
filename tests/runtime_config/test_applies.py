"""Every setting says when a change of it takes effect, and why where that needs a restart."""

from __future__ import annotations

from collections import Counter

import pytest

from runtime_config.applies import Live, NextJob, NextSession, Restart
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import SettingField, settings_of

SETTINGS = tuple(settings_of(RuntimeConfig))
_SHORTEST_REASON = 20


def test_names_are_unique() -> None:
    assert max(Counter(field.name for field in SETTINGS).values()) == 1


@pytest.mark.parametrize("field", SETTINGS, ids=lambda field: field.name)
def test_every_setting_has_one_mark_and_every_restart_a_reason(field: SettingField) -> None:
    marks = [mark for mark in field.annotation.__metadata__ if isinstance(mark, type(field.setting))]
    assert len(marks) == 1
    match field.setting.applies:
        case Live() | NextSession() | NextJob():
            assert not field.setting.only_at_start, "what is about the start alone cannot change later"
        case Restart(reason):
            assert len(reason) >= _SHORTEST_REASON


def test_only_what_cannot_change_waits_for_a_restart() -> None:
    """A setting that is added here needs as good a reason as these have."""
    assert {field.name for field in SETTINGS if isinstance(field.setting.applies, Restart)} == {
        *("host", "port", "token", "accounts"),
        *("data_dir", "recordings_dir", "database_url", "shared_dir", "server_name"),
        *("parent_pid", "launched_from_standalone"),
    }


def test_secrets_are_marked() -> None:
    assert {field.name for field in SETTINGS if field.setting.is_secret} == {
        *("token", "database_url", "writer_key", "image_key", "hub_token"),
    }
