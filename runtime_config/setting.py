"""Settings: the fields of a configuration that a person may choose, as flags, variables or in the settings file."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import EnumType
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from runtime_config.setting_types import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_config.applies import Applies

PREFIX: Final = "TERRARIUM_"
_METAVARS: Final = MappingProxyType({int: "NUMBER", float: "NUMBER", Path: "FOLDER", str: "TEXT"})


@dataclass(frozen=True, slots=True)
class Setting:
    """Marks a field, inside `Annotated`, as a setting. `name` is unique, in snake case: `max_sessions` is
    `--max-sessions`, `TERRARIUM_MAX_SESSIONS`, and `max_sessions` in the settings file.

    `help` is the text of --help, without bounds and default, which follow from the field. `applies` says when a change
    takes effect. `default` says the default in words where the field's own does not. `metavar` stands for the value.
    `unit` is what the field's value is divided by to be shown, such as `MIB` for a field in bytes that is given in MiB.
    A secret is never shown, and lies in a file of its own. `only_at_start` keeps a setting out of the files: it is
    about this one start, or about where the files are.
    """

    name: str
    help: str
    applies: Applies
    default: str = ""
    metavar: str = ""
    unit: int = 1
    is_secret: bool = False
    only_at_start: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.name.upper()}"


@dataclass(frozen=True, slots=True)
class Group:
    """Marks a field that holds a configuration of its own; its settings stand below `title` in --help."""

    title: str


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting and the field that it marks. `path` leads to the field, from the outermost configuration.

    `annotation` is the field's type as it was written, with all marks; `kind` is the type without them and without
    None. `least` and `most` are its bounds, None without any.
    """

    setting: Setting
    path: tuple[str, ...]
    group: str
    annotation: Any
    kind: Any
    default: object
    least: float | None
    most: float | None

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def choices(self) -> tuple[str, ...]:
        """The values there are to choose from, as they are written; none where others will do as well."""
        kind = get_args(self.kind)[0] if self.is_repeatable else self.kind
        if get_origin(kind) is Literal:
            return tuple(str(choice) for choice in get_args(kind))
        return tuple(str(choice) for choice in kind) if isinstance(kind, EnumType) else ()

    @property
    def unit(self) -> str | None:
        """What a number counts, where that is a measure."""
        if self.setting.unit == MIB:
            return "MiB"
        return "s" if self.kind is float else None

    @property
    def is_switch(self) -> bool:
        """A flag without a value, which turns the default round."""
        return self.kind is bool

    @property
    def is_repeatable(self) -> bool:
        return get_origin(self.kind) is tuple

    @property
    def flag(self) -> str:
        """What is typed: a switch that is on by default is turned off by `--no-...`."""
        return self.setting.flag.replace("--", "--no-", 1) if self.default is True else self.setting.flag

    @property
    def metavar(self) -> str:
        if get_origin(self.kind) is Literal:
            return self.setting.metavar or "{" + ",".join(self.choices) + "}"
        return self.setting.metavar or _METAVARS.get(self.kind, "TEXT")

    @property
    def help(self) -> str:
        """The text, and in parentheses the variable, the bounds and the default."""
        repeatable = "; repeatable" if self.is_repeatable else ""
        bounds = "" if self.least is None or self.most is None else f", {self.least} to {self.most}"
        return f"{self.setting.help}{repeatable} ({self.setting.variable}{bounds}, default: {self.default_in_words})"

    @property
    def default_in_words(self) -> str:
        if self.setting.default:
            return self.setting.default
        match self.default:
            case None | ():
                return "none"
            case bool():
                return "yes" if self.default else "no"
            case int():
                return str(self.default // self.setting.unit)
            case _:
                return str(self.default)


def settings_of(config_class: type[Any], *, group: str = "", path: tuple[str, ...] = ()) -> Iterator[SettingField]:
    """Every setting of a dataclass and of the dataclasses that its fields hold, in the order of the fields."""
    hints = get_type_hints(config_class, include_extras=True)
    for field in fields(config_class):
        kind, marks = _unwrap(hints[field.name])
        here = (*path, field.name)
        title = next((mark.title for mark in marks if isinstance(mark, Group)), group)
        if is_dataclass(kind) and isinstance(kind, type):
            yield from settings_of(kind, group=title, path=here)
        setting = next((mark for mark in marks if isinstance(mark, Setting)), None)
        if setting is not None:
            default = None if field.default is MISSING else field.default
            bounds = [bound for mark in marks if isinstance(mark, FieldInfo) for bound in mark.metadata]
            least, most = _attribute(bounds, "ge"), _attribute(bounds, "le")
            yield SettingField(setting, here, title, hints[field.name], _without_none(kind), default, least, most)


def _unwrap(hint: Any) -> tuple[Any, tuple[object, ...]]:
    """A type and its marks."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    kind, *marks = get_args(hint)
    return kind, tuple(marks)


def _without_none(kind: Any) -> Any:
    others = [one for one in get_args(kind) if one is not type(None)]
    return others[0] if type(None) in get_args(kind) and len(others) == 1 else kind


def _attribute(bounds: list[Any], name: str) -> float | None:
    return next((getattr(bound, name) for bound in bounds if hasattr(bound, name)), None)
