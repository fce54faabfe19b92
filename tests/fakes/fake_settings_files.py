"""Settings files in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_config.settings_fault import SettingsFaultsError
from runtime_config.settings_texts import SettingsTexts
from services.settings_file.settings_file import SettingsFileError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runtime_config.settings_fault import SettingsFault


class FakeSettingsFiles:
    """`texts` is what they hold. `unreadable` is why they cannot be read, `unwritable` why they cannot be written."""

    def __init__(self, texts: SettingsTexts | None = None) -> None:
        self.texts = texts or SettingsTexts()
        self.unreadable: SettingsFault | None = None
        self.unwritable: str | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def path(self) -> Path:
        return Path("data/settings.toml")

    def put(self, texts: SettingsTexts) -> None:
        """As if somebody had written the files. May be called from any thread."""
        self.texts = texts
        for loop, changed in list(self._waiting):
            loop.call_soon_threadsafe(changed.set)

    def read(self) -> SettingsTexts:
        if self.unreadable is not None:
            raise SettingsFaultsError([self.unreadable])
        return self.texts

    def write(self, before: SettingsTexts, after: SettingsTexts) -> None:
        if self.unwritable is not None:
            raise SettingsFileError(self.unwritable)
        settings = self.texts.settings if after.settings in (None, before.settings) else after.settings
        secrets = self.texts.secrets if after.secrets in (None, before.secrets) else after.secrets
        self.put(SettingsTexts(settings, secrets))

    async def changes(self) -> AsyncGenerator[None]:
        changed = asyncio.Event()
        entry = (asyncio.get_running_loop(), changed)
        self._waiting.append(entry)
        try:
            yield  # what came before it was watched
            while True:
                await changed.wait()
                changed.clear()
                yield
        finally:
            self._waiting.remove(entry)
