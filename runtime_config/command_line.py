"""The command line: a flag for every setting of a configuration, and the words of --help around them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final, NoReturn

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_config.setting import SettingField

_USAGE: Final = """\
terrarium [--SETTING VALUE ...]
       terrarium replay FILE [...]
       terrarium account list|reset [...]
       terrarium doctor [--json] [...]
"""

_DESCRIPTION: Final = """\
Serve real-time world models on one port: open the printed address in a browser, or connect a client.
Each setting is a flag and an environment variable; where both are given, the flag is taken.
"""

_EPILOG: Final = """\
`terrarium replay FILE` plays a saved world again; see `terrarium replay --help`.
`terrarium account` shows who has an account, and gives somebody a new password.
`terrarium doctor` says what will run on this machine and what will not, and what mends it.

exit status: 0 after a clean stop, 1 after a failure, 2 when the server could not be started as asked
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sentence = f"{message[:1].upper()}{message[1:]}. Run with --help to see every flag."
        raise LaunchError(sentence)


def read_flags(settings: Iterable[SettingField], arguments: Sequence[str] | None) -> dict[str, Any]:
    """The flags given, by name of the setting; None reads the process's own command line. Values are as typed.

    Raises:
        LaunchError: an unknown flag, or one without its value.
        SystemExit: after --help.
    """
    return vars(_build_parser(settings).parse_args(arguments))


def _build_parser(settings: Iterable[SettingField]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="terrarium",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,  # a flag that was not given leaves the choice to its variable
        allow_abbrev=False,
    )
    groups: dict[str, Any] = {}
    for field in settings:
        if field.group not in groups:
            groups[field.group] = parser.add_argument_group(field.group)
        _add_flag(groups[field.group], field)
    return parser


def _add_flag(group: Any, field: SettingField) -> None:
    text = field.help.replace("%", "%%")
    if field.is_switch:
        action = "store_false" if field.default else "store_true"
        group.add_argument(field.flag, dest=field.setting.name, action=action, help=text)
    else:
        action = "append" if field.is_repeatable else "store"
        group.add_argument(field.flag, dest=field.setting.name, action=action, help=text, metavar=field.metavar)
