"""The settings files in the data folder."""

from __future__ import annotations

import asyncio
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime_config.settings_texts import SECRETS_FILE, SETTINGS_FILE, read_texts
from services.files import disk_errors, new_file
from services.settings_file.settings_file import SettingsFileError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runtime_config.settings_texts import SettingsTexts

_SECRET_MODE: Final = 0o600
_USUAL_MODE: Final = 0o644
_QUIET_MS: Final = 100  # without a further change, before a file counts as written
_LONGEST_MS: Final = 800  # that a file which is written again and again is waited for
# Some file systems tell of no changes (network folders, some containers), so that the files are looked at all the same.
_LOOK_AGAIN_MS: Final = 10_000


class FolderSettingsFiles:
    """`SettingsFiles` on the disk.

    Editors and deployments replace files by renaming others over them, so that the folder is watched. A link is
    followed, to its target's folder as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        return self._folder / SETTINGS_FILE

    def read(self) -> SettingsTexts:
        return read_texts(self._folder)

    def write(self, before: SettingsTexts, after: SettingsTexts) -> None:
        with disk_errors("data folder", SettingsFileError):
            if after.secrets is not None and after.secrets != before.secrets:
                _replace(self._folder / SECRETS_FILE, after.secrets, _SECRET_MODE)
            if after.settings is not None and after.settings != before.settings:
                _replace(self.path, after.settings, None)

    async def changes(self) -> AsyncGenerator[None]:
        await asyncio.to_thread(import_module, "watchfiles")  # beside what is served already, as it takes a while
        from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType] - of trio's event, not installed

        seen = {path.resolve() for path in self._paths()} | set(self._paths())
        folders = {path.parent for path in seen if path.parent.is_dir()}

        def concerns(_: Change, path: str) -> bool:
            return Path(path) in seen

        watching = awatch(
            *folders,
            watch_filter=concerns,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            rust_timeout=_LOOK_AGAIN_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        following = asyncio.ensure_future(anext(watching))
        try:
            await asyncio.sleep(0)  # it watches from its first step on; what came before is found by a look now
            while True:
                yield
                await asyncio.wait({following})
                following.result()
                following = asyncio.ensure_future(anext(watching))
        finally:
            following.cancel()
            await asyncio.wait({following})
            await watching.aclose()

    def _paths(self) -> tuple[Path, ...]:
        folder = self._folder.absolute()
        return (folder / SETTINGS_FILE, folder / SECRETS_FILE)


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    """`mode` are the rights of the new file; None: those of the old one."""
    target = path.resolve()
    with new_file(target.parent) as new:
        new.file.write(data)
        os.chmod(new.file.fileno() if os.chmod in os.supports_fd else new.file.name, mode or _mode_of(target))
        new.complete()
        new.move_to(target)


def _mode_of(path: Path) -> int:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return _USUAL_MODE
    if not mode & stat.S_IWUSR:  # a folder lets it be replaced all the same, but somebody has said that it stays
        raise SettingsFileError(f"{path.name} is read-only, so nothing was changed.")
    return mode
