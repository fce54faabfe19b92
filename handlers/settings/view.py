"""The settings as their owner sees them: every one with its value, its source, and when a change of it applies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, assert_never, cast

from api_types import SettingLeaf, SettingsFaultBody, SettingsGroup, SettingsResponse
from runtime_config.applies import Live, NextJob, NextSession, Restart
from runtime_config.config_paths import value_at
from state.settings_states import SettingsFaulty, SettingsSound, SettingsUnread

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_config.launch_settings import Launch
    from runtime_config.setting import SettingField
    from state.settings_states import SettingsInForce, SettingsState


def settings_response(launch: Launch, state: SettingsState, file: Path) -> SettingsResponse:
    match state:
        case SettingsSound(in_force):
            revision, fault = in_force.revision, None
        case SettingsFaulty(in_force, faults, seen, since):
            revision, first = seen or "unreadable", faults[0]
            fault = SettingsFaultBody(
                file=first.file,
                line=first.line,
                reason=first.reason,
                since=datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds"),
            )
        case SettingsUnread():
            raise RuntimeError("The settings are read before anybody sees them.")
        case _:
            assert_never(state)
    groups: dict[str, list[SettingLeaf]] = {}
    for field in launch.settings:
        groups.setdefault(field.group, []).append(_leaf(launch, in_force, field))
    return SettingsResponse(
        revision=revision,
        file=str(file),
        fault=fault,
        groups=[SettingsGroup(title=title, settings=leaves) for title, leaves in groups.items()],
    )


def _leaf(launch: Launch, in_force: SettingsInForce, field: SettingField) -> SettingLeaf:
    setting, mark = field.setting, field.setting.applies
    value = value_at(in_force.config, field.path)
    asked, started = value_at(in_force.asked, field.path), value_at(launch.asked, field.path)
    waits = isinstance(mark, Restart) and asked != started
    source = launch.given.get(field.name) or ("file" if field.name in in_force.document.values else "default")
    return SettingLeaf(
        name=field.name,
        help=setting.help,
        kind=_kind(field),
        choices=list(field.choices) or None,
        least=field.least,
        most=field.most,
        unit=field.unit,
        value=None if setting.is_secret else shown(field, value),
        default=None if setting.is_secret else shown(field, field.default),
        default_in_words=setting.default or None,
        is_set=value is not None if setting.is_secret else source != "default",
        source=source,
        fixed_by=field.flag if setting.only_at_start else launch.fixed_by(field),
        applies=_applies(field),
        restart_reason=mark.reason if isinstance(mark, Restart) else None,
        pending=shown(field, asked) if waits and not setting.is_secret else None,
        is_pending=waits,
    )


def shown(field: SettingField, value: object) -> Any:
    """A value as it is written in the file: in the setting's unit, and with texts for choices and paths."""
    match value:
        case tuple():
            return [str(each) for each in cast("tuple[object, ...]", value)]
        case bool() | None:
            return value
        case int() | float() if not field.choices:
            return value // field.setting.unit if field.setting.unit > 1 else value
        case _:
            return str(value)


def _kind(field: SettingField) -> Literal["integer", "number", "switch", "choice", "text", "list", "secret"]:
    if field.setting.is_secret:
        return "secret"
    if field.is_repeatable:
        return "list"
    if field.choices:
        return "choice"
    kinds: dict[type, Literal["integer", "number", "switch"]] = {bool: "switch", int: "integer", float: "number"}
    return kinds.get(field.kind, "text")


def _applies(field: SettingField) -> Literal["live", "nextSession", "nextJob", "restart"]:
    match field.setting.applies:
        case Live():
            return "live"
        case NextSession():
            return "nextSession"
        case NextJob():
            return "nextJob"
        case Restart():
            return "restart"
        case _ as mark:
            assert_never(mark)
