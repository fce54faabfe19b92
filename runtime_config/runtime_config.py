"""What the server was started with: frozen, and read everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

SeedSafety: TypeAlias = Literal["strict", "when-available", "off"]
LogFormat: TypeAlias = Literal["text", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning"]
Subsampling: TypeAlias = Literal["4:2:0", "4:4:4"]
LocalImages: TypeAlias = Literal["off", "auto", "resident", "offloaded", "cpu"]
LocalWriter: TypeAlias = LocalImages
Quantisation: TypeAlias = Literal["none", "int8"]
UnloadEngine: TypeAlias = Literal["auto", "always", "never"]
MossSteps: TypeAlias = Literal[1, 2, 4]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may talk to the server. `host` and `port` are where it listens."""

    host: str = "127.0.0.1"
    port: int = 7987
    allowed_origins: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)  # never printed
    allow_anonymous: bool = False


@dataclass(frozen=True, slots=True)
class JpegConfig:
    """How frames are encoded at best. Small pictures get finer colour: there it shows, and costs little."""

    quality: int = 85
    subsampling: Subsampling = "4:2:0"
    small_below_lines: int = 360
    small_quality: int = 90
    small_subsampling: Subsampling = "4:4:4"
    lowest_quality: int = 45  # the floor of adaptation to a slow client
    threads: int | None = None  # None: one for each core, at most four


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one session. Times in seconds, sizes in bytes."""

    init_timeout_s: float = 60.0
    # The world plays on with the keys held while the newest control is younger than this; then it idles.
    control_hold_s: float = 0.25
    # A half-open peer is gone after interval + timeout + the abort grace (< 30 s). A peer that stops reading for 10 s
    # answers the ping it then finds well within the timeout.
    ping_interval_s: float = 10.0
    ping_timeout_s: float = 16.0
    max_message_bytes: int = 64 * MIB  # above: a typed error
    max_frame_bytes: int = 128 * MIB  # above: close 1009
    max_waiting_request_bytes: int = 96 * MIB
    max_waiting_requests: int = 256
    max_unsent_messages: int = 2048  # replies a client has not read; above: it is closed
    farewell_timeout_s: float = 2.0  # for the last messages and the close frame
    max_recoveries: int = 3  # of a failing engine, without `recovery_reset_s` of good play in between
    recovery_reset_s: float = 30.0
    kept_snapshots: int = 64
    moment_bytes: int = 128 * MIB  # half for kept moments, half for rewinding
    journal_passes: int = 300_000  # what led to a moment, for world files; some 36 bytes each


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """Where recordings go, and how much room they may take. Sizes in bytes.

    `client_folders` are those in which, or below which, a client may have its own recordings put.
    """

    folder: Path | None = None  # None: `recordings` in the data folder
    client_folders: tuple[Path, ...] = ()
    quota_bytes: int = 20 * 1024 * MIB
    least_free_bytes: int = 512 * MIB  # on the disk; the rest of the server needs room as well
    shortest_s: float = 3.0  # what is shorter was hardly meant to be kept
    room_check_s: float = 10.0  # between looks at the room that is left, while recording


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """A server in the OpenAI format. `base_url` is without a slash at its end; `timeout_s` is for one request."""

    base_url: str
    model: str
    key: str | None = field(default=None, repr=False)  # never printed
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class AuthoringConfig:
    """What writes and paints scenes; without a writer and an image model there is no scene authoring.

    Times in seconds. A stock client waits 30 s for an edit and 60 s for a scene: it must be answered before.
    """

    writer: EndpointConfig | None = None
    writer_sees: bool = True  # whether the endpoint's model reads pictures
    local_writer: LocalWriter = "off"  # used without an endpoint for the writer; where the model lives
    local_writer_folder: Path | None = None  # None: what the Hugging Face cache holds
    local_writer_revision: str | None = None  # a commit in the cache; None: the one that the server knows
    local_writer_quant: Quantisation = "none"
    images: EndpointConfig | None = None
    image_size: str | None = None  # WIDTHxHEIGHT, where the endpoint makes certain sizes alone
    local_images: LocalImages = "off"  # used without an endpoint for images; where the model lives
    local_image_folder: Path | None = None  # None: what the Hugging Face cache holds
    local_images_quant: Quantisation = "none"
    unload_engine: UnloadEngine = "auto"  # while a model on this machine makes a scene
    edit_limit_s: float = 28.0
    scene_limit_s: float = 58.0
    job_limit_s: float = 600.0  # of a scene that no session waits for
    max_wish_characters: int = 1000
    kept_jobs: int = 20  # that are over


@dataclass(frozen=True, slots=True)
class MossConfig:
    """The built-in neural world: its weights, and how often the network is asked for a frame."""

    weights: Path | None = None  # None: those that ship with the server
    steps: MossSteps = 2


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """Everything that is fixed when the process starts."""

    data_dir: Path
    access: AccessConfig = AccessConfig()
    log_format: LogFormat | None = None  # None: text on a terminal, else JSON lines
    log_level: LogLevel = "info"
    parent_pid: int | None = None
    launched_from_standalone: bool = False
    max_sessions: int = 8
    seed_safety: SeedSafety = "when-available"
    max_upload_bytes: int = 64 * MIB
    max_uploaded_seeds: int = 200
    jpeg: JpegConfig = JpegConfig()
    recording: RecordingConfig = RecordingConfig()
    moss: MossConfig = MossConfig()
    authoring: AuthoringConfig = AuthoringConfig()
    limits: SessionLimits = SessionLimits()
    max_saved_worlds: int = 1000
    input_log_bytes: int = 1024 * MIB  # all logs, and the pictures beside them
    drain_timeout_s: float = 4.0  # of the 5 s within which a stop must end
