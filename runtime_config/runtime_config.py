"""What the server was started with. A field that is marked by `Setting` can be chosen at start; the rest is fixed here.

One place says everything of a setting: its field, type, bounds, default, flag, variable and help text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field

from runtime_config.anonymous_config import AnonymousConfig
from runtime_config.applies import LIVE, NEXT_SESSION, Restart
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.data_directory import default_data_directory
from runtime_config.engines_config import EnginesConfig
from runtime_config.film_model_config import FilmModelConfig
from runtime_config.films_config import FilmsConfig
from runtime_config.fleet_config import FleetConfig
from runtime_config.hub_config import HubConfig
from runtime_config.machine_memory import machine_memory
from runtime_config.resume_config import ResumeConfig
from runtime_config.setting import Group, Setting
from runtime_config.setting_types import (
    MEBIBYTES,
    MIB,
    Folders,
    Origins,
    checked_host,
    checked_token,
)
from runtime_config.sharing_config import SharingConfig

SeedSafety: TypeAlias = Literal["strict", "off"]
LogFormat: TypeAlias = Literal["text", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning"]
Subsampling: TypeAlias = Literal["4:2:0", "4:4:4"]
MossFrames: TypeAlias = Literal["large", "small"]
Quality: TypeAlias = Annotated[int, Field(ge=1, le=100)]

MOST_SESSIONS: Final = 1024


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may talk to the server. `host` and `port` are where it listens."""

    host: Annotated[
        str,
        AfterValidator(checked_host),
        Setting(
            "host",
            "address to listen on; 0.0.0.0 for every interface, which needs --token, --accounts or --allow-anonymous",
            metavar="ADDRESS",
            applies=Restart("the server listens on one address from its start to its end"),
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Field(ge=0, le=65535),
        Setting(
            "port",
            "port to listen on; 0 takes any free one",
            applies=Restart("the server listens on one port from its start to its end"),
        ),
    ] = 7987
    allowed_origins: Annotated[
        Origins,
        Setting(
            "allowed_origin",
            "a further web origin whose pages may use the server, as scheme://host[:port]; the variable takes several,"
            " separated by commas",
            metavar="ORIGIN",
            applies=LIVE,
        ),
    ] = ()
    token: Annotated[
        str | None,
        AfterValidator(checked_token),
        Setting(
            "token",
            "secret that clients must present, 16 characters or more; other users of this machine can read the command"
            " line, so prefer the variable",
            metavar="SECRET",
            applies=Restart("whoever came in with the old token would stay connected; a restart ends every connection"),
            is_secret=True,
        ),
    ] = field(default=None, repr=False)
    allow_anonymous: Annotated[
        bool,
        Setting(
            "allow_anonymous",
            "let everyone who can reach the address play without the token; the rest stays with those who have it",
            applies=LIVE,
        ),
    ] = False
    accounts: Annotated[
        bool,
        Setting(
            "accounts",
            "have people sign in, each with a role and things of their own; the first owner is made in the page",
            applies=Restart("whoever is here now came in by other rules, and what they have made would be nobody's"),
        ),
    ] = False
    anonymous: AnonymousConfig = field(default_factory=AnonymousConfig)


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """How many connections there may be, and how long a peer may take. Times in seconds.

    A request head is at most 16 KiB, so its time is fixed. A body may take as long as it needs, at the least rate: the
    slowest link that anybody plays on is a hundred times as fast.
    """

    max_connections: Annotated[
        int | None,
        Field(ge=8, le=16384),
        Setting(
            "max_connections",
            "connections from other machines that are open at a time; this machine's own are counted apart, up to as"
            " many",
            default="as many as the open files that the system allows leave room for, at most 1024",
            applies=LIVE,
        ),
    ] = None
    max_connections_per_address: Annotated[
        int,
        Field(ge=4, le=16384),
        Setting(
            "max_connections_per_address",
            "connections from one other machine that are open at a time; raise it where many players share an address",
            applies=LIVE,
        ),
    ] = 64
    chance_s: float = 1.0  # for a newcomer to say something, before it may have to give way to another
    request_head_s: float = 10.0  # from the connection, or the first byte, to the end of the headers
    stall_s: float = 10.0  # that a body may fall behind the least rate
    least_bytes_per_s: float = 1024.0
    unread_s: float = 60.0  # without progress of an answer's reader; browsers pause long downloads, and ask again
    keep_alive_s: float = 5.0  # between two requests


@dataclass(frozen=True, slots=True)
class JpegConfig:
    """How frames are encoded at best. Small frames get finer colour: there it shows, and costs little."""

    quality: Annotated[Quality, Setting("jpeg_quality", "quality of frames as JPEGs", applies=LIVE)] = 85
    subsampling: Annotated[Subsampling, Setting("jpeg_subsampling", "chroma subsampling of frames", applies=LIVE)] = (
        "4:2:0"
    )
    small_below_lines: int = 360
    small_quality: Annotated[
        Quality, Setting("small_jpeg_quality", "quality of frames below 360 lines", applies=LIVE)
    ] = 90
    small_subsampling: Annotated[
        Subsampling, Setting("small_jpeg_subsampling", "chroma subsampling of frames below 360 lines", applies=LIVE)
    ] = "4:4:4"
    lowest_quality: int = 45  # to which a slow client's frames are lowered
    threads: Annotated[
        int | None,
        Field(ge=1, le=64),
        Setting(
            "encoder_threads", "threads that encode frames", default="one for each core, at most four", applies=LIVE
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """How frames are encoded as H.264, for clients that ask for it."""

    crf: Annotated[
        int,
        Field(ge=10, le=45),
        Setting("video_crf", "quality of frames as H.264 at best, by x264's scale: less is finer", applies=LIVE),
    ] = 20
    coarsest_crf: int = 38  # to which a slow client's frames are lowered
    most_mbit_s: Annotated[
        float,
        Field(ge=0.5, le=100),
        Setting("video_mbit_s", "megabits a second that the H.264 of one session may take at best", applies=LIVE),
    ] = 12.0
    least_mbit_s: float = 1.2  # at the coarsest quality
    threads: int = 1  # for each session: the engine needs the others


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
    watcher_patience_s: float = 20.0  # for whoever watches to take a pass that waits; then they are closed
    max_unsent_messages: int = 2048  # replies a client has not read; above: it is closed
    error_linger_s: float = 0.5  # from the error that ends a session to the close frame; stock clients need it
    farewell_timeout_s: float = 2.0  # for the last messages and the close frame
    displace_after_s: float = 5.0  # without an `init`, a session may have to give way to a newcomer
    idle_place_s: Annotated[
        float,
        Field(ge=10, le=86_400),
        Setting(
            "idle_place_s",
            "seconds after which a session in which nobody plays gives its place to a newcomer who finds all places"
            " taken",
            applies=LIVE,
        ),
    ] = 120.0
    max_recoveries: int = 3  # of a failing engine, without `recovery_reset_s` of good play in between
    recovery_reset_s: float = 30.0
    kept_moments: int = 64
    moment_bytes: Annotated[
        int | None,
        Field(ge=1, le=65536),
        MEBIBYTES,
        Setting(
            "moments_mib",
            "memory of one session, in MiB, for the moments that it keeps and for rewinding; when it is full, the"
            " oldest are dropped",
            default="128, or what ten checkpoints of a large world take, as far as a sixteenth of this machine's memory"
            " goes; two have room in any case",
            unit=MIB,
            applies=NEXT_SESSION,
        ),
    ] = None  # half for kept moments, half for rewinding
    machine_bytes: int = field(default_factory=machine_memory)  # what this machine has, for what is not set
    journal_passes: int = 300_000  # what led to a moment, for world files; some 36 bytes each


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """Where recordings go, and how much space they may take. Sizes in bytes.

    `client_folders` are those in which, or below which, a client may have its own recordings put.
    """

    folder: Annotated[
        Path | None,
        Setting(
            "recordings_dir",
            "folder for recordings",
            default="recordings in the data folder",
            applies=Restart("the folder is locked from start to end, and unfinished recordings lie in it"),
        ),
    ] = None
    client_folders: Annotated[
        Folders,
        Setting(
            "client_recordings_dir",
            "a folder in which, or below which, a client may ask to have its recordings put; the variable takes"
            " several, separated as in PATH",
            metavar="FOLDER",
            applies=LIVE,
        ),
    ] = ()
    quota_bytes: Annotated[
        int,
        Field(ge=1, le=1 << 30),
        MEBIBYTES,
        Setting(
            "recordings_quota_mib",
            "space that all recordings may take, in MiB; then recording stops, and nothing is deleted",
            unit=MIB,
            applies=LIVE,
        ),
    ] = 20 * 1024 * MIB
    clip_bytes: Annotated[
        int,
        Field(ge=0, le=128),
        MEBIBYTES,
        Setting(
            "clip_mib",
            "memory for the newest 15 seconds of each session, which can be kept as a clip, in MiB; 0 keeps none",
            unit=MIB,
            applies=LIVE,
        ),
    ] = 64 * MIB
    least_free_bytes: int = 512 * MIB  # of the disk, which the rest of the server needs as well
    shortest_s: float = 3.0  # a shorter recording is taken for a slip of the finger, and not kept
    room_check_s: float = 10.0  # between checks of the free space, while recording


@dataclass(frozen=True, slots=True)
class JobsConfig:
    """How many jobs wait, and how long those that have ended are remembered. Times in seconds.

    What is kept is counted for each kind of job. Jobs that have not ended are no part of it.
    """

    database_url: Annotated[
        str | None,
        Setting(
            "database_url",
            "database server for jobs, such as postgresql+psycopg://user@host/name",
            default="terrarium.sqlite in the data folder",
            metavar="URL",
            applies=Restart("the jobs of this run are in that database, and running ones are written to it"),
            is_secret=True,
        ),
    ] = field(default=None, repr=False)  # it may hold a password
    max_queued: Annotated[
        int,
        Field(ge=1, le=100_000),
        Setting("max_queued_jobs", "jobs that one person may have waiting or running", applies=LIVE),
    ] = 100
    kept_bytes: Annotated[
        int,
        Field(ge=0),
        Setting(
            "kept_job_bytes",
            "bytes of files that jobs of one kind keep, such as films; the oldest go first",
            applies=LIVE,
        ),
    ] = 20 * 1000**3
    kept: int = 1000
    kept_s: float = 30 * 24 * 3600.0
    key_s: float = 24 * 3600.0  # how long an idempotency key is known


@dataclass(frozen=True, slots=True)
class MossConfig:
    """The built-in neural world."""

    weights: Annotated[
        Path | None,
        Setting(
            "moss_weights",
            "folder with its weights, as training.export writes them",
            default="those that ship",
            applies=NEXT_SESSION,
        ),
    ] = None
    frames: Annotated[
        MossFrames,
        Setting(
            "moss_frames",
            "size of its frames: small ones are 224x128, large ones 448x256, which take three times as long;"
            " saved worlds and replays are of the size that they were made with",
            applies=NEXT_SESSION,
        ),
    ] = "small"


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """Everything that is fixed when the process starts."""

    data_dir: Annotated[
        Path,
        Group("folders"),
        Setting(
            "data_dir",
            "folder for seeds, saved worlds and logs",
            default="terrarium in the platform's folder for application data",
            applies=Restart("the settings file itself lies in this folder, which is locked from start to end"),
            only_at_start=True,
        ),
    ] = field(default_factory=default_data_directory)
    access: Annotated[AccessConfig, Group("who may connect")] = AccessConfig()
    door: Annotated[DoorConfig, Group("who may connect")] = DoorConfig()
    fleet: Annotated[FleetConfig, Group("several servers")] = field(default_factory=FleetConfig)
    max_sessions: Annotated[
        int,
        Field(ge=1, le=MOST_SESSIONS),
        Group("play"),
        Setting("max_sessions", "sessions that are open at a time", applies=LIVE),
    ] = 8
    engine_idle_s: Annotated[
        float | None,
        Field(ge=10, le=7 * 86_400),
        Group("play"),
        Setting(
            "engine_idle_s",
            "seconds after which a world model that nobody plays on is unloaded; the next player waits until it is"
            " loaded again",
            default="it stays loaded",
            applies=LIVE,
        ),
    ] = None
    parked_engine_bytes: Annotated[
        int | None,
        Field(ge=0, le=16 << 20),
        MEBIBYTES,
        Group("play"),
        Setting(
            "parked_engines_mib",
            "memory, in MiB, for world models that have made room for another one on the graphics card, and wait there"
            " to come back without a load; the one that was played longest ago is unloaded first; 0: all are unloaded",
            default="as much as this machine has to spare: an eighth of its memory stays free, and 2 GiB at least",
            unit=MIB,
            applies=LIVE,
        ),
    ] = None
    least_rate_percent: Annotated[
        int,
        Field(ge=0, le=100),
        Group("play"),
        Setting(
            "least_rate_percent",
            "of its model's rate that every world shall have where worlds share a device; whoever would slow them down"
            " below it waits in line; 0 lets everybody in",
            applies=LIVE,
        ),
    ] = 80
    seed_safety: Annotated[
        SeedSafety,
        Group("play"),
        Setting(
            "seed_safety",
            "strict: only pictures that pass the picture check are shown; off: all are, on loopback only",
            applies=LIVE,
        ),
    ] = "strict"
    max_upload_bytes: Annotated[
        int,
        Field(ge=1, le=1024),
        MEBIBYTES,
        Group("play"),
        Setting("max_upload_mib", "largest picture file that is taken, in MiB", unit=MIB, applies=LIVE),
    ] = 64 * MIB
    max_uploaded_seeds: int = 200
    limits: Annotated[SessionLimits, Group("play")] = SessionLimits()
    jpeg: Annotated[JpegConfig, Group("play")] = JpegConfig()
    video: Annotated[VideoConfig, Group("play")] = VideoConfig()
    sharing: Annotated[SharingConfig, Group("play")] = field(default_factory=SharingConfig)
    resume: Annotated[ResumeConfig, Group("play")] = field(default_factory=ResumeConfig)
    moss: Annotated[MossConfig, Group("the built-in neural world, terrarium/moss")] = MossConfig()
    engines: Annotated[EnginesConfig, Group("large models")] = field(default_factory=EnginesConfig)
    recording: Annotated[RecordingConfig, Group("recordings")] = RecordingConfig()
    authoring: Annotated[AuthoringConfig, Group("scenes in words")] = field(default_factory=AuthoringConfig)
    hub: Annotated[HubConfig, Group("models")] = field(default_factory=HubConfig)
    jobs: Annotated[JobsConfig, Group("jobs")] = field(default_factory=JobsConfig)
    films: Annotated[FilmsConfig, Group("films")] = field(default_factory=FilmsConfig)
    film_model: Annotated[FilmModelConfig, Group("films")] = field(default_factory=FilmModelConfig)
    max_saved_worlds: int = 1000
    input_log_bytes: int = 1024 * MIB  # all logs, and the pictures beside them
    log_format: Annotated[
        LogFormat | None,
        Group("the process"),
        Setting("log_format", "format of the log on stderr", default="text on a terminal, else json", applies=LIVE),
    ] = None
    log_level: Annotated[
        LogLevel, Group("the process"), Setting("log_level", "the least that is logged", applies=LIVE)
    ] = "info"
    parent_pid: Annotated[
        int | None,
        Field(ge=1),
        Group("the process"),
        Setting(
            "parent_pid",
            "stop when the process with this id is gone",
            metavar="PID",
            applies=Restart("it says which process started this one, and that does not change"),
            only_at_start=True,
        ),
    ] = None
    launched_from_standalone: Annotated[
        bool,
        Group("the process"),
        Setting(
            "launched_from_standalone",
            "say in /health that a desktop application started the server",
            applies=Restart("it says what started this process, and that does not change"),
            only_at_start=True,
        ),
    ] = False
    drain_timeout_s: float = 4.0  # of the 5 s within which a stop must end

    @property
    def shared_dir(self) -> Path:
        """Where lies what several servers share; that of one that works alone is its data folder."""
        return self.fleet.shared_dir or self.data_dir
