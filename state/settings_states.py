"""States of the settings: what is in force, and whether the files say something that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from runtime_config.runtime_config import RuntimeConfig
    from runtime_config.settings_document import SettingsDocument
    from runtime_config.settings_fault import SettingsFault


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """`config` is what the server works by. `asked` is what the next start would have, with what waits for it.

    `document` is what the files said when they were last sound; sessions and jobs are told apart by its revision.
    """

    config: RuntimeConfig
    asked: RuntimeConfig
    document: SettingsDocument

    @property
    def revision(self) -> str:
        return self.document.revision


@dataclass(frozen=True, slots=True)
class SettingsUnread:
    """There is no configuration yet."""


@dataclass(frozen=True, slots=True)
class SettingsSound:
    """The files say what is in force."""

    in_force: SettingsInForce


@dataclass(frozen=True, slots=True)
class SettingsFaulty:
    """The files cannot be used, and what they said before stays in force.

    `revision` is that of the bytes that are wrong, None where they cannot be read. `since` is a time of the wall clock,
    in seconds since the Unix epoch.
    """

    in_force: SettingsInForce
    faults: tuple[SettingsFault, ...]
    revision: str | None
    since: float


SettingsState: TypeAlias = SettingsUnread | SettingsSound | SettingsFaulty
