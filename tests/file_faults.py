"""Makes each change that some work does to a folder fail, one after the other, or kills the process there.

The interpreter's own audit events tell of each change right before it happens. As such a hook stays for good, every run
has a child process of its own; so this is for programs that a test starts, and for systems that can fork.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Fault: TypeAlias = Literal["full", "denied", "kill"]
_CHANGES: Final = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.utime"})
_FOR_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ERRNOS: Final = {"full": errno.ENOSPC, "denied": errno.EACCES}
_DONE, _REFUSED, _BROKEN = 0, 10, 11
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work ended whose change number `at` did not happen: done all the same, refused by `expected`, killed."""

    at: int
    how: Literal["done", "refused", "killed"]


def each_change(
    folder: Path, prepare: Callable[[], None], work: Callable[[], None], fault: Fault, expected: type[Exception]
) -> Iterator[Ending]:
    """Empty the folder, prepare it, and do the work in a child whose n-th change to the folder meets the fault.

    Ends when the work has no n-th change. An exception other than `expected` is a failure of the test.
    """
    for at in range(1, _MOST):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        prepare()
        reached, code = _run_child(folder, work, at, fault, expected)
        if not reached:
            return
        if code == -signal.SIGKILL:
            yield Ending(at, "killed")
        else:
            assert code in (_DONE, _REFUSED), f"change {at} of the work ended it with {code}"
            yield Ending(at, "done" if code == _DONE else "refused")
    raise AssertionError("The work changes the folder without end.")


def _run_child(
    folder: Path, work: Callable[[], None], at: int, fault: Fault, expected: type[Exception]
) -> tuple[bool, int]:
    """Whether the change was reached, and how the child ended."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        code = _BROKEN
        try:
            sys.addaudithook(_hook(folder, at, fault, tell))
            work()
            code = _DONE
        except expected:
            code = _REFUSED
        finally:
            os._exit(code)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        reached = bool(pipe.read())
    _, status = os.waitpid(pid, 0)
    return reached, os.waitstatus_to_exitcode(status)


def _hook(folder: Path, at: int, fault: Fault, tell: int) -> Callable[[str, tuple[Any, ...]], None]:
    seen, inside = 0, str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        counts = bool(arguments[2] & _FOR_WRITING) if event == "open" else event in _CHANGES
        if not counts or not str(arguments[0]).startswith(inside):
            return
        seen += 1
        if seen == at:
            os.write(tell, b"x")
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(_ERRNOS[fault], os.strerror(_ERRNOS[fault]))

    return hook
