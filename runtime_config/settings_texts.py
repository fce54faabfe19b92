"""The bytes of the settings file and of the file of secrets, and how they are read from the data folder."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runtime_config.settings_fault import SettingsFault, SettingsFaultsError

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE: Final = "settings.toml"
SECRETS_FILE: Final = "secrets.toml"
_LARGEST: Final = 256 * 1024
_OTHERS: Final = 0o077  # the rights of everybody but the file's owner


@dataclass(frozen=True, slots=True)
class SettingsTexts:
    """The bytes of the two files as they were read. None: there is no such file."""

    settings: bytes | None = None
    secrets: bytes | None = field(default=None, repr=False)

    @property
    def revision(self) -> str:
        """Differs whenever a byte of them does."""
        digest = hashlib.sha256()
        for text in (self.settings, self.secrets):
            digest.update(b"none" if text is None else hashlib.sha256(text).digest())
        return digest.hexdigest()[:32]


def read_texts(folder: Path) -> SettingsTexts:
    """Read both files. Blocks.

    Raises:
        SettingsFaultsError: one cannot be read, is no plain file or too large, or others may read the secrets.
    """
    return SettingsTexts(
        _read(folder / SETTINGS_FILE, _LARGEST), _read(folder / SECRETS_FILE, _LARGEST, is_secret=True)
    )


def _read(path: Path, most: int, *, is_secret: bool = False) -> bytes | None:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise _fault(path, "It is no plain file.")
            if is_secret and os.name == "posix" and mode & _OTHERS:
                raise _fault(path, f"Others on this machine may read it. Make it yours alone: chmod 600 {path.name}")
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no path can be so
        return None
    except OSError as error:
        raise _fault(path, f"It cannot be read ({error.strerror or error}).") from error
    if len(data) > most:
        raise _fault(path, f"It is larger than {most // 1024} KiB.")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Opening a named pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _fault(path: Path, reason: str) -> SettingsFaultsError:
    return SettingsFaultsError([SettingsFault(path.name, reason)])
