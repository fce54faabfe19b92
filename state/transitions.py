"""All that affects transitions: which event may happen in which state of a machine, and which state follows.

The modules of transitions are the only writers of AppState's machines. Whoever applies an event holds the state lock.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from state._device_transitions import (
    ENGINE_TABLE,
    MODEL_USE_TABLE,
    MODELS_TABLE,
    RESERVATION_TABLE,
    engine_event,
    model_use_event,
    models_event,
    reservation_event,
)
from state._job_transitions import job_changed, job_forgotten, job_progressed
from state._session_transitions import (
    AUTHORING_TABLE,
    RECORDING_TABLE,
    SESSION_TABLE,
    authoring_event,
    recording_event,
    session_event,
)
from state._settings_transitions import SETTINGS_TABLE, settings_event
from state._sign_in_transitions import ATTEMPT_TABLE, attempt_event
from state._tables import IllegalTransitionError, To, next_state
from state._visitor_transitions import DISPLACEMENT_TABLE, UPLOAD_TABLE, displacement_event, upload_event
from state.app_state_types import Serving, Starting, Stopping
from state.events import ServingBegan, StopBegan

if TYPE_CHECKING:
    from state._tables import Table
    from state.app_state_types import AppState, ServerLifecycle
    from state.events import LifecycleEvent

__all__ = [
    "ATTEMPT_TABLE",
    "AUTHORING_TABLE",
    "DISPLACEMENT_TABLE",
    "ENGINE_TABLE",
    "LIFECYCLE_TABLE",
    "MODELS_TABLE",
    "MODEL_USE_TABLE",
    "RECORDING_TABLE",
    "RESERVATION_TABLE",
    "SESSION_TABLE",
    "SETTINGS_TABLE",
    "UPLOAD_TABLE",
    "IllegalTransitionError",
    "attempt_event",
    "authoring_event",
    "displacement_event",
    "engine_event",
    "job_changed",
    "job_forgotten",
    "job_progressed",
    "lifecycle_event",
    "model_use_event",
    "models_event",
    "recording_event",
    "reservation_event",
    "session_event",
    "settings_event",
    "upload_event",
]

LIFECYCLE_TABLE: Final[Table[ServerLifecycle]] = MappingProxyType(
    {
        (Starting, ServingBegan): To(Serving()),
        (Starting, StopBegan): To(Stopping()),
        (Serving, StopBegan): To(Stopping()),
    }
)


def lifecycle_event(state: AppState, event: LifecycleEvent) -> ServerLifecycle:
    state.lifecycle = next_state(LIFECYCLE_TABLE, state.lifecycle, event)
    return state.lifecycle
