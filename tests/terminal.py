"""Processes that belong to a terminal, as those that a person starts, and others that belong to none, as services."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

# Takes the terminal for its own, as a shell's child has it, and becomes the program. Its output goes where it went.
_IN_TERMINAL: Final = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0);"
    " os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)
_WITHOUT: Final = "import os, sys; os.setsid(); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


@contextmanager
def terminal() -> Generator[int]:
    """A terminal that is open in the block: the descriptor to pass on."""
    mine, its = os.openpty()
    try:
        yield its
    finally:
        os.close(its)
        os.close(mine)


def in_terminal(descriptor: int, arguments: Sequence[str]) -> list[str]:
    """The command that runs Python with these arguments in the terminal, whose descriptor it inherits."""
    return [sys.executable, "-c", _IN_TERMINAL, str(descriptor), *arguments]


def without_terminal(arguments: Sequence[str]) -> list[str]:
    """The command that runs Python with these arguments as a service runs."""
    return [sys.executable, "-c", _WITHOUT, *arguments]
