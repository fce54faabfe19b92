"""Transitions of the settings: what is in force changes as a whole, and stays while the files are at fault."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._tables import next_state
from state.events import SettingsBroken, SettingsRead
from state.settings_states import SettingsFaulty, SettingsSound, SettingsUnread

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import AppState
    from state.events import SettingsEvent
    from state.settings_states import SettingsState


def _read(_: SettingsState, event: SettingsRead) -> SettingsState:
    return SettingsSound(event.in_force)


def _broken(state: SettingsSound, event: SettingsBroken) -> SettingsState:
    return SettingsFaulty(state.in_force, event.faults, event.revision, event.at)


def _broken_still(state: SettingsFaulty, event: SettingsBroken) -> SettingsState:
    return SettingsFaulty(state.in_force, event.faults, event.revision, state.since)


SETTINGS_TABLE: Final[Table[SettingsState]] = MappingProxyType(
    {
        (SettingsUnread, SettingsRead): _read,
        (SettingsSound, SettingsRead): _read,
        (SettingsFaulty, SettingsRead): _read,
        (SettingsSound, SettingsBroken): _broken,
        (SettingsFaulty, SettingsBroken): _broken_still,
    }
)


def settings_event(state: AppState, event: SettingsEvent) -> SettingsState:
    state.settings = next_state(SETTINGS_TABLE, state.settings, event)
    return state.settings
