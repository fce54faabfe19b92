"""Scripts: what is done in a world is written down beforehand, and film, world and log come out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from access_rules import Owner
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.jobs.executor import JobExecutor, JobRequest, Made, MadeFile
from handlers.jobs.spare_play import KEEPING, LOADING, WAITING
from handlers.service_errors import service_errors_translated
from replay.kept_files import KeptFiles
from replay.plan import ReplayError
from replay.script import (
    MOST_PICTURED,
    Script,
    ScriptError,
    ScriptFault,
    SeedStart,
    ServerScript,
    WorldStart,
    of_server,
    require_playable,
)
from replay.script_start import PictureFile, SavedMoment, start_in_picture, start_in_world
from replay.scripted_run import ScriptedRun
from services.world_files.world_file import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.engines.pool import EnginePool
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.jobs.spare_play import SparePlay
    from handlers.library.engines import LibraryEngines
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.world_files_handler import WorldFilesHandler
    from replay.script_start import ScriptStart
    from replay.scripted_run import RunReport
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.job_store.job import Json
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.world_engine import WorldSpec
    from state.app_state_types import EngineKey

Beginning: TypeAlias = PictureFile | SavedMoment

_LONGEST_S: Final = 24 * 3600.0  # a large engine takes hours for a long script, and somebody may play all day

_CODES: Final[Mapping[ScriptFault, ErrorCode]] = MappingProxyType(
    {
        ScriptFault.MOMENT_UNKNOWN: ErrorCode.MOMENT_UNKNOWN,
        ScriptFault.OTHER_ENGINE: ErrorCode.WORLD_OTHER_MODEL,
        ScriptFault.TOO_LONG: ErrorCode.SCRIPT_TOO_LONG,
        ScriptFault.WORDS_NOT_HEARD: ErrorCode.PROMPT_NOT_HEARD,
    }
)


class ScriptRequest(JobRequest):
    """`script` is what its file says."""

    script: ServerScript


@dataclass(frozen=True, slots=True)
class _Known:
    """A script, what it begins in, and the engine that plays it."""

    script: Script
    beginning: Beginning
    key: EngineKey


class ScriptExecutor(JobExecutor):
    """It plays while nobody else does where its engine runs. Whoever comes to play waits for one step at most; the
    world is put aside, and goes on from there."""

    kind = "scripted_run"
    resource: Resource = "cpu"
    limit_s = _LONGEST_S
    request_model = ScriptRequest
    stages = (WAITING, LOADING, "playing", KEEPING)

    def __init__(
        self,
        pool: EnginePool,
        library: LibraryEngines,
        play: SparePlay,
        *,
        seeds: SeedsHandler,
        world_files: WorldFilesHandler,
        safety: SafetyHandler,
        video_writer: VideoWriter,
        frame_encoder: FrameEncoder,
        check_threads: Executor,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._library = library
        self._play = play
        self._seeds = seeds
        self._world_files = world_files
        self._safety = safety
        self._video_writer = video_writer
        self._frame_encoder = frame_encoder
        self._check_threads = check_threads
        self._clock = clock

    async def check(self, visitor: Visitor, request: ScriptRequest) -> None:
        await in_thread(self._check_threads, lambda: self._known(visitor, request.script))

    async def run(self, request: ScriptRequest, running: RunningJob) -> Made:
        # What it begins in was the asker's when they asked.
        known = await in_thread(self._check_threads, lambda: self._known(Owner(), request.script))
        kept = KeptFiles(known.script, running.folder, self._video_writer, self._frame_encoder, is_packed=True)
        with _told():
            report = await self._played(known, kept, running)
            files = await in_thread(self._check_threads, lambda: kept.complete(report))
        model = report.world.model
        result = {
            "title": known.script.title,
            "model": model.id,
            "passes": report.passes,
            "frames": report.frames,
            "seconds": report.frames / model.fps,
            "digest": report.digest,
        }
        return Made(result, tuple(MadeFile(role, name) for role, name in files))

    def listed(self, request: Json) -> Json:
        """Without the steps, which may be thousands."""
        script = of_server(ScriptRequest.model_validate(dict(request)).script)
        told = script.model_dump(mode="json", exclude={"steps"})
        return {"script": {**told, "passes": script.passes}}

    # ---------------------------------------------------------------------------------------------- what is asked

    def _known(self, visitor: Visitor, asked: ServerScript) -> _Known:
        """Blocks, where a saved world is judged. Raises: DomainError."""
        script = of_server(asked)
        with _told():
            require_playable(script)
            if "frames" in script.keep and script.passes > MOST_PICTURED:
                message = f"A server keeps the frames of {MOST_PICTURED:,} passes at most; `terrarium run` keeps more."
                raise ScriptError(ScriptFault.TOO_LONG, message)
            beginning, model, quant = self._beginning(visitor, asked)
        entry = self._pool.entry(model)
        key = self._library.key_of(entry, quant)
        if entry.missing is not None:
            raise DomainError(entry.missing, ErrorCode.MODEL_LOAD_FAILED)
        if (not_pulled := entry.not_pulled()) is not None:
            raise DomainError(not_pulled, ErrorCode.MODEL_NOT_PULLED)
        if script.has_prompts and not entry.takes_words:
            message = f"The script says words, and {entry.title} hears none."
            raise DomainError(message, ErrorCode.PROMPT_NOT_HEARD)
        return _Known(script, beginning, key)

    def _beginning(self, visitor: Visitor, script: ServerScript) -> tuple[Beginning, str, str | None]:
        """With the model and the quantisation that it asks for."""
        match script.start:
            case SeedStart(hash=seed_hash):
                data = self._seeds.from_store(visitor, seed_hash)
                return PictureFile(data), script.model or self._seeds.model_for(seed_hash), script.quant
            case WorldStart(id=world_id, passes=passes):
                world = self._world_files.read(visitor, world_id)
                made_with = world.model
                if script.model not in (None, made_with.id) or script.quant not in (None, made_with.quant):
                    message = f"This world was made by {made_with.id} as “{made_with.quant}”, and needs it."
                    raise ScriptError(ScriptFault.OTHER_ENGINE, message)
                return SavedMoment(world, passes), made_with.id, made_with.quant
            case _:
                assert_never(script.start)

    def _start(self, known: _Known, spec: WorldSpec) -> ScriptStart:
        """Blocks, where a picture is judged. Raises: DomainError, ScriptError."""
        model = ModelFacts.of(spec, known.key.quant)
        match known.beginning:
            case PictureFile(data) as file:
                picture = self._seeds.decode(data, width=spec.width, height=spec.height)
                self._safety.require(file.hash, picture)
                return start_in_picture(file, known.script.rng_seed, model, picture)
            case SavedMoment() as moment:
                return start_in_world(moment, model)
            case _:
                assert_never(known.beginning)

    # --------------------------------------------------------------------------------------------------- playing

    async def _played(self, known: _Known, kept: KeptFiles, running: RunningJob) -> RunReport:
        def begin(spec: WorldSpec) -> ScriptedRun:
            return ScriptedRun(known.script, self._start(known, spec), self._world_files.origins, kept.sinks)

        return await self._play.play(
            known.key,
            running,
            begin=lambda spec: in_thread(self._check_threads, lambda: begin(spec)),
            finish=lambda run: run.finish(self._clock.wall()),
            stage="playing",
        )


@contextmanager
def _told() -> Generator[None]:
    try:
        with service_errors_translated():
            yield
    except ScriptError as error:
        raise DomainError(error.message, _CODES.get(error.fault, ErrorCode.SCRIPT_FAILED)) from error
    except ReplayError as error:
        raise DomainError(error.message, ErrorCode.SCRIPT_FAILED) from error
