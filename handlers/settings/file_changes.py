"""From changes that a person asks for to the text of the settings files, each setting checked by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import FieldsRefusedError
from runtime_config.setting_value import BadValueError, as_written, checked_value
from runtime_config.settings_document import parse_syntax
from runtime_config.settings_texts import SettingsTexts
from services.settings_file.editing import SECRETS_HEAD, SETTINGS_HEAD, edited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_config.launch_settings import Launch
    from runtime_config.setting import SettingField


def changed_texts(
    launch: Launch, last_good: SettingsTexts, now: SettingsTexts, changes: Mapping[str, object]
) -> SettingsTexts:
    """The files as they will be. One that is gone is written again from `last_good`. Blocks.

    Raises:
        FieldsRefusedError: there is no such setting, the files have no say in it, or it cannot have that value.
        SettingsFaultsError: a file that has to be changed is no TOML.
    """
    fields = {field.name: field for field in launch.settings}
    refused = {name: why for name, value in changes.items() if (why := _refusal(launch, fields, name, value))}
    if refused:
        raise FieldsRefusedError(refused)
    written = {name: None if value is None else as_written(fields[name], value) for name, value in changes.items()}
    secrets = {name: value for name, value in written.items() if fields[name].setting.is_secret}
    others = {name: value for name, value in written.items() if name not in secrets}
    base = SettingsTexts(
        last_good.settings if now.settings is None else now.settings,
        last_good.secrets if now.secrets is None else now.secrets,
    )
    parse_syntax(base)
    return SettingsTexts(
        edited(base.settings, others, head=SETTINGS_HEAD), edited(base.secrets, secrets, head=SECRETS_HEAD)
    )


def _refusal(launch: Launch, fields: Mapping[str, SettingField], name: str, value: object) -> str | None:
    field = fields.get(name)
    if field is None:
        return f"There is no setting {name!r:.60}."
    if field.setting.only_at_start:
        return f"{name} can only be given at a start, as {field.flag} or {field.setting.variable}."
    fixed_by = launch.fixed_by(field)
    if fixed_by is not None:
        return f"{name} is given by {fixed_by}, which wins over the file."
    if value is None:
        return None
    try:
        checked_value(field, value)
    except BadValueError as error:
        return str(error)
    return None
