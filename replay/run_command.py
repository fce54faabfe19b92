"""`terrarium run`: plays scripts and makes a data set of them, without a server."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from tqdm import tqdm

from replay.dataset_folder import DatasetFolder, Split
from replay.engines import load_engine_of
from replay.kept_files import KeptFiles
from replay.plan import ReplayError
from replay.script import Script, ScriptError, ScriptFault, read_script
from replay.scripted_run import ScriptedRun
from replay.worded_parser import WordedParser
from services.input_log.provenance import library_versions, machine_kind
from services.world_engine.world_engine import EngineFaultError
from services.world_files.world_file import Origins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from replay.dataset_folder import Episode
    from replay.run_sources import RunSources, Source
    from replay.scripted_run import RunReport
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue
    from services.world_engine.world_engine import WorldEngine

_NOT_PLAYED: Final = 2
_SOME_FAILED: Final = 3
_LARGEST_READ: Final = 9 * 1024 * 1024  # more than a script may have

_DESCRIPTION: Final = """\
Play scripts (docs/scripts.md), and keep of each what it asks for: a film, the world at the end, the log of its
inputs, frames with their actions. Together they are a data set. Run it again to go on where it was interrupted.
"""

_EPILOG: Final = """\
exit status:
  0  every script was played
  2  nothing was played: a script, a flag or the folder is not in order
  3  some scripts could not be played to their end; the others are there
"""


@dataclass(frozen=True, slots=True)
class RunServices:
    """What `terrarium run` needs of the server's services."""

    catalogue: WorldEngineCatalogue
    frame_encoder: FrameEncoder
    video_writer: VideoWriter
    sources: RunSources
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Asked:
    scripts: list[Path]
    out: Path
    split: Split
    data_dir: Path | None
    quiet: bool
    json: bool


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    path: Path
    script: Script


def run_scripts(
    arguments: Sequence[str],
    services: Callable[[Path | None], AbstractContextManager[RunServices]],
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """The exit status. `services(data_dir)` opens what is needed, once every script is known to be sound."""
    told: TextIO = sys.stdout if out is None else out
    warned: TextIO = sys.stderr if err is None else err
    try:
        asked = _parse(arguments)
        scripts = [_read(path) for path in asked.scripts]
        _require_names(scripts)
        with services(asked.data_dir) as opened:
            return _Run(asked, opened, told, warned).all(scripts)
    except ReplayError as error:
        print(error.message, file=warned)
        return _NOT_PLAYED


def _parse(arguments: Sequence[str]) -> _Asked:
    parser = WordedParser(
        prog="terrarium run",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("scripts", type=Path, nargs="+", metavar="SCRIPT.json", help="what to play")
    parser.add_argument("--out", type=Path, metavar="FOLDER", required=True, help="folder of the data set")
    parser.add_argument(
        "--split",
        type=_split,
        default=Split(),
        metavar="TRAIN/VALIDATION/TEST",
        help="shares of a hundred (default: 80/10/10)",
    )
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="folder of models (default: the server's)")
    parser.add_argument("--json", action="store_true", help="tell progress and results as lines of JSON, for programs")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return _Asked(**vars(parser.parse_args(arguments)))


def _split(text: str) -> Split:
    shares = text.split("/")
    numbers = [int(share) for share in shares if share.isascii() and share.isdecimal()]
    if len(shares) != 3 or len(numbers) != 3 or sum(numbers) != 100:
        raise argparse.ArgumentTypeError(f"“{text}” has to be three whole numbers that make 100, such as 80/10/10")
    return Split(validation=numbers[1], test=numbers[2])


def _read(path: Path) -> _Named:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_READ)  # whatever else it has: it is too large
        return _Named(path.stem, path, read_script(data))
    except OSError as error:
        raise ScriptError(ScriptFault.UNREADABLE, f"{path} cannot be read: {error.strerror}.") from error
    except ScriptError as error:
        raise ScriptError(error.fault, f"{path}: {error.message}") from error


def _require_names(scripts: Sequence[_Named]) -> None:
    paths: dict[str, Path] = {}
    for named in scripts:
        if (other := paths.setdefault(named.name, named.path)) is not named.path:
            message = f"{other} and {named.path} would both be the episode “{named.name}”. Rename one of them."
            raise ScriptError(ScriptFault.NAME_TAKEN, message)


class _Run:
    """The engine that one script needs stays for the next one that needs the same."""

    def __init__(self, asked: _Asked, services: RunServices, out: TextIO, err: TextIO) -> None:
        self._asked = asked
        self._services = services
        self._dataset = DatasetFolder(asked.out.absolute(), asked.split)
        self._made_with = Origins(versions=library_versions(), machine=machine_kind())
        self._out = out
        self._err = err
        self._loaded: tuple[tuple[str, str], WorldEngine] | None = None

    def all(self, scripts: Sequence[_Named]) -> int:
        """Nothing is played before all of them are known to be playable. Raises: ReplayError."""
        there = [self._dataset.find(named.name, self._source(named).digest) for named in scripts]
        failed = 0
        try:
            for number, (named, episode) in enumerate(zip(scripts, there, strict=True), 1):
                place = f"{named.name} ({number} of {len(scripts)})"
                if episode is not None:
                    self._say_made(episode, f"{place}: was there already", was_there=True)
                else:
                    failed += not self._made(named, place)
        finally:
            self._unload()
            self._dataset.write_manifest()
        return _SOME_FAILED if failed else 0

    def _made(self, named: _Named, place: str) -> bool:
        """Whether it was played to its end: others are played even if this one cannot be."""
        try:
            episode = self._play(named, self._source(named))
        except ReplayError as error:
            self._say_failed(named.name, error.message)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            self._unload()
            self._say_failed(named.name, str(error) if isinstance(error, EngineFaultError) else repr(error))
        else:
            length = f"{episode.passes} passes, {episode.duration_s:.2f} s"
            self._say_made(episode, f"{place}: {length}", was_there=False)
            return True
        return False

    def _source(self, named: _Named) -> Source:
        """Where a script begins, and that an engine is there for it. Raises: ReplayError."""
        try:
            source = self._services.sources.find(named.script, named.path.parent)
            self._entry(source)
        except ScriptError as error:
            raise ScriptError(error.fault, f"{named.path}: {error.message}") from error
        return source

    def _entry(self, source: Source) -> CatalogueEntry:
        catalogue = self._services.catalogue
        entry = catalogue.find(source.model)
        if entry is None:
            known = ", ".join(entry.model_id for entry in catalogue.entries())
            message = f"There is no engine “{source.model}” here. There is: {known}."
            raise ScriptError(ScriptFault.ENGINE_UNKNOWN, message)
        if source.quant is not None and source.quant not in entry.quants:
            message = f"{source.model} does not come as “{source.quant}”. It has: {', '.join(entry.quants)}."
            raise ScriptError(ScriptFault.ENGINE_UNKNOWN, message)
        return entry

    def _play(self, named: _Named, source: Source) -> Episode:
        entry = self._entry(source)
        quant = source.quant or entry.quants[0]
        engine = self._engine(entry, quant)
        folder = self._dataset.begin(named.name)
        kept = KeptFiles(named.script, folder, self._services.video_writer, self._services.frame_encoder)
        start = source.start(named.script, engine.spec, quant)
        run = ScriptedRun(named.script, start, self._made_with, kept.sinks)
        try:
            run.open(engine)
            self._steps(named.name, run)
            report = run.finish(self._services.clock.wall())
        finally:
            run.close()
        return self._complete(named, source, kept, report)

    def _complete(self, named: _Named, source: Source, kept: KeptFiles, report: RunReport) -> Episode:
        files = dict(kept.complete(report))
        if "frames" in named.script.keep:
            files["frames"] = "frames"
        return self._dataset.complete(
            named.name, source.digest, named.script, report, {**files, "actions": "actions.jsonl"}
        )

    def _steps(self, name: str, run: ScriptedRun) -> None:
        is_hidden = True if self._asked.quiet or self._asked.json else None
        bar: tqdm[NoReturn] = tqdm(total=run.passes, desc=name, unit="pass", file=self._err, disable=is_hidden)
        with bar:
            while not run.is_done:
                run.step()
                bar.update()

    def _engine(self, entry: CatalogueEntry, quant: str) -> WorldEngine:
        key = (entry.model_id, quant)
        if self._loaded is not None and self._loaded[0] == key:
            return self._loaded[1]
        self._unload()
        engine = load_engine_of(entry, quant)
        self._loaded = key, engine
        return engine

    def _unload(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded[1].close()

    # -------------------------------------------------------------------------------------------------- telling

    def _say_made(self, episode: Episode, sentence: str, *, was_there: bool) -> None:
        told = {"event": "episode", "was_there": was_there, **episode.model_dump()}
        self._say(told, f"{sentence}, frames sha256 {episode.digest}")

    def _say_failed(self, name: str, reason: str) -> None:
        self._say({"event": "failed", "name": name, "reason": reason}, f"{name}: failed. {reason}")

    def _say(self, told: dict[str, Any], sentence: str) -> None:
        print(json.dumps(told) if self._asked.json else sentence, file=self._out, flush=True)
