"""The settings file and the file of secrets beside it: what their bytes say, and what is wrong in which line.

Both are flat TOML: one line for each setting that is not at its default, under the name that its variable has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runtime_config.setting_value import BadValueError, checked_value
from runtime_config.settings_fault import SettingsFault, SettingsFaultsError
from runtime_config.settings_texts import SECRETS_FILE, SETTINGS_FILE, SettingsTexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runtime_config.setting import SettingField

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_CLOSE: Final = 0.75  # how alike two names are, from 0 to 1, for one to be taken as the other mistyped


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """What the files say: `values` by name of the setting, each as its field's own type."""

    texts: SettingsTexts = field(default_factory=SettingsTexts)
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def revision(self) -> str:
        return self.texts.revision

    def fault(self, reason: str, setting: str | None) -> SettingsFault:
        """A fault of what the files say together, which is put down to `setting` where one of them has it."""
        for name, data in _files(self.texts):
            line = None if setting is None else _lines_of(_decoded(name, data)).get(setting)
            if line is not None:
                return SettingsFault(name, reason, line, setting)
        return SettingsFault(SETTINGS_FILE, reason, None, setting)


def parse_settings(texts: SettingsTexts, settings: Iterable[SettingField]) -> SettingsDocument:
    """Read both files; every value is checked by its own field. Blocks where a folder has to be there.

    Raises:
        SettingsFaultsError: a file is no TOML, or has names or values that will not do: all of them are told.
    """
    known = {each.name: each for each in settings}
    values, faults = dict[str, object](), list[SettingsFault]()
    for name, data in _files(texts):
        text = _decoded(name, data)
        written = _parsed(name, text)
        for setting, value in written.items():
            try:
                values[setting] = _checked(known, name, setting, value)
            except BadValueError as error:
                faults.append(SettingsFault(name, str(error), _lines_of(text).get(setting), setting))
    if faults:
        raise SettingsFaultsError(sorted(faults, key=lambda fault: (fault.file, fault.line or 0)))
    return SettingsDocument(texts, MappingProxyType(values))


def parse_syntax(texts: SettingsTexts) -> None:
    """Raises: SettingsFaultsError, a file is no TOML."""
    for name, data in _files(texts):
        _parsed(name, _decoded(name, data))


def _files(texts: SettingsTexts) -> Iterator[tuple[str, bytes]]:
    """Those that are there."""
    for name, data in ((SETTINGS_FILE, texts.settings), (SECRETS_FILE, texts.secrets)):
        if data is not None:
            yield name, data


def _checked(known: Mapping[str, SettingField], file: str, name: str, value: object) -> object:
    found = known.get(name)
    if found is None:
        close = get_close_matches(name, known, 1, _CLOSE)
        raise BadValueError(f"There is no setting {name!r:.60}." + (f" Is {close[0]} meant?" if close else ""))
    if found.setting.only_at_start:
        raise BadValueError(f"{name} can only be given at a start, as {found.flag} or {found.setting.variable}.")
    home = SECRETS_FILE if found.setting.is_secret else SETTINGS_FILE
    if file != home:
        is_what = "is a secret" if found.setting.is_secret else "is no secret"
        raise BadValueError(f"{name} {is_what}: it belongs into {home}.")
    return checked_value(found, value)


def _decoded(file: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsFaultsError([SettingsFault(file, "It is not in UTF-8.", line)]) from error


def _parsed(file: str, text: str) -> Mapping[str, Any]:
    import tomllib  # a start without a settings file needs none

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SettingsFaultsError([SettingsFault(file, "Its lists are nested too deeply.")]) from error
    except ValueError as error:  # TOMLDecodeError is one; so is what a number of thousands of digits raises
        message = str(error)
        place = _PLACE.search(message)
        line = text.count("\n") + 1 if place is None or place[1] is None else int(place[1])
        said = message if place is None else message[: place.start()]
        raise SettingsFaultsError([SettingsFault(file, f"It is not TOML. {said}.", line)]) from error


def _lines_of(text: str) -> Mapping[str, int]:
    """The line in which each name of a sound text stands: statement by statement, as a text can span lines."""
    import tomllib

    found, begun, statement = dict[str, int](), 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            names = tomllib.loads(statement)
        except ValueError:  # it goes on in the next line
            continue
        for name in names:
            found.setdefault(name, begun + _lines_before_anything(statement))
        begun, statement = number + 1, ""
    return found


def _lines_before_anything(statement: str) -> int:
    lines = enumerate(statement.split("\n"))
    return next((at for at, line in lines if line.strip() and not line.lstrip().startswith("#")), 0)
