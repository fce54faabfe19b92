"""One server for each folder: what a server finds unfinished at its start must not be another's work in hand."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime_config.launch_error import LaunchError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

LOCK_FILE: Final = ".server-lock"
HELD_BY_ANOTHER: Final = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})  # of an `OSError` of `lock_handle`
_LONGEST_PID: Final = 20  # digits


@contextmanager
def folders_held(folders: Mapping[str, Path], *, shared: bool = False) -> Generator[None]:
    """Hold the folders, by the flag that chooses each, until the end of the block or of the process, however it ends.

    `shared`: others may hold them as well, if they share them too.
    Processes that are started meanwhile do not inherit the locks, so that a kill gives them back at once.

    Raises:
        LaunchError: another server holds one of them, or it cannot be locked.
    """
    with ExitStack() as stack:
        held: set[Path] = set()
        for flag, folder in folders.items():
            resolved = folder.resolve()
            if resolved not in held:
                stack.enter_context(_held(resolved, flag, shared=shared))
                held.add(resolved)
        yield


@dataclass(frozen=True, slots=True)
class Holder:
    """A server that holds a folder. `pid` is its process, None where nobody knows."""

    pid: int | None


def holder_of(folder: Path) -> Holder | None:
    """Who holds the folder at this moment; None: nobody. It makes no file, and lets go at once of what it tries.

    Raises: OSError, it cannot be found out.
    """
    try:
        handle = os.open(folder / LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        lock_handle(handle)
    except OSError as error:
        if error.errno not in HELD_BY_ANOTHER:
            raise
        pid = _read_pid(handle)
        return Holder(int(pid) if pid else None)
    else:
        return None
    finally:
        os.close(handle)


@contextmanager
def _held(folder: Path, flag: str, *, shared: bool) -> Generator[None]:
    path = folder / LOCK_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LaunchError(_cannot(folder, flag, error)) from error
    try:
        try:
            lock_handle(handle, shared=shared)
        except OSError as error:
            raise LaunchError(_refusal(folder, flag, error, _read_pid(handle))) from error
        with suppress(OSError):  # such as a full disk: the number only makes the sentence above clearer
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)  # gives back the lock; the file stays, as another server may have it open already


def lock_handle(handle: int, *, shared: bool = False) -> None:
    """Hold an open file until it is closed, or until the process ends; `shared` with others who do the same.

    Raises:
        OSError: somebody else has it (`HELD_BY_ANOTHER`), or the file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _read_pid(handle: int) -> str:
    with suppress(OSError):
        text = os.read(handle, _LONGEST_PID).decode(errors="replace")
        return text if text.isdecimal() else ""
    return ""


def _refusal(folder: Path, flag: str, error: OSError, pid: str) -> str:
    if error.errno not in HELD_BY_ANOTHER:
        return _cannot(folder, flag, error)
    who = f"Another server (process {pid})" if pid else "Another server"
    return f"{who} uses the folder {folder}. Stop it, or choose another folder with {flag}."


def _cannot(folder: Path, flag: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"The folder {folder} cannot be locked against a second server ({reason}). Choose another one with {flag}."
