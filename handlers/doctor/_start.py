"""What a start of the server needs: sound settings, a port, the data folder and the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.doctor.check import Bad, Check, Good, parted
from handlers.doctor.port import OwnPort, PortFree, PortServed, PortTaken
from services.machine_probe.machine_probe import (
    DatabaseAbsent,
    DatabaseNewer,
    DatabaseSound,
    DatabaseUnusable,
    FolderHeld,
    FolderUnusable,
    FolderUsable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.doctor.check import Finding
    from handlers.doctor.port import PortState
    from services.machine_probe.machine_probe import DatabaseState, FolderState

_OTHER_FOLDER: Final = "choose another folder with --data-dir."


def check_settings(refusal: str | None) -> Check:
    """`refusal` says what is wrong, where, and perhaps what to do."""
    finding: Finding = Good("They can be used.")
    if refusal is not None:
        finding = Bad(
            refusal, "Correct that; `terrarium --help` names every setting. The rest was looked at without it."
        )
    return Check("settings", "Settings", finding)


def check_port(port: PortState) -> Check:
    return Check("port", "Port", _port(port))


def _port(port: PortState) -> Finding:
    match port:
        case OwnPort():
            return Good(f"This server listens on port {port.port} of {port.host}.")
        case PortFree():
            return Good(f"Port {port.port} of {port.host} is free.")
        case PortServed():
            return Good(f"A Terrarium listens on port {port.port} of {port.host}, and answers.")
        case PortTaken(reason):
            return Bad(*parted(reason))


def check_folder(path: Path, folder: FolderState, port: PortState) -> Check:
    return Check("data-folder", "Data folder", _folder(path, folder, port))


def _folder(path: Path, folder: FolderState, port: PortState) -> Finding:
    match folder:
        case FolderUsable(is_there=True):
            return Good(f"{path} can be written.")
        case FolderUsable():
            return Good(f"{path} is made by the first start.")
        case FolderHeld() if isinstance(port, OwnPort):
            return Good(f"This server has {path}.")
        case FolderHeld(pid):
            who = "a server" if pid is None else f"a server (process {pid})"
            if isinstance(port, PortServed):
                return Good(f"{path} is in use by {who}.")
            return Bad(f"{path} is in use by {who}.", f"Stop that server, or {_OTHER_FOLDER}")
        case FolderUnusable(reason):
            return Bad(
                f"{path} cannot be used: {reason}.", f"Give this user the right to write there, or {_OTHER_FOLDER}"
            )


def check_database(database: DatabaseState) -> Check:
    return Check("database", "Database", _database(database))


def _database(database: DatabaseState) -> Finding:
    match database:
        case DatabaseAbsent():
            return Good("It is made when it is first needed.")
        case DatabaseSound(where, needs_upgrade):
            upgrade = " The next start brings it to the layout of this version." if needs_upgrade else ""
            return Good(f"{where} is sound.{upgrade}")
        case DatabaseNewer():
            return Bad("A newer version of Terrarium made it.", f"Start that version, or {_OTHER_FOLDER}")
        case DatabaseUnusable(reason):
            return Bad(
                f"It cannot be used: {reason}.",
                "If it is a file, the next start sets a damaged one aside and begins anew. If it is a server, start it,"
                " or correct its address in TERRARIUM_DATABASE_URL.",
            )


def check_pictures(missing: str | None, *, is_wanted: bool) -> Check:
    """`missing` says why no picture can be judged, and what to do."""
    if missing is None:
        finding: Finding = Good("Pictures can be judged.")
    elif is_wanted:
        finding = Bad(*parted(missing))
    else:
        finding = Good("Pictures cannot be judged, and the settings do not ask for it.")
    return Check("picture-check", "Picture check", finding)


def check_scenes(missing: str | None, *, is_wanted: bool) -> Check:
    """`missing` says why no scene can be made from words, and what to do. `is_wanted`: the settings name a model."""
    if missing is None:
        finding: Finding = Good("Scenes can be made from words.")
    elif is_wanted:
        finding = Bad(*parted(missing))
    else:
        finding = Good(f"They are not set up. {missing}")
    return Check("scenes", "Scenes in words", finding)
