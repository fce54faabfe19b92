"""The server's configuration at start: settings as they were given, checked together, with the data folder made."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from runtime_config.applies import Restart
from runtime_config.config_paths import value_at, with_values
from runtime_config.data_directory import locate_data_directory, prepare_data_directory
from runtime_config.endpoint_settings import check_endpoint
from runtime_config.folder_lock import folders_held
from runtime_config.launch_error import LaunchError
from runtime_config.read_config import read_config
from runtime_config.runtime_config import RuntimeConfig
from runtime_config.setting import settings_of
from runtime_config.settings_document import (
    SettingsDocument,
    SettingsFaultsError,
    parse_settings,
)
from runtime_config.settings_texts import SettingsTexts, read_texts
from runtime_config.web_origin import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from runtime_config.fleet_config import FleetConfig
    from runtime_config.read_config import Source
    from runtime_config.runtime_config import AccessConfig, JpegConfig, RecordingConfig, SeedSafety
    from runtime_config.setting import SettingField


@dataclass(frozen=True, slots=True)
class Launch:
    """How the server was started: `config` with everything in it, and what it was made from.

    `base` is what flags, variables and defaults say, and `given` which settings they gave: the files have no say in
    those. `document` is what the files said, and `asked` all of that together, before folders were made and a free port
    was found.
    """

    config: RuntimeConfig
    base: RuntimeConfig
    asked: RuntimeConfig
    given: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}))
    document: SettingsDocument = field(default_factory=SettingsDocument)
    settings: tuple[SettingField, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, config: RuntimeConfig) -> Launch:
        """A start with this very configuration, without flags, variables and files."""
        return cls(config, config, config, settings=tuple(settings_of(RuntimeConfig)))

    def read(self, texts: SettingsTexts) -> SettingsDocument:
        """Raises: SettingsFaultsError."""
        return parse_settings(texts, self.settings)

    def asked_by(self, document: SettingsDocument) -> RuntimeConfig:
        """What a start with these files would have asked for.

        Raises:
            SettingsFaultsError: the settings do not fit together.
        """
        return _asked(self.base, self.given, self.settings, document)

    def running_by(self, document: SettingsDocument) -> RuntimeConfig:
        """What this server works by with these files: what needs a restart is as it was at the start.

        Raises:
            SettingsFaultsError: the settings do not fit together with those that stay.
        """
        kept = [each.path for each in self.settings if isinstance(each.setting.applies, Restart)]
        started = {path: value_at(self.config, path) for path in kept}
        return _asked(self.base, self.given, self.settings, document, started)

    def fixed_by(self, setting: SettingField) -> str | None:
        """The flag or the variable by which the setting was given at the start; the files have no say in it then."""
        match self.given.get(setting.name):
            case "flag":
                return setting.flag
            case "variable":
                return setting.setting.variable
            case None:
                return None


def launch(arguments: Sequence[str] | None = None, *, for_reading: bool = False) -> Launch:
    """Read flags (None: the process's own), environment and settings file, check them, and make the folders that are
    written to.

    `for_reading`: nothing will be written, so that folders are neither made nor need to be writable.

    Raises:
        LaunchError: something asked for is malformed, unsafe or impossible.
        SystemExit: after --help.
    """
    base, given = read_config(RuntimeConfig, arguments, os.environ)
    folder = locate_data_directory(base.data_dir)
    base = replace(base, fleet=_located(base.fleet))
    settings_folder = base.fleet.shared_dir or folder
    settings = tuple(settings_of(RuntimeConfig))
    try:
        document = parse_settings(read_texts(settings_folder), settings)
        asked = _asked(base, given, settings, document)
    except SettingsFaultsError as error:
        raise LaunchError(f"The settings in {settings_folder} cannot be used. {error.faults[0]}") from error
    config = replace(asked, data_dir=folder)
    if not for_reading:
        prepare_data_directory(base.data_dir)
        if base.fleet.shared_dir is not None:
            prepare_data_directory(base.fleet.shared_dir, "--shared-dir")
        config = replace(config, recording=_recording(config.recording))
    return Launch(config, base, asked, given, document, settings)


def launch_despite(arguments: Sequence[str]) -> tuple[Launch, str | None]:
    """As `launch` for reading. Where that is refused: a start without what is wrong, and why it was refused.

    Raises:
        LaunchError: this user has no home folder.
    """
    try:
        return launch(arguments, for_reading=True), None
    except LaunchError as error:
        refusal = error.message
    try:
        base, _ = read_config(RuntimeConfig, arguments, os.environ)
    except LaunchError:
        base = RuntimeConfig()
    return Launch.of(replace(base, data_dir=locate_data_directory(base.data_dir))), refusal


def load_runtime_config(arguments: Sequence[str] | None = None, *, for_reading: bool = False) -> RuntimeConfig:
    """The configuration alone of `launch`. Raises as that does."""
    return launch(arguments, for_reading=for_reading).config


def check_together(config: RuntimeConfig) -> RuntimeConfig:
    """Check what single settings cannot know of each other, and settle those that depend on others.

    Raises:
        LaunchError: what was asked for is unsafe, or incomplete.
    """
    _check_fleet(config)
    _check_access(config.access)
    _check_seed_safety(config.seed_safety, config.access.host)
    check_endpoint("WRITER", config.authoring.writer)
    check_endpoint("IMAGE", config.authoring.images)
    return replace(config, jpeg=_jpeg(config.jpeg))


def _asked(
    base: RuntimeConfig,
    given: Mapping[str, Source],
    settings: Sequence[SettingField],
    document: SettingsDocument,
    kept: Mapping[tuple[str, ...], object] = MappingProxyType({}),
) -> RuntimeConfig:
    """`base` with what the files say, but for what was given, and for the values by path that are `kept`."""
    from_file = {name: value for name, value in document.values.items() if name not in given}
    paths = {each.name: each.path for each in settings}
    asked = with_values(base, {paths[name]: value for name, value in from_file.items()} | dict(kept))
    try:
        return check_together(asked)
    except LaunchError as error:
        blamed = next((name for name in error.about if name in from_file), None)
        if blamed is None:
            raise
        raise SettingsFaultsError([document.fault(_in_words_of_the_file(error.message), blamed)]) from error


@contextmanager
def data_held(config: RuntimeConfig) -> Generator[None]:
    """Hold what the server writes to, so that no second server sweeps or changes it. What several share, they hold
    together, and no other server gets it meanwhile.

    Raises:
        LaunchError: another server has it.
    """
    recordings, shared = config.recording.folder, config.fleet.shared_dir
    chosen = {} if recordings is None or shared is not None else {"--recordings-dir": recordings}
    with folders_held({"--data-dir": config.data_dir, **chosen}), shared_held(config):
        yield


@contextmanager
def shared_held(config: RuntimeConfig) -> Generator[None]:
    """The half of `data_held` that is about what several servers share; for one that works alone, it is nothing."""
    recordings, shared = config.recording.folder, config.fleet.shared_dir
    chosen = {} if recordings is None else {"--recordings-dir": recordings}
    with folders_held({} if shared is None else {"--shared-dir": shared, **chosen}, shared=True):
        yield


def _located(fleet: FleetConfig) -> FleetConfig:
    if fleet.shared_dir is None:
        return fleet
    return replace(fleet, shared_dir=locate_data_directory(fleet.shared_dir, "--shared-dir"))


def _check_fleet(config: RuntimeConfig) -> None:
    shared = config.fleet.shared_dir
    if shared is None:
        return
    if config.jobs.database_url is None:
        raise LaunchError(
            "Servers that share a folder share a database as well, by which they know of each other. Name it with"
            " TERRARIUM_DATABASE_URL, or leave out --shared-dir.",
            ("shared_dir", "database_url"),
        )
    if shared.resolve() == locate_data_directory(config.data_dir).resolve():
        raise LaunchError(
            f"The folder {shared} cannot be both what this server shares and what it keeps to itself. Choose another"
            " one with --data-dir.",
            ("shared_dir", "data_dir"),
        )


def _check_access(access: AccessConfig) -> None:
    if is_loopback_host(access.host) or access.token or access.accounts or access.allow_anonymous:
        return
    raise LaunchError(
        f"Listening on {access.host} lets other machines in, and nothing would ask who they are. "
        "Set a secret of 16 characters or more in TERRARIUM_TOKEN, pass --accounts if people shall sign in, "
        "or pass --allow-anonymous if everyone who can reach this address may play.",
        ("host", "allow_anonymous", "token", "accounts"),
    )


def _check_seed_safety(policy: SeedSafety, host: str) -> None:
    if policy == "off" and not is_loopback_host(host):
        raise LaunchError(
            f"TERRARIUM_SEED_SAFETY=off is for a server that only this machine can reach, and {host} lets other "
            "machines in. Use `strict`, or listen on 127.0.0.1.",
            ("seed_safety", "host"),
        )


def _jpeg(jpeg: JpegConfig) -> JpegConfig:
    """A slow client's frames are never lowered to a quality above the best one."""
    return replace(jpeg, lowest_quality=min(jpeg.lowest_quality, jpeg.quality, jpeg.small_quality))


def _recording(recording: RecordingConfig) -> RecordingConfig:
    if recording.folder is None:
        return recording
    return replace(recording, folder=prepare_data_directory(recording.folder, "--recordings-dir"))


def _in_words_of_the_file(sentence: str) -> str:
    """Checks name settings by their variables; in the files, the same names are in lower case."""
    return re.sub(r"TERRARIUM_([A-Z_]+)", lambda found: found[1].lower(), sentence)
