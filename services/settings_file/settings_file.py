"""The interface of the settings files: read, written, and watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runtime_config.settings_texts import SettingsTexts


class SettingsFileError(RuntimeError):
    """The files cannot be written. `str()` of it is a sentence for the owner."""


class SettingsFiles(Protocol):
    @property
    def path(self) -> Path:
        """Where the settings file is, or would be."""
        ...

    def read(self) -> SettingsTexts:
        """Both files as they are now. Blocks.

        Raises:
            SettingsFaultsError: one cannot be read, or others may read the secrets.
        """
        ...

    def write(self, before: SettingsTexts, after: SettingsTexts) -> None:
        """Replace the files that differ between `before` and `after`, each as a whole. Blocks.

        A file that is None in `after` stays as it is. The file of secrets is for its owner's eyes alone.

        Raises:
            SettingsFileError: a file cannot be written. The settings are written last, so that they never name a
                secret that is not there.
        """
        ...

    def changes(self) -> AsyncGenerator[None]:
        """Yields when the files may have changed, and now and then besides, until it is closed or cancelled.

        Raises:
            OSError: they cannot be watched on this machine.
        """
        ...
