"""AppHandler: the one object that routes talk to. It owns AppState, its lock, and everything built on them."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError
from handlers.accounts.accounts_handler import AccountsHandler
from handlers.accounts.connections import OpenConnections
from handlers.accounts.desk import AccountDesk
from handlers.accounts.identity import Identity
from handlers.accounts.passwords import Passwords
from handlers.accounts.people_handler import PeopleHandler
from handlers.accounts.throttle import SignInThrottle
from handlers.agents.agent_worlds import AgentWorlds
from handlers.agents.agents_handler import AgentsHandler
from handlers.authoring_handler import AuthoringHandler
from handlers.authoring_painter import ScenePainter
from handlers.base import StateChanges, in_thread
from handlers.doctor.doctor import Doctor
from handlers.doctor.doctor_handler import DoctorHandler
from handlers.engines.fitting import EngineNeedsBook
from handlers.engines.ledger import MemoryLedger
from handlers.engines.meter import LoadMeter
from handlers.engines.pool import EnginePool
from handlers.engines.residency import ModelResidency
from handlers.engines.spare_time import SpareTime
from handlers.feedback.book import FeedbackBook
from handlers.feedback.facts import SubjectFacts
from handlers.feedback.feedback_handler import FeedbackHandler
from handlers.films.film_orders import FilmOrders
from handlers.films.film_previews import FilmPreviews
from handlers.films.film_retention import FilmRetention
from handlers.films.film_room import FilmRoom
from handlers.films.film_safety import FilmSafety
from handlers.films.film_sources import FilmSources
from handlers.films.film_specs import FilmSpecs
from handlers.films.film_words import FilmWords
from handlers.films.films_handler import FilmsHandler
from handlers.films.loras import LoraFolder
from handlers.films.openai_videos import OpenAiVideos
from handlers.films.played_pictures import PlayedPictures
from handlers.films.sources_handler import SourcesHandler
from handlers.films.sources_in_use import films_in_use, sources_in_use
from handlers.films.walking_into import WalkingInto
from handlers.jobs.benchmark_executor import BenchmarkExecutor
from handlers.jobs.board import JobBoard
from handlers.jobs.executor import JobExecutor, JobKinds
from handlers.jobs.feed import JobFeed
from handlers.jobs.film_executor import FilmExecutor
from handlers.jobs.jobs_handler import JobsHandler
from handlers.jobs.model_executor import ModelExecutor
from handlers.jobs.others import JobsOfOthers
from handlers.jobs.outlook import JobTimes
from handlers.jobs.retention import JobRetention
from handlers.jobs.runner import JobRunner
from handlers.jobs.scene_executor import SceneExecutor
from handlers.jobs.scheduler import JobScheduler
from handlers.jobs.script_executor import ScriptExecutor
from handlers.jobs.settlement import JobSettlement
from handlers.jobs.spare_play import SparePlay
from handlers.jobs.video_executor import VideoExecutor
from handlers.left_worlds import LeftWorlds
from handlers.library.engines import LibraryEngines
from handlers.library.fit import EngineFits
from handlers.library.library_handler import LibraryHandler
from handlers.library.pulls import Pulls
from handlers.library.removal import ModelRemoval
from handlers.library.shelf import ModelShelf
from handlers.models_handler import ModelsHandler
from handlers.ownership.belongings import Belongings
from handlers.peers.peers_handler import PeersHandler
from handlers.places.door import FleetDoor
from handlers.places.places_handler import PlacesHandler
from handlers.play_handler import PlayHandler
from handlers.presence import Part, Presence
from handlers.recorder_handler import RecorderHandler
from handlers.recordings_handler import RecordingsHandler
from handlers.safety_handler import SafetyHandler
from handlers.seeds_handler import SeedsHandler
from handlers.server_handler import ServerHandler
from handlers.session.session import SessionSurroundings
from handlers.sessions_handler import SessionsHandler
from handlers.settings.live_services import LiveServices
from handlers.settings.settings_handler import SettingsHandler
from handlers.share_links import ShareLinks
from handlers.visitors_handler import VisitorsHandler
from handlers.watch_handler import WatchHandler
from handlers.world_files_handler import WorldFilesHandler
from runtime_config.runtime_config import MOST_SESSIONS
from services.job_folder.job_folder import JobFolder
from services.outlasting import unstoppable
from services.ownership_store.ownership_store import ThingKind
from services.system_monitor.gpu_sampler import GpuSampler
from state.app_state_types import AppState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runtime_config.current import Current
    from runtime_config.launch_settings import Launch
    from runtime_config.runtime_config import JobsConfig
    from service_bundle import ServiceBundle
    from services.log_stream.log_stream import LogStream
    from services.ownership_store.ownership_store import OwnerId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_LOAD_PATIENCE_S = 1.0  # for a model that still loads when the server stops
_INPUT_LOG_PATIENCE_S = 0.2
_THREADS_PATIENCE_S = 0.5
# For recordings that are not finished when the sessions have ended, of the 5 s of a stop; the next start does the rest.
_RECORDING_PATIENCE_S = (0.7, 2.5)  # at least, and when the sessions ended at once


class AppHandler:
    """Handlers by domain, wired once. `running` opens and closes what lives as long as the server."""

    accounts = Part[AccountsHandler]("accounts")
    people = Part[PeopleHandler]("people and invitations")
    seeds = Part[SeedsHandler]("pictures")
    recordings = Part[RecordingsHandler]("recordings")
    world_files = Part[WorldFilesHandler]("saved worlds")
    jobs = Part[JobsHandler]("jobs")

    def __init__(self, launch: Launch, services: ServiceBundle, further_jobs: Sequence[JobExecutor] = ()) -> None:
        """`further_jobs` are kinds of jobs beside those that the server has."""
        config = launch.config
        self.presence = Presence()
        self.services = services
        self._lock = threading.RLock()
        self._state = build_initial_state()
        self._draining_since: float | None = None
        # There are as many threads as are in use at a time, so that the bound may be that of the setting.
        self._engine_threads = ThreadPoolExecutor(MOST_SESSIONS, thread_name_prefix="engine")
        self._work_threads = ThreadPoolExecutor(4, thread_name_prefix="work")
        # Judging a picture may take minutes. Who waits for that must hold up neither those who decode, nor, with what
        # comes in to be kept (uploads, painted scenes), those who want to play.
        self._check_threads = ThreadPoolExecutor(MOST_SESSIONS, thread_name_prefix="check")
        self._intake_threads = ThreadPoolExecutor(4, thread_name_prefix="intake")
        self._thumbnail_threads = ThreadPoolExecutor(1, thread_name_prefix="thumbnail")

        self.settings = SettingsHandler(
            self._state,
            self._lock,
            launch=launch,
            files=services.settings_files,
            threads=self._intake_threads,
            clock=services.clock,
        )
        current = self.settings.current
        self.sessions = SessionsHandler(
            self._state,
            self._lock,
            services.clock,
            current,
        )
        self.peers = PeersHandler(
            services.peer_stores,
            run=secrets.token_hex(8),
            name=config.fleet.name or socket.gethostname()[:64],
            own_play=self.sessions.own_play,
            threads=self._intake_threads,
            own_models=self._models_in_memory,
        )
        self.visitors = VisitorsHandler(
            self._state, self._lock, services.clock, current.part(lambda config: config.access.anonymous)
        )
        connections = OpenConnections()
        self._desk = AccountDesk(services.account_stores, connections, is_on=config.access.accounts)
        self._passwords = Passwords(services.password_hasher)
        self.identity = Identity(self._desk, connections, services.clock)
        throttle = SignInThrottle(self._state, self._lock, services.clock)
        self.accounts = AccountsHandler(
            self._desk,
            self._passwords,
            throttle,
            access=current.part(lambda config: config.access),
            clock=services.clock,
        )
        self.people = PeopleHandler(self._desk, services.clock, on_removed=self.release_belongings)
        self._feedback_book = FeedbackBook(services.feedback_stores)
        self._belongings = Belongings(
            services.ownership_stores,
            self._feedback_book,
            services.task_runner,
            with_accounts=config.access.accounts,
            names=self._desk.names,
        )
        authoring = current.part(lambda config: config.authoring)
        max_upload_bytes = current.part(lambda config: config.max_upload_bytes)
        changes = StateChanges()
        self.left_worlds = LeftWorlds(
            current,
            services.clock,
            services.metrics,
            server=self.peers.run,
            copies=services.world_copies,
            threads=self._work_threads,
        )
        needs = EngineNeedsBook(services.engine_measurements, services.system_monitor)
        ledger = MemoryLedger(
            self._state,
            self._lock,
            catalogue=services.catalogue,
            monitor=services.system_monitor,
            classifier=services.image_classifier,
            writer=services.prompt_writer,
            editor=services.image_editor,
            films=services.video_pipeline,
            config=authoring,
            clock=services.clock,
            changes=changes,
            needs=needs,
            free_memory=self.left_worlds.give_way,
        )
        self.engines = EnginePool(
            self._state,
            self._lock,
            catalogue=services.catalogue,
            task_runner=services.task_runner,
            clock=services.clock,
            metrics=services.metrics,
            memory=ledger,
            meter=LoadMeter(services.system_monitor, needs),
            needs=needs,
            changes=changes,
            idle_s=current.part(lambda config: config.engine_idle_s),
            least_rate_percent=current.part(lambda config: config.least_rate_percent),
            parked_bytes=current.part(lambda config: config.parked_engine_bytes),
        )
        self.library_engines = LibraryEngines(self.engines, ledger, self._work_threads)
        self.residency = ModelResidency(
            self._state,
            self._lock,
            ledger=ledger,
            device=self.engines.device,
            parked=self.engines.parked,
            classifier=services.image_classifier,
            work_threads=self._work_threads,
            clock=services.clock,
            changes=changes,
        )
        self.safety = SafetyHandler(
            current.part(lambda config: config.seed_safety),
            services.image_classifier,
            services.verdict_cache,
            services.seed_store,
            classifying=self.residency.classifying,
        )
        self.seeds = SeedsHandler(
            services.seed_store,
            services.picture_decoder,
            self.safety,
            self.visitors,
            services.catalogue,
            self._belongings,
            self._intake_threads,
            self._thumbnail_threads,
            max_upload_bytes,
            services.picture_views,
        )
        self.recorder = RecorderHandler(
            self._state,
            self._lock,
            writer=services.video_writer,
            store=services.recording_store,
            belongings=self._belongings,
            task_runner=services.task_runner,
            clock=services.clock,
            config=current.part(lambda config: config.recording),
        )
        self.recordings = RecordingsHandler(
            services.recording_store,
            services.video_writer,
            self.recorder,
            self._belongings,
            current.part(lambda config: config.recording.quota_bytes),
        )
        self.world_files = WorldFilesHandler(
            services.world_store,
            self.safety,
            self._belongings,
            self._intake_threads,
            services.clock,
            max_upload_bytes=max_upload_bytes,
        )
        self.authoring = AuthoringHandler(
            self._state,
            self._lock,
            residency=self.residency,
            config=authoring,
        )
        self._painter = ScenePainter(
            writer=services.prompt_writer,
            editor=services.image_editor,
            decoder=services.picture_decoder,
            safety=self.safety,
            residency=self.residency,
            work_threads=self._work_threads,
            intake_threads=self._intake_threads,
            clock=services.clock,
        )
        self._board = JobBoard(
            self._state,
            self._lock,
            stores=services.job_stores,
            clock=services.clock,
            read_threads=self._intake_threads,
            epoch=self.peers.run,
        )
        shelf = ModelShelf(services.catalogue, current)
        pulls = Pulls(self._board, shelf)
        removal = ModelRemoval(shelf, services.model_hub, self.engines, pulls, after=self._look_at_models)
        self.library = LibraryHandler(
            shelf, services.model_hub, self.engines, pulls, removal, EngineFits(ledger, needs)
        )
        self.models = ModelsHandler(services.catalogue, self.engines, self.library, removal)
        models = ModelExecutor(shelf, services.model_hub, pulls, self._intake_threads, after=self._look_at_models)
        scenes = SceneExecutor(self.authoring, self._painter, self.seeds, self._work_threads)
        spare_time = SpareTime(self.engines, changes)
        benchmarks = BenchmarkExecutor(
            self.engines,
            self.library_engines,
            needs,
            spare_time=spare_time,
            engine_threads=self._engine_threads,
            clock=services.clock,
        )
        spare_play = SparePlay(spare_time, self._engine_threads)
        films = FilmExecutor(
            services.catalogue,
            spare_play,
            self.world_files,
            video_writer=services.video_writer,
            frame_encoder=services.frame_encoder,
            threads=self._intake_threads,
        )
        scripts = ScriptExecutor(
            self.engines,
            self.library_engines,
            spare_play,
            seeds=self.seeds,
            world_files=self.world_files,
            safety=self.safety,
            video_writer=services.video_writer,
            frame_encoder=services.frame_encoder,
            check_threads=self._check_threads,
            clock=services.clock,
        )
        videos = self._films_executor(ledger, changes)
        self.job_kinds = JobKinds((scenes, films, scripts, videos, models, benchmarks, *further_jobs))
        self._add_jobs(self.job_kinds, current.part(lambda config: config.jobs))
        self._live_services = LiveServices(
            current,
            encoder=services.frame_encoder,
            writer=services.prompt_writer,
            editor=services.image_editor,
            films=services.video_pipeline,
            catalogue=services.catalogue,
            hub=services.model_hub,
            pool=self.engines,
            residency=self.residency,
            work_threads=self._work_threads,
        )
        self.settings.subscribe(self._live_services.apply)
        self.settings.subscribe(lambda _before, _after: changes.announce())
        self.server = ServerHandler(
            self._state,
            self._lock,
            settings=self.settings,
            catalogue=services.catalogue,
            safety=self.safety,
            residency=self.residency,
            monitor=services.system_monitor,
            metrics=services.metrics,
        )
        self.doctor = DoctorHandler(
            self._state,
            self._lock,
            doctor=Doctor(
                probe=services.machine_probe,
                monitor=services.system_monitor,
                catalogue=services.catalogue,
                classifier=services.image_classifier,
                writer=services.prompt_writer,
                editor=services.image_editor,
                hub=services.model_hub,
                fit=lambda entry: ledger.fit(entry, entry.quants[0]),
            ),
            settings=self.settings,
            catalogue=services.catalogue,
        )
        links = ShareLinks(services.clock, self.peers.key)
        self.places = PlacesHandler(self.peers, self.identity, services.clock)
        self.play = PlayHandler(
            self._surroundings(links),
            services.log_stream,
            services.system_monitor,
            places=self.places,
            door=FleetDoor(self.places, current, self._work_threads),
        )
        worlds_of_agents = AgentWorlds(self.play, self.seeds, self.visitors, self.identity, self._intake_threads)
        self.agents = AgentsHandler(worlds_of_agents, self._work_threads)
        self._add_films()
        sharing = current.part(lambda config: config.sharing)
        self.watch = WatchHandler(self.play, links, throttle, sharing, places=self.places)
        facts = SubjectFacts(
            recordings=self.recordings,
            seeds=self.seeds,
            world_files=self.world_files,
            jobs=self.jobs,
            play=self.play,
            threads=self._intake_threads,
        )
        self.feedback = FeedbackHandler(self._feedback_book, facts, services.clock, self._intake_threads)
        self.presence.wired()

    def _films_executor(self, ledger: MemoryLedger, changes: StateChanges) -> VideoExecutor:
        services, threads = self.services, self._intake_threads
        self._film_config = self.settings.current.part(lambda config: config.films)
        safety = FilmSafety(self.safety, services.media_probe, services.picture_decoder)
        self.film_sources = SourcesHandler(
            services.source_store,
            services.media_probe,
            safety,
            self._belongings,
            self.visitors,
            in_use=lambda: sources_in_use(self._board),
            threads=threads,
            clock=services.clock,
            config=self._film_config,
        )
        self._found_sources = FilmSources(
            self.film_sources, services.film_store, self.recordings, self._belongings, services.media_probe
        )
        loras = LoraFolder(self.settings.current.now.shared_dir / "loras")
        pipeline = services.video_pipeline
        self._film_previews = FilmPreviews(safety)
        self._film_retention = FilmRetention(
            services.film_store,
            self._belongings,
            in_use=lambda: films_in_use(self._board),
            clock=services.clock,
            config=self._film_config,
        )
        room = FilmRoom(
            pipeline,
            ledger,
            device=self.engines.device,
            parked=self.engines.parked,
            changes=changes,
            threads=self._work_threads,
        )
        words = FilmWords(services.prompt_writer, self.residency)
        self.film_specs = FilmSpecs(pipeline, room, loras, words, threads=threads, config=self._film_config)
        return VideoExecutor(
            pipeline,
            FilmOrders(pipeline, self._found_sources, self.seeds, safety, loras),
            room,
            services.film_store,
            words=words,
            retention=self._film_retention,
            probe=services.media_probe,
            safety=safety,
            belongings=self._belongings,
            previews=self._film_previews,
            threads=threads,
            clock=services.clock,
            config=self._film_config,
        )

    def _add_films(self) -> None:
        services = self.services
        self.walking_into = WalkingInto(self._found_sources, self.seeds, services.media_probe, self._intake_threads)
        self.films = FilmsHandler(
            services.film_store,
            services.video_pipeline,
            self._found_sources,
            self.jobs,
            self._belongings,
            played=PlayedPictures(self.play, self.jobs, self.visitors),
            retention=self._film_retention,
            previews=self._film_previews,
            probe=services.media_probe,
            writer=services.video_writer,
            incoming=services.source_store,
            threads=self._intake_threads,
            config=self._film_config,
        )
        self.openai_videos = OpenAiVideos(self.films, self.seeds, services.video_pipeline, self._intake_threads)

    def _models_in_memory(self) -> frozenset[str]:
        return self.engines.loaded_models()

    def _look_at_models(self) -> None:
        """Files of models may have come or gone. Blocks."""
        self.services.catalogue.renew(self.settings.current.now)
        self.engines.unload_outdated()  # a model may have come that an engine is loaded with from now on
        self.residency.look()

    def _add_jobs(self, kinds: JobKinds, config: Current[JobsConfig]) -> None:
        clock, threads = self.services.clock, self._intake_threads
        folder = JobFolder(self.settings.current.now.shared_dir / "jobs")
        runner = JobRunner(self._board, folder, threads, clock)
        retention = JobRetention(self._board, config=config, folder=folder, threads=threads, clock=clock)
        settlement = JobSettlement(self._board, kinds, runner, self.peers, folder=folder, threads=threads, clock=clock)
        self._scheduler = JobScheduler(
            self._board,
            kinds,
            runner,
            settlement=settlement,
            others=JobsOfOthers(self._board, runner, settlement, self.peers),
            retention=retention,
            times=JobTimes(kinds),
            clock=clock,
        )
        self._feed = JobFeed(self._board, self._scheduler)
        self.jobs = JobsHandler(
            self._board,
            self._scheduler,
            self._feed,
            kinds,
            runner,
            retention,
            folder=folder,
            visitors=self.visitors,
            belongings=self._belongings,
            feedback=self._feedback_book,
            config=config,
            clock=clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """From here to the end of the block the server serves. Sessions end before what they need is closed.

        Whoever is cancelled in here, however often, still sees everything closed first.
        """
        stack = AsyncExitStack()
        try:
            await self._open(stack)
            yield
        finally:
            await unstoppable(stack.aclose())

    async def _open(self, stack: AsyncExitStack) -> None:
        """Open what lives as long as the server. What closes a thing is registered before the thing opens."""
        stack.callback(self.services.close_database)
        stack.callback(self._close_threads)
        stack.push_async_callback(self._close_safety)
        stack.callback(self.services.frame_encoder.close)
        stack.callback(self.services.video_encoder.close)
        stack.push_async_callback(self._close_engines)
        stack.callback(self.services.task_runner.close, _LOAD_PATIENCE_S)
        stack.push_async_callback(self._close_recorder)
        stack.enter_context(self.presence.of("recordings"))
        stack.push_async_callback(self._close_input_logs)
        stack.push_async_callback(self._close_scene_models)
        stack.push_async_callback(self._painter.close)
        stack.push_async_callback(self.peers.leave)
        stack.push_async_callback(self._close_jobs)
        stack.enter_context(self.presence.of("jobs"))
        stack.callback(self.services.picture_decoder.close)
        stack.enter_context(self.presence.of("pictures", "saved worlds"))
        stack.push_async_callback(self._close_accounts)
        stack.enter_context(self.presence.of("accounts", "people and invitations"))
        stack.push_async_callback(self.drain)
        self.services.task_runner.submit("recover recordings", self._recover)
        await self.residency.refresh()
        await self.accounts.begin()
        stack.push_async_callback(_ended, asyncio.create_task(self.identity.watch_over()))
        stack.push_async_callback(_ended, asyncio.create_task(self.peers.watch()))
        stack.push_async_callback(_ended, asyncio.create_task(self.left_worlds.sweep_copies()))
        self._scheduler.start()
        stack.push_async_callback(self._live_services.close)
        stack.push_async_callback(_ended, asyncio.create_task(self.settings.watch()))
        stack.push_async_callback(_ended, asyncio.create_task(self.engines.keeping.watch_idle()))
        self.server.serving()

    async def take_on(self, *, is_wanted: bool) -> None:
        """Whether newcomers and jobs begin here, where there are other servers; what runs goes on."""
        self.peers.take_newcomers(is_wanted=is_wanted)
        self._scheduler.take_on(is_wanted=is_wanted)
        with suppress(DomainError):  # the others hear of it at the next look then
            await self.peers.refresh()

    async def drain(self) -> None:
        """Say farewell to every session and wait for their ends. Idempotent."""
        self.server.stopping()
        self._draining_since = self._draining_since or self.services.clock.monotonic()
        self._feed.stop()
        await self.play.drain()
        await self.agents.close()
        self.left_worlds.stop()
        await self.watch.drain()

    async def _close_accounts(self) -> None:
        self._passwords.close()
        await in_thread(self._work_threads, self._desk.close)

    def _recover(self) -> None:
        """Finish what an earlier run has left of recordings, and settle whose those are that are gone."""
        self.recorder.recover()
        if self.peers.are_possible:  # what another server keeps just now has an owner already, and is not there yet
            return
        self._belongings.settle(ThingKind.RECORDING, self.recordings.names)
        self._belongings.settle(ThingKind.WORLD, self.world_files.ids)
        self._belongings.settle(ThingKind.SEED, self.seeds.hashes)
        self._film_retention.prune()
        self._belongings.settle(ThingKind.FILM, self.films.ids)
        self._belongings.settle(ThingKind.SOURCE, self.film_sources.hashes)

    async def release_belongings(self, owner: OwnerId) -> None:
        """Somebody is gone: what was theirs is the owner role's. Raises: DomainError."""
        await in_thread(self._work_threads, lambda: self._belongings.forget_person(owner))
        await self.jobs.disown(owner)

    async def _close_jobs(self) -> None:
        await self._scheduler.stop()
        await in_thread(self._intake_threads, self._board.close)

    def _close_threads(self) -> None:
        """Wait for what still runs, such as a file being saved: the process ends without waiting for any thread."""
        pools = (
            self._engine_threads,
            self._work_threads,
            self._check_threads,
            self._intake_threads,
            self._thumbnail_threads,
        )
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        waiting = threading.Thread(target=lambda: [pool.shutdown() for pool in pools], name="last-work", daemon=True)
        waiting.start()
        waiting.join(_THREADS_PATIENCE_S)
        if waiting.is_alive():
            logger.warning("Work on threads was still running when the server stopped", waited_s=_THREADS_PATIENCE_S)

    async def _close_engines(self) -> None:
        for engine in self.engines.take_all():
            await in_thread(self._work_threads, engine.close)

    async def _close_safety(self) -> None:
        """The classifier first: it ends the checks that still run."""
        await in_thread(self._work_threads, self.services.image_classifier.close)
        await in_thread(self._work_threads, self.services.verdict_cache.close)

    async def _close_scene_models(self) -> None:
        await in_thread(self._work_threads, self.services.prompt_writer.close)
        await in_thread(self._work_threads, self.services.image_editor.close)
        await in_thread(self._work_threads, self.services.video_pipeline.close)

    async def _close_input_logs(self) -> None:
        await in_thread(self._work_threads, lambda: self.services.input_logs.close(_INPUT_LOG_PATIENCE_S))

    async def _close_recorder(self) -> None:
        least_s, most_s = _RECORDING_PATIENCE_S
        now = self.services.clock.monotonic()
        left_s = most_s - (now - (self._draining_since or now))
        await in_thread(self._work_threads, lambda: self.recorder.close(max(least_s, left_s)))

    def _surroundings(self, links: ShareLinks) -> SessionSurroundings:
        services = self.services
        return SessionSurroundings(
            config=self.settings.current,
            sessions=self.sessions,
            visitors=self.visitors,
            pool=self.engines,
            seeds=self.seeds,
            safety=self.safety,
            authoring=self.authoring,
            painter=self._painter,
            recorder=self.recorder,
            world_files=self.world_files,
            server=self.server,
            links=links,
            left_worlds=self.left_worlds,
            input_logs=services.input_logs,
            encoder=services.frame_encoder,
            video_encoder=services.video_encoder,
            decoder=services.picture_decoder,
            metrics=services.metrics,
            gpu=GpuSampler(services.system_monitor, self._work_threads, services.clock),
            clock=services.clock,
            engine_threads=self._engine_threads,
            work_threads=self._work_threads,
            check_threads=self._check_threads,
        )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def build_initial_state() -> AppState:
    return AppState()


def build_app_handler(launch: Launch, log_stream: LogStream) -> AppHandler:
    from service_bundle import build_default_service_bundle

    return AppHandler(launch, build_default_service_bundle(launch, log_stream))
