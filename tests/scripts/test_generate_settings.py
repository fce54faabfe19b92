"""The tables of docs/settings.md are those of the settings."""

from __future__ import annotations

from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import settings_of
from scripts import generate_settings


def test_the_tables_are_fresh() -> None:
    document = generate_settings.DOCUMENT.read_text(encoding="utf-8")
    assert document == generate_settings.render_document(document), "run python -m scripts.generate_settings"
    assert generate_settings.main(["--check"]) == 0


def test_every_setting_has_its_row() -> None:
    tables = generate_settings.render_tables()
    for field in settings_of(RuntimeConfig):
        (row,) = [line for line in tables.splitlines() if line.startswith(f"| `{field.name}` |")]
        assert row.count(" | ") == 3


def test_a_stale_table_is_noticed() -> None:
    document = generate_settings.DOCUMENT.read_text(encoding="utf-8")
    stale = document.replace("| `max_sessions` | 8 |", "| `max_sessions` | 9 |")
    assert stale != document
    assert generate_settings.render_document(stale) == document
