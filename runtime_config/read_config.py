"""From flags and environment variables to any configuration: a dataclass whose settings are marked by `Setting`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from runtime_config.command_line import read_flags
from runtime_config.launch_error import LaunchError
from runtime_config.setting import PREFIX, settings_of
from runtime_config.setting_value import problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

    from runtime_config.setting import SettingField

Config = TypeVar("Config")
Source: TypeAlias = Literal["flag", "variable"]

_CLOSE: Final = 0.75  # how alike two names are, from 0 to 1, for one to be taken as the other mistyped


def read_config(
    config_class: type[Config], arguments: Sequence[str] | None, environment: Mapping[str, str]
) -> tuple[Config, Mapping[str, Source]]:
    """Read flags (None: those of the process) and variables, and check each by its field's type.

    A flag is taken before its variable. A variable that is empty counts as not set. The second result says of the
    settings that were given, by name, what gave them.

    Raises:
        LaunchError: a value is malformed, or the name of a flag or a variable is mistyped.
        SystemExit: after --help.
    """
    settings = tuple(settings_of(config_class))
    flags = read_flags(settings, arguments)
    _refuse_mistyped(settings, environment)
    variables = {field.setting.name: text for field in settings if (text := environment.get(field.setting.variable))}
    given = {**variables, **flags}
    nested: dict[str, Any] = {}
    for field in settings:
        if field.setting.name in given:
            _place(nested, field.path, given[field.setting.name])
    try:
        config = TypeAdapter(config_class).validate_python(nested)
    except ValidationError as exc:
        raise LaunchError(_explain(exc.errors()[0], settings, flags)) from None  # the chain would show a secret
    return config, {name: "flag" if name in flags else "variable" for name in given}


def _refuse_mistyped(settings: Sequence[SettingField], environment: Mapping[str, str]) -> None:
    """Variables that only look like a setting are refused; others that share the prefix may be somebody else's."""
    known = {field.setting.variable for field in settings}
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            close = get_close_matches(
                variable.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in known], 1, _CLOSE
            )
            if close:
                raise LaunchError(f"{variable} is no setting. Is {PREFIX}{close[0]} meant?")


def _place(nested: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        nested = nested.setdefault(name, {})
    nested[path[-1]] = value


def _explain(error: ErrorDetails, settings: Sequence[SettingField], flags: Mapping[str, object]) -> str:
    field = next(field for field in settings if error["loc"][: len(field.path)] == field.path)
    source = field.flag if field.setting.name in flags else field.setting.variable
    return f"{source}: {error['input']!r} will not do, it {problem_of(error)}."
