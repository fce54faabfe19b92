"""Several servers that work as one: what they share, and what each is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 -- read at run time, as all settings are
from typing import Annotated

from pydantic import Field

from runtime_config.applies import Restart
from runtime_config.setting import Setting


@dataclass(frozen=True, slots=True)
class FleetConfig:
    """The data folder stays a server's own: its logs, input logs and verdicts, which others have no use for."""

    shared_dir: Annotated[
        Path | None,
        Setting(
            "shared_dir",
            "folder that several servers share, with one database (--database-url): settings, pictures, saved worlds,"
            " recordings, films and the files of jobs; each server keeps its own --data-dir",
            metavar="FOLDER",
            default="the server works alone",
            applies=Restart("the folder is held from start to end, and the settings file lies in it"),
            only_at_start=True,
        ),
    ] = None
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=64),
        Setting(
            "server_name",
            "what this server is called among those that it shares a folder with",
            default="the name of its machine",
            applies=Restart("the others know this run of the server by it"),
        ),
    ] = None
