"""REST request and response models."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, JsonValue, StringConstraints
from pydantic.alias_generators import to_camel

from error_types import ErrorCode
from runtime_config.runtime_config import SeedSafety
from services.feedback_store.feedback_store import FeedbackKind, FeedbackTag, Rating
from wire_protocol import EngineBackend


class ApiModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorResponse(ApiModel):
    """The body of every answer that is not a success."""

    code: ErrorCode
    message: str


# ---------------------------------------------------------------------------------------------------- health


class WorldEngineHealth(ApiModel):
    """`parked` is how many engines have left the device and wait in host memory, to come back without a load."""

    loaded: bool
    warmed_up: bool
    has_seed: bool
    parked: int


class SafetyHealth(ApiModel):
    """`loaded`: pictures can be judged. Otherwise `reason` says why not, and under `strict` no picture passes but those
    that came with the server. `revision` is the classifier's."""

    loaded: bool
    policy: SeedSafety
    reason: str | None
    revision: str | None


class AuthoringHealth(ApiModel):
    """Whether scenes can be made from words, and what makes them; otherwise `reason` says what is missing."""

    available: bool
    reason: str | None
    writer: str | None
    image_model: str | None


class ModelPlacement(ApiModel):
    """Where a model on this machine is, or would be loaded to now, and why, with the numbers.

    `unload-engine`: the world engine is unloaded meanwhile, and loaded again afterwards.
    """

    choice: Literal["resident", "offloaded", "cpu", "unload-engine", "refused"]
    reason: str


class MemoryHealth(ApiModel):
    """Null for a model that takes no memory of this machine: there is none, or it is behind an endpoint."""

    classifier: ModelPlacement | None
    writer: ModelPlacement | None
    editor: ModelPlacement | None


class Capabilities(ApiModel):
    backends: list[EngineBackend]
    quants: dict[EngineBackend, list[str]]


class SettingsFaultHealth(ApiModel):
    """Why the settings file cannot be used; the settings stay as they were. Only the owner is told more than that."""

    file: str
    line: int | None
    reason: str


class HealthResponse(ApiModel):
    status: Literal["ok"] = "ok"
    startup_complete: bool
    world_engine: WorldEngineHealth
    safety: SafetyHealth
    authoring: AuthoringHealth
    memory: MemoryHealth
    capabilities: Capabilities
    launched_from_standalone: bool
    version: str
    default_model: str
    settings_fault: SettingsFaultHealth | None = Field(serialization_alias="settingsFault")


class DoctorCheck(ApiModel):
    """One thing that the server needs. `found` says what is so, `mend` what to do about it; null where nothing is.

    `bad`: something that the server is set up for, or that the machine has, will not run.
    """

    id: str
    title: str
    state: Literal["good", "warning", "bad"]
    found: str
    mend: str | None


class DoctorResponse(ApiModel):
    """`ok`: nothing is bad; there may be warnings."""

    ok: bool
    checks: list[DoctorCheck]


class ShutdownResponse(ApiModel):
    status: Literal["shutting_down", "already_shutting_down"]


# -------------------------------------------------------------------------------------------------- settings


class CamelModel(ApiModel):
    """Its fields are in camel case on the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class SettingLeaf(CamelModel):
    """One setting. `value` is what the server works by; a secret has none, and `is_set` says whether there is one.

    `unit` is what a number counts. `fixed_by` is the flag or variable that alone decides. `pending` is the value that
    waits for a restart, if `is_pending`.
    """

    name: str
    help: str
    kind: Literal["integer", "number", "switch", "choice", "text", "list", "secret"]
    choices: list[str] | None
    least: float | None
    most: float | None
    unit: str | None
    value: JsonValue
    default: JsonValue
    default_in_words: str | None
    is_set: bool
    source: Literal["default", "file", "variable", "flag"]
    fixed_by: str | None
    applies: Literal["live", "nextSession", "nextJob", "restart"]
    restart_reason: str | None
    pending: JsonValue
    is_pending: bool


class SettingsGroup(CamelModel):
    title: str
    settings: list[SettingLeaf]


class SettingsFaultBody(CamelModel):
    """What is wrong with which file, and since when (ISO 8601)."""

    file: str
    line: int | None
    reason: str
    since: str


class SettingsResponse(CamelModel):
    """`revision` is that of the file as it was read last; a change has to name it in If-Match."""

    revision: str
    file: str
    fault: SettingsFaultBody | None
    groups: list[SettingsGroup]


class SettingsChanges(ApiModel):
    """By name of the setting. null: back to its default."""

    changes: dict[str, JsonValue] = Field(min_length=1, max_length=200)


class FieldsRefusedResponse(ErrorResponse):
    """`faults` has a sentence for each setting that cannot be as it was asked for, by its name."""

    faults: dict[str, str]


# ---------------------------------------------------------------------------------------------------- models


class PickerModel(ApiModel):
    """One model that can be played. `loaded`: its engine is in memory now. `licence` is an SPDX identifier.

    `parked`: its engine has left the device and waits in host memory, to come back without a load.
    `takes_words`: a prompt can steer its worlds.
    """

    id: str
    size_bytes: int | None
    is_local: bool
    model_type: str | None
    title: str
    description: str
    licence: str
    loaded: bool
    parked: bool
    takes_words: bool


class LibraryState(ApiModel):
    """What is on this machine of a model, or is happening to it. `reason` is a sentence.

    `ready`: all of it is here. `partial`: a pull has brought `done_bytes` of `total_bytes`. `damaged`: what is here
    cannot be used; a pull mends it. `pulling`: the job `job_id` does so, or waits for its turn. `parked`: it has left
    the device and waits in host memory, to come back without a load. `failed`: it is here, and could not be loaded, or
    lacks something of the machine.
    """

    kind: Literal["ready", "absent", "partial", "damaged", "pulling", "loading", "loaded", "parked", "failed"]
    job_id: str | None = None
    reason: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None


class LoadModelRequest(ApiModel):
    """`quant`: the model's first one, if none is named. `anyway`: also where it does not fit."""

    quant: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    anyway: bool = False


class LibraryNeeds(ApiModel):
    """What a model takes of this machine while it is loaded, by measurement or else by its card, and on the disk."""

    ram_bytes: int
    vram_bytes: int
    disk_bytes: int


class LibraryFit(ApiModel):
    """Whether a model could be loaded now beside what is loaded. `reason` is a sentence."""

    kind: Literal["fits", "tight", "does_not_fit", "unknown"]
    reason: str | None


class LibraryMeasured(ApiModel):
    """What a model took on this machine when it was loaded last, and the frames a second of its last benchmark. Null:
    that was not measured."""

    ram_bytes: int | None
    vram_bytes: int | None
    fps: float | None


class LibraryPace(ApiModel):
    """`control_ms`: between two moments at which the engine can see input."""

    frames_per_pass: int
    fps: int
    control_ms: float


class LibraryRepository(ApiModel):
    """What is pulled. `size_bytes` is of the files that are read. `gated`: its terms have to be accepted first."""

    id: str
    revision: str
    size_bytes: int
    licence: str
    gated: bool


class LibraryModel(ApiModel):
    """A model that can be played, or one that helps: to check pictures, to write or to paint scenes (`support`).

    `built_in`: it comes with the server, and is neither pulled nor removed. `size_bytes` is null where nothing of it is
    a file. `licence` is an SPDX identifier. `in_place`: it is a folder of a person's own, which the server leaves as it
    is. `use` says what the server uses it for by its settings, in words; null: for nothing.
    """

    id: str
    kind: Literal["engine", "support"]
    title: str
    description: str
    licence: str
    model_type: str
    quants: list[str]
    placement: Literal["cpu", "device"] | None
    size_bytes: int | None
    built_in: bool
    in_place: bool
    use: str | None
    state: LibraryState
    needs: LibraryNeeds | None
    fit: LibraryFit | None
    measured: LibraryMeasured | None
    pace: LibraryPace | None
    repositories: list[LibraryRepository]


class LibraryResponse(ApiModel):
    """`disk_free_bytes` is of the disk where models are kept; null where the system does not say."""

    models: list[LibraryModel]
    disk_free_bytes: int | None


class ModelInfoResponse(ApiModel):
    id: str
    size_bytes: int | None
    exists: bool
    is_local: bool
    error: str | None


# -------------------------------------------------------------------------------------------------- sessions


class Percentiles(ApiModel):
    """Milliseconds over the last few hundred passes; null before the first one."""

    p50: float | None
    p95: float | None
    p99: float | None


SessionStateName: TypeAlias = Literal["awaiting_seed", "preparing", "playing", "paused", "ended"]


class SessionSummary(ApiModel):
    """One open session. `receipt_to_send_ms`: from a control's arrival to the end of sending the pass that read it.

    `owner` names who plays, for an owner of the server; null where nobody has signed in. `server` names the one that
    it is played on, where several work as one; null where there is only this one.
    """

    id: str
    client: str
    remote: str
    state: SessionStateName
    model: str | None
    opened_at: float  # seconds since the Unix epoch
    playing_since: float | None
    frames_sent: int
    passes_replaced: int
    frames_per_second: float
    receipt_to_send_ms: Percentiles
    watchers: int = 0
    owner: str | None = None
    server: str | None = None


class WatchedSession(ApiModel):
    """What a link opens. `state` is that of the world: `waiting` is before the first one."""

    state: Literal["waiting", "playing", "paused"]
    watchers: int


class SessionGuests(ApiModel):
    """Who watches a session, by their numbers. `asking` would like the controls, `playing` has them."""

    guests: list[int]
    asking: int | None
    playing: int | None


class SessionsResponse(ApiModel):
    max_sessions: int
    sessions: list[SessionSummary]


# ----------------------------------------------------------------------------------------------------- seeds


class SeedSummary(ApiModel):
    """A seed picture on the server. `hash` is the SHA-256 (hex) of the file, and its name in every other call.

    `prompt` is the words that it was generated from; null for any other picture. `model` is the engine that it opens in
    where nobody chooses one. `owner` names the people to whom it belongs, for an owner of the server; null where it is
    nobody's in particular.
    """

    hash: str
    title: str
    description: str
    origin: Literal["shipped", "uploaded"]
    width: int
    height: int
    size_bytes: int
    image_url: str
    thumbnail_url: str
    model: str
    prompt: str | None = None
    owner: str | None = None


class SeedsResponse(ApiModel):
    """Shipped seeds first, then uploads, newest first."""

    seeds: list[SeedSummary]


# ---------------------------------------------------------------------------------------------------- scenes


JobStateName: TypeAlias = Literal["queued", "running", "finishing", "done", "failed", "cancelled", "interrupted"]


class JobFaultBody(ApiModel):
    code: str
    message: str


class JobFileBody(ApiModel):
    """A file that a job has made. `role` is what it is to the job, such as "film"."""

    role: str
    media_type: str
    bytes: int
    sha256: str


class JobSummary(ApiModel):
    """Work that survives the server. Times are seconds since 1970.

    `position`: so many jobs begin before this one, while it is queued. `fraction` of the present `stage` is done;
    `amounts` count that where the kind of job does, as the pull of a model counts `done_bytes` of `total_bytes`, and
    `done_files` of `total_files`.
    `waiting_s`: until it begins, and `remaining_s`: until its end, as far as its progress and earlier jobs of its kind
    tell; null where they do not. `deadline_at`: when a running job is given up. `cancelling`: it was asked to stop, and
    has not stopped yet. `owner` is as of `SeedSummary`.
    """

    id: str
    kind: str
    state: JobStateName
    request: dict[str, JsonValue]
    stage: str | None
    fraction: float | None
    amounts: dict[str, JsonValue] | None = None
    position: int | None
    waiting_s: int | None
    remaining_s: int | None
    result: dict[str, JsonValue] | None
    files: list[JobFileBody]
    fault: JobFaultBody | None
    attempt: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    deadline_at: float | None
    cancelling: bool
    can_retry: bool
    owner: str | None = None


class JobsResponse(ApiModel):
    """`newest_event` is where to begin to follow `/api/events`."""

    jobs: list[JobSummary]
    newest_event: int


class JobStreamEvent(ApiModel):
    """What a stream tells.

    What happened to a job has an `id`, by which a reader goes on. Progress has none, as the next one replaces it.
    """

    event: Literal["state", "stage", "cancelling", "progress", "end"]
    id: str | None
    data: dict[str, JsonValue]


class JobEventsResponse(ApiModel):
    """Oldest first. Where there are as many as were asked for, more may follow after the last one."""

    events: list[JobStreamEvent]


class SubmitJobBody(ApiModel):
    """`request` is of the kind's own shape."""

    kind: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    request: dict[str, JsonValue]


class ScenesResponse(ApiModel):
    """Newest first."""

    scenes: list[SeedSummary]


# ------------------------------------------------------------------------------------------------ recordings


class RecordingSummary(ApiModel):
    """A finished recording. `name` is that of the file without its suffix, and its name in every other call.

    Recordings of one stay in a world have the same `play_session` and count their `segment`s; what others put into the
    folder has none, and no `model` or `seed`. `owner` is as of `SeedSummary`.
    """

    name: str
    started_at: float  # seconds since the Unix epoch
    duration_s: float
    size_bytes: int
    width: int
    height: int
    play_session: str | None
    segment: int | None
    model: str | None
    seed: str | None
    video_url: str
    thumbnail_url: str
    owner: str | None = None


class RecordingDetails(RecordingSummary):
    """All that the file says of itself."""

    title: str | None
    artist: str | None
    quant: str | None
    server_version: str | None
    client_version: str | None
    seed_hash: str | None
    model_hash: str | None
    rng_seed: int | None
    input_log: str | None


class UnfinishedRecording(ApiModel):
    """One that runs, is being finished, or waits until it can be finished. `fraction` is 0 to 1, null if not known.

    One that waits has the `code` and the sentence of the reason. `video_url` is what was recorded so far, as it is.
    """

    name: str
    state: Literal["recording", "finishing", "waiting"]
    started_at: float
    duration_s: float
    fraction: float | None
    code: str | None = None
    message: str | None = None
    video_url: str | None = None


class RecordingUsage(ApiModel):
    """Bytes of everything in the folder of the recordings, what they may take up, and what is free on the disk."""

    used_bytes: int
    quota_bytes: int
    free_bytes: int
    recordings: int


class RecordingsResponse(ApiModel):
    """One page of recordings, newest first; `next` asks for the one after it, and is null on the last."""

    recordings: list[RecordingSummary]
    next: str | None
    unfinished: list[UnfinishedRecording]
    usage: RecordingUsage


class RenameRecordingRequest(ApiModel):
    """The name that is wanted; characters that some file system does not take are replaced.

    An empty one is refused by the store, in words.
    """

    name: Annotated[str, StringConstraints(max_length=400), Field(json_schema_extra={"minLength": 1})]


# ---------------------------------------------------------------------------------------------- saved worlds


class SavedWorldSummary(ApiModel):
    """A world file on the server. `seconds` is how long it was played, in its own time; `owner` as of `SeedSummary`."""

    id: str
    title: str
    origin: Literal["saved", "uploaded"]
    model: str
    passes: int
    seconds: float
    size_bytes: int
    created_at: float  # seconds since the Unix epoch
    file_url: str
    thumbnail_url: str
    owner: str | None = None


class SavedWorldsResponse(ApiModel):
    """Newest first."""

    worlds: list[SavedWorldSummary]


class RenameWorldRequest(ApiModel):
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SaveWorldRequestBody(ApiModel):
    """`moment_id`: a kept moment; null for the present."""

    title: Annotated[str, StringConstraints(max_length=200)] = ""
    moment_id: str | None = None


class KeepPictureRequestBody(ApiModel):
    """`moment_id`: what was seen at a kept moment; without it, what is seen now."""

    title: Annotated[str, StringConstraints(max_length=200)] = ""
    moment_id: str | None = None


class RewindRequestBody(ApiModel):
    seconds: Annotated[FiniteFloat, Field(gt=0, le=60)]


# -------------------------------------------------------------------------------------------------- feedback

PassNumber: TypeAlias = Annotated[int, Field(ge=0, le=2**53 - 1)]


def _no_switch(value: object) -> object:
    """Python takes true for 1."""
    if isinstance(value, bool):
        raise ValueError("Input should be 1 or -1")  # noqa: TRY004 - pydantic reports values, not types
    return value


class GiveFeedbackBody(ApiModel):
    """`rating` is 1 for good, -1 for bad; without a `pass` it is about the whole."""

    rating: Annotated[Rating, BeforeValidator(_no_switch)]
    tags: Annotated[tuple[FeedbackTag, ...], Field(max_length=24)] = ()
    comment: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)] | None = None
    pass_number: Annotated[PassNumber | None, Field(alias="pass")] = None


class FeedbackBody(ApiModel):
    """What one person has said of one thing. `at` is when it was said last, in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kind: FeedbackKind
    id: str
    pass_number: Annotated[PassNumber | None, Field(alias="pass")]
    rating: Rating
    tags: list[FeedbackTag]
    comment: str | None
    at: float


class FeedbackResponse(ApiModel):
    """One's own: of one thing, of the whole before its passes; or of all things, newest first."""

    feedback: list[FeedbackBody]
