"""`terrarium account`: who has an account, and a new password for somebody, on the machine itself.

It works beside a running server, which looks every few seconds whether those whom it serves are still signed in.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from handlers.accounts.names import name_key
from runtime_config.launch_error import LaunchError
from services.account_store.account_store import AccountStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from services.account_store.account_store import AccountStore, KnownUser
    from services.password_hasher.password_hasher import PasswordHasher

_DESCRIPTION: Final = "See who has an account on this machine's server, or give somebody a new password."
_PASSWORD_BYTES: Final = 15  # 20 characters


@dataclass(frozen=True, slots=True)
class AccountServices:
    """What the command needs of the server's services. `store` None: there has never been anything in the database."""

    store: AccountStore | None
    hasher: PasswordHasher


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LaunchError(f"{message[:1].upper()}{message[1:]}. Run with --help to see every flag.")


def run_account(
    arguments: Sequence[str], services: Callable[[Path | None], AbstractContextManager[AccountServices]]
) -> int:
    """The exit status. `services(data_dir)` opens what is needed, once the arguments are known to be sound.

    Raises:
        LaunchError: it cannot be done, with the reason.
        SystemExit: after --help.
    """
    asked = _parser().parse_args(arguments)
    with services(asked.data_dir) as opened:
        try:
            if opened.store is None or not (users := opened.store.users()):
                raise LaunchError("Nobody has an account here. Start the server with --accounts to make the first.")
            if asked.action == "list":
                _list(users)
            else:
                _reset(opened.store, opened.hasher, asked.name)
        except AccountStoreError as error:
            raise LaunchError(str(error)) from error
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="terrarium account", description=_DESCRIPTION)
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|reset")
    listing = actions.add_parser("list", help="show everybody: name, role, when they were last seen")
    resetting = actions.add_parser(
        "reset", help="give somebody a new password, which is printed; all their sessions and tokens end"
    )
    resetting.add_argument("name", help="their name, in capital or small letters")
    for each in (listing, resetting):
        each.add_argument("--data-dir", type=Path, metavar="FOLDER", help="the server's data folder")
    return parser


def _list(users: Sequence[KnownUser]) -> None:
    for known in users:
        seen = "never seen" if known.last_seen_at is None else f"last seen {_day(known.last_seen_at)}"
        _say(f"{known.user.name}  {known.user.role.value}{', disabled' if known.user.disabled else ''}  {seen}")


def _reset(store: AccountStore, hasher: PasswordHasher, name: str) -> None:
    account = store.find_account(name_key(name.strip()))
    if account is None:
        raise LaunchError(f"Nobody here is called {name}. `terrarium account list` shows everybody.")
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    store.set_password(account.user.id, hasher.hash(password))
    _say(f"The new password of {account.user.name}: {password}")
    _say("Change it after signing in. All sessions and tokens have ended.")
    if account.user.disabled:
        _say("The account is still disabled; an owner can enable it.")


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stdout, flush=True)  # noqa: T201 -- addressed to the person
