"""`terrarium replay`: its flags, what it writes, and its exit status."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from replay.dataset import Dataset
from replay.engines import load_engine
from replay.film import Film
from replay.log_plan import plan_of_log
from replay.plan import ReplayError, ReplayPlan, plan_of_world
from replay.player import Findings, Replay, one_ahead
from replay.telling import Teller, ToPeople, ToPrograms
from replay.worded_parser import WordedParser
from services.world_files.world_file import WorldFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from replay.sinks import Sink
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.catalogue import WorldEngineCatalogue

# Exit statuses beside 0.
_NOT_REPLAYED: Final = 2
_DIFFERS: Final = 3
_NOT_COMPARED: Final = 4  # a check that checked nothing must not pass for one that agreed

_DESCRIPTION: Final = """\
Play a world file (.world) or an input log (.ndjson) again, without a client, and compare it with what was seen.
"""

_EPILOG: Final = """\
exit status:
  0  replayed, and all that could be compared is the same
  2  it cannot be replayed
  3  replayed, and it came out differently
  4  replayed, but nothing was compared: it has no pass, or the file holds nothing to compare with
"""


@dataclass(frozen=True, slots=True)
class ReplayServices:
    """What a replay needs of the server's services."""

    catalogue: WorldEngineCatalogue
    frame_encoder: FrameEncoder
    video_writer: VideoWriter


def run_replay(
    arguments: Sequence[str],
    services: Callable[[Path | None], AbstractContextManager[ReplayServices]],
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """The exit status. `services(data_dir)` opens what is needed, once the arguments are known to be sound."""
    told: TextIO = sys.stdout if out is None else out
    warned: TextIO = sys.stderr if err is None else err
    try:
        asked = _parse(arguments)
        plan = _read(asked.file)
        with services(asked.data_dir) as opened:
            return _replay(asked, plan, opened, _teller(asked, len(plan.inputs), told, warned))
    except ReplayError as error:
        print(error.message, file=warned)
        return _NOT_REPLAYED


@dataclass(frozen=True, slots=True)
class _Asked:
    file: Path
    out: Path | None
    frames: Path | None
    frames_as: str
    data_dir: Path | None
    quiet: bool
    json: bool


def _parse(arguments: Sequence[str]) -> _Asked:
    parser = WordedParser(
        prog="terrarium replay",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, help="what to replay")
    parser.add_argument("--out", type=Path, metavar="FILM.mp4", help="write a film")
    parser.add_argument("--frames", type=Path, metavar="FOLDER", help="write frames and actions as a data set")
    parser.add_argument("--frames-as", choices=("png", "mp4"), default="png", help="how frames are kept (default: png)")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="folder of models (default: the server's)")
    parser.add_argument("--json", action="store_true", help="tell progress and result as lines of JSON, for programs")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    asked = _Asked(**vars(parser.parse_args(arguments)))
    _check_targets(asked)
    return asked


def _check_targets(asked: _Asked) -> None:
    """Nothing that exists is written over."""
    if asked.out is not None:
        if asked.out.suffix != ".mp4":
            raise ReplayError("The film's name must end in .mp4.")
        if asked.out.exists():
            raise ReplayError(f"{asked.out} exists already. Choose another name, or remove it.")
    folder = asked.frames
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReplayError(f"{folder} is not an empty folder. Choose another one.")


def _read(path: Path) -> ReplayPlan:
    try:
        return plan_of_log(path) if path.suffix == ".ndjson" else plan_of_world(path)
    except WorldFileError as error:
        raise ReplayError(error.message) from error
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror}.") from error


def _replay(asked: _Asked, plan: ReplayPlan, services: ReplayServices, teller: Teller) -> int:
    engine = load_engine(services.catalogue, plan.model)
    sinks: list[Sink] = []
    try:
        sinks += _sinks(asked, plan, services)
        replay, began = Replay(plan), time.perf_counter()
        for sink in sinks:
            sink.begin(replay.picture)
        with teller:
            for replayed in one_ahead(replay.passes(engine)):
                for sink in sinks:
                    sink.take(replayed)
                teller.passed(replayed.number - plan.first_pass)
        made = [sink.finish() for sink in sinks]
        taken_s = time.perf_counter() - began
    finally:
        for sink in sinks:
            sink.abandon()
        engine.close()
    teller.report(made, plan, replay.findings, taken_s)
    return _status(replay.findings)


def _status(findings: Findings) -> int:
    if not findings.is_exact:
        return _DIFFERS
    return 0 if findings.has_compared else _NOT_COMPARED


def _teller(asked: _Asked, passes: int, out: TextIO, err: TextIO) -> Teller:
    return ToPrograms(passes, out) if asked.json else ToPeople(passes, out, err, quiet=asked.quiet)


def _sinks(asked: _Asked, plan: ReplayPlan, services: ReplayServices) -> list[Sink]:
    sinks: list[Sink] = []
    if asked.out is not None:
        sinks.append(Film(asked.out.absolute(), plan, services.video_writer, services.frame_encoder))
    if asked.frames is not None:
        as_film = asked.frames_as == "mp4"
        sinks.append(Dataset(asked.frames, plan, pictures=not as_film))
        if as_film:
            path = (asked.frames / "frames.mp4").absolute()
            sinks.append(Film(path, plan, services.video_writer, services.frame_encoder))
    return sinks
