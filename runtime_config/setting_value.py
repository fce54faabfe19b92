"""One value of one setting: checked by the field that it is for, and refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from runtime_config.setting import SettingField

_WANTED: Final[Mapping[Any, str]] = MappingProxyType(
    {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes", Path: "a path in quotes"}
)


class BadValueError(Exception):
    """A value that will not do. `str()` of it is a sentence that begins with the name of the setting."""


def checked_value(field: SettingField, written: object) -> object:
    """`written`, as TOML or JSON has it, as the field's own type. Blocks where a folder has to be there.

    Raises:
        BadValueError: it is of another type, out of bounds, or malformed. The sentence repeats no secret.
    """
    if written == "":
        raise BadValueError(f"{field.name} is empty. Leave it out to have the default.")
    if not _is_of_kind(field, written):
        raise BadValueError(f"{field.name} {_shown(field, written)}: it should be {_wanted(field)}.")
    try:
        return TypeAdapter(field.annotation).validate_python(as_written(field, written))
    except ValidationError as error:
        raise BadValueError(f"{field.name} {_shown(field, written)}: it {problem_of(error.errors()[0])}.") from None
    except LaunchError as error:
        raise BadValueError(error.message) from error


def problem_of(error: ErrorDetails) -> str:
    """What a value should have been, as the end of a sentence."""
    problem = error["msg"].removeprefix("Input ").partition(", unable")[0]
    return problem.replace("a valid integer", "a whole number").replace("a valid boolean", "yes or no")


def _is_of_kind(field: SettingField, written: object) -> bool:
    """pydantic would take much that nobody means, such as `true` for 1 and "8" for 8: variables are text."""
    if field.choices and not field.is_repeatable:
        return not isinstance(written, bool) and str(written) in field.choices
    if field.is_repeatable:
        return isinstance(written, list) and all(isinstance(each, str) for each in cast("list[object]", written))
    match field.kind:
        case kind if kind is bool:
            return isinstance(written, bool)
        case kind if kind is int:
            return isinstance(written, int) and not isinstance(written, bool)
        case kind if kind is float:
            return isinstance(written, int | float) and not isinstance(written, bool)
        case _:
            return isinstance(written, str)


def as_written(field: SettingField, written: object) -> object:
    """A checked value as the file has it: a choice among numbers may be given as text."""
    if get_origin(field.kind) is not Literal:
        return written
    return next(choice for choice in get_args(field.kind) if str(choice) == str(written))


def _wanted(field: SettingField) -> str:
    if field.is_repeatable:
        return 'a list of texts, such as ["one", "another"]'
    if field.choices:
        return f"one of {', '.join(field.choices)}"
    return _WANTED.get(field.kind, "a text in quotes")


def _shown(field: SettingField, written: object) -> str:
    return "has a value that will not do" if field.setting.is_secret else f"is {written!r:.80}, which will not do"
