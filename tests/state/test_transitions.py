"""Every cell of every table: what follows, and that everything outside of the tables is refused."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from access_rules import Owner
from error_types import ErrorCode
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.settings_document import SettingsDocument
from runtime_config.settings_fault import SettingsFault
from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.image_editor import EditorMissing
from services.prompt_writer.prompt_writer import WriterMissing
from state import app_state_types as states
from state import events, model_states, settings_states, sign_in_states, transitions
from state.app_state_types import (
    AppState,
    AuthoringDone,
    AuthoringFailed,
    AuthoringJob,
    AuthoringRunning,
    AuthoringStep,
    AuthoringWaiting,
    AwaitingSeed,
    DeviceReserved,
    Ended,
    EndReason,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineOffloaded,
    EngineParked,
    EngineParking,
    EngineReady,
    EngineUnloaded,
    EngineUnloading,
    Finishing,
    Lease,
    NoJob,
    NoSession,
    NotRecording,
    NotReserved,
    Paused,
    Playing,
    Preparing,
    Recording,
    Reserved,
    Serving,
    SessionRecord,
    Starting,
    Stopping,
    Ticket,
    Unfinished,
    WorldInPlay,
)
from state.events import (
    AttemptMade,
    AttemptsForgotten,
    AttemptSucceeded,
    BytesUploaded,
    DeviceReturned,
    DeviceTaken,
    DisplacementForgotten,
    Evicted,
    JobAccepted,
    JobAdvanced,
    JobFailed,
    JobForgotten,
    JobSucceeded,
    LeaseReturned,
    LeaseTaken,
    LineJoined,
    LineLeft,
    LoadBegan,
    LoadFailed,
    LoadSucceeded,
    ModelReturned,
    ModelsObserved,
    ModelTaken,
    Offloaded,
    ParkBegan,
    ParkFinished,
    PauseAsked,
    PictureGivenBack,
    PictureTaken,
    PlaceLost,
    PlayingBegan,
    PreparingAbandoned,
    PreparingBegan,
    RecordingBegan,
    RecordingClosed,
    RecordingLeft,
    RecordingRetried,
    RecordingStopped,
    ReservationAsked,
    ReservationLeft,
    ResumeAsked,
    ServingBegan,
    SessionAdmitted,
    SessionDisplaced,
    SessionEnded,
    SessionForgotten,
    SettingsBroken,
    SettingsRead,
    StopBegan,
    TakenDown,
    UnloadFinished,
    UploadsForgotten,
    VacatingBegan,
    VacatingEnded,
    WorldChanged,
)
from state.model_states import ModelIdle, ModelInUse, ModelPlans, ModelsKnown, ModelsUnknown, ModelVacating
from state.settings_states import SettingsFaulty, SettingsInForce, SettingsSound, SettingsUnread
from state.sign_in_states import Attempted, NoAttempts, OnAccount
from state.transitions import IllegalTransitionError
from state.visitor_states import Displaced, NotDisplaced, NothingUploaded, Uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT = Path(__file__).resolve().parent.parent.parent
LAKE = EngineKey("fake/lake", "none")
AT = 12.5
ONE, TWO, THREE = (Lease(number, f"session {number}") for number in (1, 2, 3))
FIRST, SECOND, THIRD = (Ticket(number, None) for number in (1, 2, 3))
WORLD, OTHER = (WorldInPlay(LAKE, name, 1, epoch, capped=True) for epoch, name in enumerate(("seed", "other")))
JOB = AuthoringJob("job", "scene", "s", "fog")
WRITING = AuthoringRunning(AuthoringStep.WRITING)
PAINTING = AuthoringRunning(AuthoringStep.PAINTING, 0.5)
FULL = (ErrorCode.RECORDING_DISK_FULL, "The disk is full.")
BROKEN = AuthoringFailed(ErrorCode.AUTHORING_FAILED, "It is broken.")
SETTINGS, OTHERS = (
    SettingsInForce(config, config, SettingsDocument()) for config in (RuntimeConfig(), RuntimeConfig(max_sessions=2))
)
FAULT = SettingsFault("settings.toml", "It is not TOML.", 3)
ENDED = Ended(EndReason.CLIENT_LEFT)


def known(look: int) -> ModelsKnown:
    missing = (ClassifierMissing("none"), WriterMissing("none"), EditorMissing("none"))
    return ModelsKnown(look, 1.0, *missing, if_alone=ModelPlans(), if_shared=ModelPlans())


@dataclass(frozen=True)
class Machine:
    """One machine: its table, all its states and events, a way to put AppState into a state, and its cells by example.

    A cell is (state, event, state after); there may be several for one pair of types.
    """

    name: str
    table: Mapping[tuple[type, type], object]
    members: frozenset[type]
    events: frozenset[type]
    put: Callable[[AppState, Any], None]
    apply: Callable[[AppState, Any], object]
    cells: tuple[tuple[Any, Any, Any], ...]


def put_engine(state: AppState, engine: Any) -> None:
    if engine != EngineUnloaded():
        state.engines[LAKE] = engine


def put_model(state: AppState, use: Any) -> None:
    state.model_use["writer"] = use


def put_reservation(state: AppState, reservation: Any) -> None:
    state.reservation = reservation


def put_models(state: AppState, models: Any) -> None:
    state.models = models


def put_session(state: AppState, session: Any) -> None:
    if session != NoSession():
        state.sessions["s"] = SessionRecord("s", "stock", "here", Owner(), 1.0, session)


def put_displacement(state: AppState, displacement: Any) -> None:
    if displacement != NotDisplaced():
        state.displaced["10.0.0.1"] = displacement


def put_uploads(state: AppState, uploads: Any) -> None:
    if uploads != NothingUploaded():
        state.uploads["10.0.0.1"] = uploads


def put_attempts(state: AppState, attempts: Any) -> None:
    if attempts != NoAttempts():
        state.attempts[OnAccount("ann")] = attempts


def put_recording(state: AppState, recording: Any) -> None:
    if recording != NotRecording():
        state.recordings["film"] = recording


def put_job(state: AppState, job: Any) -> None:
    if job != NoJob():
        state.authoring["job"] = AuthoringJob("job", "scene", "s", "fog", job)


def put_lifecycle(state: AppState, lifecycle: Any) -> None:
    state.lifecycle = lifecycle


def put_settings(state: AppState, settings: Any) -> None:
    state.settings = settings


def members(union: object, *beside: type) -> frozenset[type]:
    return frozenset(get_args(union)) | frozenset(beside)


MACHINES = (
    Machine(
        "engine",
        transitions.ENGINE_TABLE,
        members(states.EngineState),
        members(events.EngineEvent),
        put_engine,
        lambda state, event: transitions.engine_event(state, LAKE, event),
        (
            (EngineUnloaded(), LoadBegan(1, ONE), EngineLoading(1, (ONE,))),
            (EngineFailed(1, "no weights"), LoadBegan(2, ONE), EngineLoading(2, (ONE,))),
            (EngineOffloaded(ONE), LoadBegan(2, ONE), EngineLoading(2, (ONE,))),
            (EngineLoading(1, (ONE, TWO)), LoadSucceeded(AT), EngineReady((ONE, TWO))),
            (EngineLoading(1, (ONE, TWO, THREE)), LoadSucceeded(AT, 2), EngineReady((ONE, TWO), 2)),
            (EngineLoading(1, ()), LoadSucceeded(AT, 2), EngineReady((), 2, idle_since=AT)),
            (EngineUnloaded(), LoadBegan(1), EngineLoading(1)),
            (EngineReady((ONE,), 2), LeaseReturned(ONE, AT), EngineReady((), 2, idle_since=AT)),
            (EngineReady((), 2, idle_since=AT), LeaseTaken(ONE), EngineReady((ONE,), 2)),
            (EngineLoading(1, (ONE,)), LoadFailed("no weights"), EngineFailed(1, "no weights")),
            (EngineLoading(1, (ONE,)), LeaseTaken(TWO), EngineLoading(1, (ONE, TWO))),
            (EngineLoading(1, (ONE, TWO)), LeaseReturned(ONE, AT), EngineLoading(1, (TWO,))),
            (EngineReady((ONE,), 2), LeaseTaken(TWO), EngineReady((ONE, TWO), 2)),
            (EngineReady((ONE, TWO)), LeaseReturned(TWO, AT), EngineReady((ONE,))),
            (EngineReady((ONE,), 1), LineJoined(TWO), EngineReady((ONE,), 1, (TWO,))),
            (EngineReady((ONE,), 1, (TWO, THREE)), LineLeft(TWO), EngineReady((ONE,), 1, (THREE,))),
            (EngineReady((), 1, (TWO, THREE)), LeaseTaken(TWO), EngineReady((TWO,), 1, (THREE,))),
            (EngineReady((ONE,), 2), Offloaded(ONE), EngineUnloading(ONE)),
            (EngineReady((), 2), Evicted(), EngineUnloading()),
            (EngineReady((ONE,)), TakenDown(), EngineUnloaded()),
            (EngineReady((), 2, idle_since=AT), ParkBegan(AT + 1), EngineParking(AT)),
            (EngineReady((ONE,), 2), ParkBegan(AT, ONE), EngineParking(AT, ONE)),
            (EngineParking(AT), ParkFinished(9), EngineParked(AT, 9)),
            (EngineParking(AT, ONE), ParkFinished(9), EngineParked(AT, 9, ONE)),
            (EngineParking(AT, ONE), LeaseReturned(ONE, AT + 1), EngineParking(AT + 1)),
            (EngineParking(AT), Evicted(), EngineUnloading()),
            (EngineParking(AT, ONE), Evicted(), EngineUnloading(ONE)),
            (EngineParked(AT, 9, ONE), LoadBegan(2, ONE), EngineLoading(2, (ONE,))),
            (EngineParked(AT, 9, ONE), LeaseReturned(ONE, AT + 1), EngineParked(AT + 1, 9)),
            (EngineParked(AT, 9, ONE), Evicted(), EngineUnloading(ONE)),
            (EngineParked(AT, 9), LoadBegan(2, ONE), EngineLoading(2, (ONE,))),
            (EngineParked(AT, 9), LoadBegan(2), EngineLoading(2)),
            (EngineParked(AT, 9), Evicted(), EngineUnloading()),
            (EngineParked(AT, 9), TakenDown(), EngineUnloaded()),
            (EngineUnloading(ONE), LeaseReturned(ONE, AT), EngineUnloading()),
            (EngineUnloading(ONE), UnloadFinished(), EngineOffloaded(ONE)),
            (EngineUnloading(), UnloadFinished(), EngineUnloaded()),
            (EngineOffloaded(ONE), LeaseReturned(ONE, AT), EngineUnloaded()),
        ),
    ),
    Machine(
        "model use",
        transitions.MODEL_USE_TABLE,
        members(model_states.ModelUse),
        members(events.ModelUseEvent),
        put_model,
        lambda state, event: transitions.model_use_event(state, "writer", event),
        (
            (ModelIdle(), ModelTaken(), ModelInUse()),
            (ModelIdle(), VacatingBegan(), ModelVacating()),
            (ModelInUse(), ModelReturned(), ModelIdle()),
            (ModelVacating(), VacatingEnded(), ModelIdle()),
        ),
    ),
    Machine(
        "reservation",
        transitions.RESERVATION_TABLE,
        members(states.ReservationState),
        members(events.ReservationEvent),
        put_reservation,
        transitions.reservation_event,
        (
            (NotReserved(), ReservationAsked(FIRST), Reserved(FIRST)),
            (Reserved(FIRST), ReservationAsked(SECOND), Reserved(FIRST, (SECOND,))),
            (Reserved(FIRST), ReservationLeft(FIRST), NotReserved()),
            (Reserved(FIRST, (SECOND, THIRD)), ReservationLeft(FIRST), Reserved(SECOND, (THIRD,))),
            (Reserved(FIRST, (SECOND, THIRD)), ReservationLeft(SECOND), Reserved(FIRST, (THIRD,))),
            (Reserved(FIRST, (SECOND,)), DeviceTaken(LAKE), DeviceReserved(FIRST, LAKE, (SECOND,))),
            (DeviceReserved(FIRST), ReservationAsked(SECOND), DeviceReserved(FIRST, None, (SECOND,))),
            (DeviceReserved(FIRST, LAKE, (SECOND,)), ReservationLeft(SECOND), DeviceReserved(FIRST, LAKE)),
            (DeviceReserved(FIRST, LAKE, (SECOND,)), DeviceReturned(), Reserved(FIRST, (SECOND,))),
        ),
    ),
    Machine(
        "settings",
        transitions.SETTINGS_TABLE,
        members(settings_states.SettingsState),
        members(events.SettingsEvent),
        put_settings,
        transitions.settings_event,
        (
            (SettingsUnread(), SettingsRead(SETTINGS), SettingsSound(SETTINGS)),
            (SettingsSound(SETTINGS), SettingsRead(OTHERS), SettingsSound(OTHERS)),
            (SettingsFaulty(SETTINGS, (FAULT,), "a", 1.0), SettingsRead(OTHERS), SettingsSound(OTHERS)),
            (SettingsSound(SETTINGS), SettingsBroken((FAULT,), "a", 1.0), SettingsFaulty(SETTINGS, (FAULT,), "a", 1.0)),
            (
                SettingsFaulty(SETTINGS, (FAULT,), "a", 1.0),
                SettingsBroken((FAULT, FAULT), None, 2.0),
                SettingsFaulty(SETTINGS, (FAULT, FAULT), None, 1.0),
            ),
        ),
    ),
    Machine(
        "models",
        transitions.MODELS_TABLE,
        members(model_states.ModelsState),
        frozenset({ModelsObserved}),
        put_models,
        transitions.models_event,
        (
            (ModelsUnknown(), ModelsObserved(known(3)), known(3)),
            (known(3), ModelsObserved(known(4)), known(4)),
            (known(3), ModelsObserved(known(2)), known(3)),
        ),
    ),
    Machine(
        "session",
        transitions.SESSION_TABLE,
        members(states.SessionState, NoSession),
        members(events.SessionEvent),
        put_session,
        lambda state, event: transitions.session_event(state, "s", event),
        (
            (NoSession(), SessionAdmitted("stock", "here", Owner(), 1.0), AwaitingSeed()),
            (AwaitingSeed(), PreparingBegan(LAKE), Preparing(LAKE)),
            (AwaitingSeed(), SessionDisplaced(), NoSession()),
            (AwaitingSeed(), SessionEnded(EndReason.CLIENT_LEFT), ENDED),
            (AwaitingSeed(), SessionForgotten(), NoSession()),
            (Preparing(LAKE), PreparingAbandoned(), AwaitingSeed()),
            (Preparing(LAKE), PlayingBegan(WORLD, 2.0), Playing(WORLD, 2.0)),
            (Preparing(LAKE), SessionEnded(EndReason.CLIENT_LEFT), ENDED),
            (Preparing(LAKE), SessionForgotten(), NoSession()),
            (Playing(WORLD, 2.0), WorldChanged(OTHER), Playing(OTHER, 2.0)),
            (Playing(WORLD, 2.0), PauseAsked(), Paused(WORLD, 2.0)),
            (Playing(WORLD, 2.0), SessionEnded(EndReason.CLIENT_LEFT), ENDED),
            (Playing(WORLD, 2.0), SessionForgotten(), NoSession()),
            (Paused(WORLD, 2.0), WorldChanged(OTHER), Paused(OTHER, 2.0)),
            (Paused(WORLD, 2.0), ResumeAsked(), Playing(WORLD, 2.0)),
            (Paused(WORLD, 2.0), SessionEnded(EndReason.CLIENT_LEFT), ENDED),
            (Paused(WORLD, 2.0), SessionForgotten(), NoSession()),
            (ENDED, SessionForgotten(), NoSession()),
        ),
    ),
    Machine(
        "displacement",
        transitions.DISPLACEMENT_TABLE,
        members(states.DisplacementState),
        members(events.DisplacementEvent),
        put_displacement,
        lambda state, event: transitions.displacement_event(state, "10.0.0.1", event),
        (
            (NotDisplaced(), PlaceLost(2.0), Displaced(2.0)),
            (Displaced(2.0), PlaceLost(9.0), Displaced(9.0)),
            (Displaced(2.0), DisplacementForgotten(), NotDisplaced()),
        ),
    ),
    Machine(
        "attempts",
        transitions.ATTEMPT_TABLE,
        members(sign_in_states.AttemptState),
        members(events.AttemptEvent),
        put_attempts,
        lambda state, event: transitions.attempt_event(state, OnAccount("ann"), event),
        (
            (NoAttempts(), AttemptMade(2.0), Attempted(1, 2.0)),
            (NoAttempts(), AttemptSucceeded(), NoAttempts()),
            (NoAttempts(), AttemptsForgotten(), NoAttempts()),
            (Attempted(3, 2.0), AttemptMade(9.0), Attempted(4, 9.0)),
            (Attempted(3, 2.0), AttemptSucceeded(), Attempted(2, 2.0)),
            (Attempted(1, 2.0), AttemptSucceeded(), NoAttempts()),
            (Attempted(3, 2.0), AttemptsForgotten(), NoAttempts()),
        ),
    ),
    Machine(
        "uploads",
        transitions.UPLOAD_TABLE,
        members(states.UploadState),
        members(events.UploadEvent),
        put_uploads,
        lambda state, event: transitions.upload_event(state, "10.0.0.1", event),
        (
            (NothingUploaded(), BytesUploaded(5, 2.0), Uploaded(2.0, bytes=5)),
            (NothingUploaded(), PictureTaken(2.0), Uploaded(2.0, pictures=1)),
            (NothingUploaded(), PictureGivenBack(), NothingUploaded()),
            (Uploaded(2.0, 5, 1), BytesUploaded(6, 9.0), Uploaded(2.0, 11, 1)),
            (Uploaded(2.0, 5, 1), PictureTaken(9.0), Uploaded(2.0, 5, 2)),
            (Uploaded(2.0, 5, 1), PictureGivenBack(), Uploaded(2.0, 5, 0)),
            (Uploaded(2.0, 5, 0), PictureGivenBack(), Uploaded(2.0, 5, 0)),
            (Uploaded(2.0, 5, 1), UploadsForgotten(), NothingUploaded()),
        ),
    ),
    Machine(
        "recording",
        transitions.RECORDING_TABLE,
        members(states.RecordingState),
        members(events.RecordingEvent),
        put_recording,
        lambda state, event: transitions.recording_event(state, "film", event),
        (
            (NotRecording(), RecordingBegan("s", 1.0), Recording("s", 1.0)),
            (Recording("s", 1.0), RecordingStopped(2.0), Finishing("s", 1.0, 2.0)),
            (Recording("s", 1.0), RecordingClosed(), NotRecording()),
            (Finishing("s", 1.0, 2.0), RecordingClosed(), NotRecording()),
            (NotRecording(), RecordingLeft(1.0, *FULL), Unfinished(1.0, *FULL)),
            (Recording("s", 1.0), RecordingLeft(3.0, *FULL), Unfinished(1.0, *FULL)),
            (Finishing("s", 1.0, 2.0), RecordingLeft(3.0, *FULL), Unfinished(1.0, *FULL)),
            (Unfinished(1.0, *FULL), RecordingRetried(4.0), Finishing(None, 1.0, 4.0)),
            (Unfinished(1.0, *FULL), RecordingClosed(), NotRecording()),
        ),
    ),
    Machine(
        "authoring",
        transitions.AUTHORING_TABLE,
        members(states.AuthoringState, NoJob),
        members(events.AuthoringEvent),
        put_job,
        lambda state, event: transitions.authoring_event(state, "job", event),
        (
            (NoJob(), JobAccepted(JOB), AuthoringWaiting()),
            (AuthoringWaiting(), JobAdvanced(AuthoringStep.WRITING), WRITING),
            (AuthoringWaiting(), JobFailed(BROKEN.code, BROKEN.message), BROKEN),
            (WRITING, JobAdvanced(AuthoringStep.PAINTING, 0.5), PAINTING),
            (PAINTING, JobSucceeded("hash"), AuthoringDone("hash")),
            (PAINTING, JobFailed(BROKEN.code, BROKEN.message), BROKEN),
            (AuthoringDone("hash"), JobForgotten(), NoJob()),
            (BROKEN, JobForgotten(), NoJob()),
        ),
    ),
    Machine(
        "lifecycle",
        transitions.LIFECYCLE_TABLE,
        members(states.ServerLifecycle),
        members(events.LifecycleEvent),
        put_lifecycle,
        transitions.lifecycle_event,
        (
            (Starting(), ServingBegan(), Serving()),
            (Starting(), StopBegan(), Stopping()),
            (Serving(), StopBegan(), Stopping()),
        ),
    ),
)
MACHINE = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
# States of machines that no event leaves.
FINAL = {Stopping}


def kept(state: AppState) -> tuple[object, ...]:
    return (
        state.lifecycle,
        dict(state.engines),
        dict(state.sessions),
        dict(state.recordings),
        dict(state.authoring),
        dict(state.model_use),
        state.reservation,
        state.models,
    )


@MACHINE
def test_a_table_has_exactly_the_states_and_events_of_its_machine(machine: Machine) -> None:
    assert {state for state, _ in machine.table} == machine.members - FINAL
    assert {event for _, event in machine.table} == machine.events


@MACHINE
def test_every_cell_leads_where_it_says(machine: Machine) -> None:
    for before, event, after in machine.cells:
        state, expected = AppState(), AppState()
        machine.put(state, before)
        machine.put(expected, after)
        assert machine.apply(state, event) == after
        assert kept(state) == kept(expected), f"{type(event).__name__} in {before}"
    assert {(type(before), type(event)) for before, event, _ in machine.cells} == set(machine.table)


@MACHINE
def test_an_event_that_a_table_lacks_is_refused_with_the_names_of_both(machine: Machine) -> None:
    examples: dict[type, Any] = {Stopping: Stopping()}
    happenings: dict[type, Any] = {}
    for before, event, _ in machine.cells:
        examples[type(before)], happenings[type(event)] = before, event
    for kind in machine.members:
        for what in machine.events:
            if (kind, what) in machine.table:
                continue
            state = AppState()
            machine.put(state, examples[kind])
            before = kept(state)
            with pytest.raises(IllegalTransitionError, match=f"{what.__name__} cannot happen in {kind.__name__}"):
                machine.apply(state, happenings[what])
            assert kept(state) == before


@pytest.mark.parametrize(
    ("before", "event"),
    [
        (EngineOffloaded(ONE), LoadBegan(2, TWO)),
        (EngineOffloaded(ONE), LeaseReturned(TWO, AT)),
        (EngineUnloading(ONE), LeaseReturned(TWO, AT)),
        (EngineLoading(1, (ONE,)), LeaseTaken(ONE)),
        (EngineLoading(1, (ONE,)), LeaseReturned(TWO, AT)),
        (EngineReady((ONE,), 1), LeaseTaken(TWO)),
        (EngineReady((ONE,)), LeaseReturned(TWO, AT)),
        (EngineReady((ONE,)), LineJoined(ONE)),
        (EngineReady((), 1, (ONE,)), LineJoined(ONE)),
        (EngineReady((ONE,)), LineLeft(ONE)),
        (EngineReady((ONE, TWO)), Offloaded(ONE)),
        (EngineReady(()), Offloaded(ONE)),
        (EngineReady((ONE,)), Evicted()),
        (EngineReady((ONE,)), ParkBegan(AT)),
        (EngineReady((ONE, TWO)), ParkBegan(AT, ONE)),
        (EngineReady(()), ParkBegan(AT, ONE)),
        (EngineParking(AT, ONE), LeaseReturned(TWO, AT)),
        (EngineParked(AT, 9, ONE), LeaseReturned(TWO, AT)),
        (EngineParked(AT, 9, ONE), LoadBegan(2, TWO)),
        (EngineParked(AT, 9, ONE), LoadBegan(2)),
    ],
)
def test_leases_bind_an_engine(before: Any, event: Any) -> None:
    state = AppState()
    put_engine(state, before)
    with pytest.raises(IllegalTransitionError):
        transitions.engine_event(state, LAKE, event)


def test_the_holder_of_a_reservation_returns_the_device_first() -> None:
    state = AppState(reservation=DeviceReserved(FIRST))
    with pytest.raises(IllegalTransitionError):
        transitions.reservation_event(state, ReservationLeft(FIRST))


def test_a_record_keeps_its_other_fields() -> None:
    state = AppState()
    transitions.session_event(state, "s", SessionAdmitted("stock", "here", Owner(), 1.5))
    transitions.session_event(state, "s", PreparingBegan(LAKE))
    assert state.sessions == {"s": SessionRecord("s", "stock", "here", Owner(), 1.5, Preparing(LAKE))}
    transitions.authoring_event(state, "job", JobAccepted(JOB))
    assert state.authoring == {"job": JOB}


# ------------------------------------------------------------------------------------------------- the only writer


def _writes(tree: ast.AST) -> list[str]:
    """Where a field of AppState, or an entry of one, is assigned, deleted or changed by a method."""
    fields = set(AppState.__dataclass_fields__)
    changing = {"pop", "popitem", "clear", "update", "setdefault"}

    def is_machine(node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return is_machine(node.value)
        owner = node.value if isinstance(node, ast.Attribute) else None
        name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
        return isinstance(node, ast.Attribute) and node.attr in fields and name in {"state", "_state"}

    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                found += [ast.unparse(target) for target in targets if is_machine(target)]
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target) if is_machine(target):
                found.append(ast.unparse(target))
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in changing and is_machine(value):
                found.append(ast.unparse(node))
            case _:
                pass
    return found


def test_only_transitions_write_to_the_machines() -> None:
    transitions_modules = sorted((PROJECT / "state").glob("*transitions.py"))  # with the private ones behind it
    assert len(transitions_modules) == 7
    for path in transitions_modules:
        assert _writes(ast.parse(path.read_text(encoding="utf-8"))), path
    sources = [*PROJECT.glob("*.py"), *(PROJECT / "handlers").rglob("*.py"), *(PROJECT / "state").rglob("*.py")]
    for path in sources:
        if path not in transitions_modules:
            assert not _writes(ast.parse(path.read_text(encoding="utf-8"))), path
