"""Zip archives from elsewhere. Members are read into memory, each up to a bound, and never unpacked to disk."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from services.world_files.world_file import WorldFileError, WorldFileFault

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import BinaryIO

_END: Final = struct.Struct("<4s4H2IH")  # the end record: signature, disks, entries, directory size and offset, comment
_END_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"  # of a 64-bit archive, right before the end record
_LOCATOR_SIZE: Final = 20
_BLOCK_BYTES: Final = 64 * 1024  # so little that the lines in it are read in a moment
_MAX_DIRECTORY_BYTES: Final = 64 * 1024
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_DAMAGES: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,  # what zipfile raises for a password
    struct.error,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
)


class ZipMembers:
    """An open archive of at most `max_members`, whose directory was checked."""

    def __init__(self, archive: zipfile.ZipFile, max_members: int) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            _check_kind(info)
            if info.filename in self._members:
                raise damaged("one part is in it twice")
            self._members[info.filename] = info
        if len(self._members) > max_members:
            raise damaged("it has too many parts")

    def names(self) -> frozenset[str]:
        return frozenset(self._members)

    def is_stored(self, name: str) -> bool:
        """Whether a member lies in the archive as it is, so that no small file becomes a large one."""
        info = self._members.get(name)
        return info is not None and info.compress_type == zipfile.ZIP_STORED

    def read(self, name: str, max_bytes: int) -> bytes:
        """A whole member.

        Raises:
            WorldFileError: it is missing, damaged, or larger than `max_bytes`, whatever the directory says.
        """
        with self.open(name) as file, _damage_named():
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise too_large()
        return data

    @contextmanager
    def open(self, name: str) -> Generator[BinaryIO]:
        """A member to be read piece by piece, each within `reading()`."""
        info = self._members.get(name)
        if info is None:
            raise damaged(f"its part “{name}” is missing" if name.isprintable() else "a part is missing")
        with _damage_named():
            file = self._archive.open(info)
        with file:
            yield file  # pyright: ignore[reportReturnType] - zipfile's reader is a binary file in all but its stub

    def blocks(self, name: str, *, max_bytes: int, max_line: int) -> Iterator[bytes]:
        """The lines of a member, some at a time and each whole.

        Raises:
            WorldFileError: it is damaged or larger than `max_bytes`, or a line far longer than `max_line` bytes.
        """
        total, begun = 0, b""
        with self.open(name) as file:
            while True:
                with _damage_named():
                    read = file.read(_BLOCK_BYTES)
                if not read:
                    break
                total += len(read)
                whole, newline, rest = (begun + read).rpartition(b"\n")
                begun = rest
                if len(begun) > max_line or total > max_bytes:
                    raise too_large()
                if newline:
                    yield whole + newline
        if begun:
            yield begun


@contextmanager
def open_members(file: BinaryIO, max_members: int) -> Generator[ZipMembers]:
    """The archive in `file`.

    Raises:
        WorldFileError: it is no archive, or its directory is malicious.
    """
    _check_end(file)
    with _damage_named():
        archive = zipfile.ZipFile(file)
    with archive:
        yield ZipMembers(archive, max_members)


def damaged(reason: str) -> WorldFileError:
    return WorldFileError(WorldFileFault.DAMAGED, f"This world file cannot be opened: {reason}.")


def too_large() -> WorldFileError:
    return WorldFileError(WorldFileFault.TOO_LARGE, "This world file holds more than the server takes in.")


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not info.filename or info.is_dir() or kind not in (0, stat.S_IFREG):
        raise damaged("it holds something that is no file")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise damaged("it is packed in a way that is not read here")


def _check_end(file: BinaryIO) -> None:
    """Check the end record first, since `zipfile` would read a directory of millions of entries."""
    size = file.seek(0, 2)
    tail_size = _END.size + _LOCATOR_SIZE
    file.seek(max(0, size - tail_size))
    tail = file.read(tail_size)
    file.seek(0)
    if len(tail) < _END.size or not tail[-_END.size :].startswith(_END_SIGNATURE):
        raise WorldFileError(WorldFileFault.NOT_A_WORLD, "This is no world file, or it was cut short on its way.")
    _, _, _, _, _, directory_bytes, _, comment = _END.unpack(tail[-_END.size :])
    if comment or directory_bytes > _MAX_DIRECTORY_BYTES or tail.startswith(_LOCATOR_SIGNATURE):
        raise damaged("its directory is larger than that of any world")


@contextmanager
def _damage_named() -> Generator[None]:
    try:
        yield
    except WorldFileError:
        raise
    except _DAMAGES as error:
        raise damaged("it is damaged") from error
