"""Files that the server keeps: written whole or not at all, under names that every system takes."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import BinaryIO

_TEMPORARY_PREFIX: Final = ".new-"

_LONGEST_NAME: Final = 80  # characters
_LONGEST_BYTES: Final = 200  # of UTF-8: file systems allow 255, of which suffixes need some
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
# Names of devices on Windows, whatever their suffix.
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


class NewFile:
    """A file that is being written under a temporary name, so that readers and a crash see all of it or nothing."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path  # the temporary one
        self._has_name = False

    def complete(self) -> int:
        """Close it once its bytes are on the disk; returns their number. Raises `OSError`."""
        size = self.file.tell()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        return size

    def move_to(self, path: Path) -> None:
        """Give the file, complete by now, its name in the same folder. A file of that name is replaced."""
        self.path.replace(path)
        self._has_name = True

    def remove_unless_moved(self) -> None:
        """For `new_file` alone. What cannot be removed stays, unseen, for `remove_unfinished`."""
        if not self._has_name:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)


@contextmanager
def new_file(folder: Path) -> Generator[NewFile]:
    """A file in `folder`, which exists. It is removed unless it was moved to its name. Raises `OSError`."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=_TEMPORARY_PREFIX)
    file = os.fdopen(handle, "wb")
    new = NewFile(file, Path(name))
    try:
        with file:
            yield new
    finally:
        new.remove_unless_moved()


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write or replace the file at `path`, in a folder that exists. Raises `OSError`."""
    with new_file(path.parent) as new:
        new.file.write(data)
        new.complete()
        new.move_to(path)


def remove_unfinished(folder: Path) -> None:
    """Remove what a crash left behind in the middle of `new_file`.

    To be called before the first file is written to the folder: nothing tells a file that is being written from one
    that was left, least of all a clock. A folder that servers share is not swept.
    """
    for path in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        with suppress(OSError):  # then it stays, unseen
            path.unlink(missing_ok=True)


@contextmanager
def disk_errors(folder: str, error_class: Callable[[str], Exception]) -> Generator[None]:
    """Raise an `OSError` of the block as `error_class`, with a sentence that names no path.

    `folder` is what a person calls the folder, such as "folder of worlds".
    """
    try:
        yield
    except OSError as error:
        raise error_class(f"{_reason(error, folder)}, so nothing was changed.") from error


def _reason(error: OSError, folder: str) -> str:
    match error.errno:
        case errno.ENOSPC:
            return "The disk is full"
        case errno.EDQUOT:
            return "The disk quota is used up"
        case errno.EFBIG:
            return "The disk takes no file so large"
        case errno.EACCES | errno.EPERM:
            return f"The server may not write to its {folder}"
        case errno.EROFS:
            return f"The disk of the {folder} is read-only"
        case _:
            return f"The {folder} cannot be changed"


def clean_title(text: str, *, longest: int, otherwise: str) -> str:
    """A title as it can be shown on one line, of at most `longest` characters; `otherwise` where nothing is left."""
    printable = "".join(character for character in text if character.isprintable()).strip()
    return printable[:longest].rstrip() or otherwise


def safe_name(text: str, *, suffix: str = "") -> str | None:
    """The file name nearest to `text` that every file system takes; None where nothing is left.

    `suffix`, such as ".mp4", is cut off if it was written; the result is without it, and leaves space for it.
    """
    normal = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if character.isspace() else character for character in normal)
    printable = "".join(character for character in spaced if character.isprintable())
    name = " ".join(_FORBIDDEN.sub("-", printable).split())[:_LONGEST_NAME]
    if suffix and name.lower().endswith(suffix):
        name = name[: -len(suffix)]
    name = name.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip(" .")
    if not name or not re.search(r"[^-\s.]", name):
        return None
    return f"_{name}" if _RESERVED.fullmatch(name) else name
