"""The services that a server works with: what they are, and how the real ones are made from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.world_engine.catalogue import WorldEngineCatalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import AuthoringConfig
    from runtime_config.film_model_config import FilmModelConfig
    from runtime_config.launch_settings import Launch
    from services.account_store.account_store import AccountStores
    from services.clock.clock import Clock
    from services.engine_measurements.engine_measurements import EngineMeasurements
    from services.feedback_store.feedback_store import FeedbackStores
    from services.film_store.film_store import FilmStore
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ConfigurableImageEditor, ImageEditor
    from services.input_log.input_log import InputLogs
    from services.job_store.job_store import JobStores
    from services.log_stream.log_stream import LogStream
    from services.machine_probe.machine_probe import MachineProbe
    from services.media_probe.media_probe import MediaProbe
    from services.metrics.metrics import Metrics
    from services.model_hub.model_hub import ModelHub
    from services.ownership_store.ownership_store import OwnershipStores
    from services.password_hasher.password_hasher import PasswordHasher
    from services.peer_store.peer_store import PeerStores
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.picture_views.picture_views import PictureViews
    from services.prompt_writer.prompt_writer import ConfigurablePromptWriter, PromptWriter
    from services.recording_store.recording_store import RecordingStore
    from services.seed_store.seed_store import SeedStore
    from services.settings_file.settings_file import SettingsFiles
    from services.source_store.source_store import SourceStore
    from services.system_monitor.system_monitor import SystemMonitor
    from services.task_runner.task_runner import TaskRunner
    from services.verdict_cache.verdict_cache import VerdictCache
    from services.video_encoder.video_encoder import VideoEncoder
    from services.video_pipeline.video_pipeline import ConfigurableVideoPipeline, FastVideoPipeline
    from services.video_writer.video_writer import VideoWriter
    from services.world_copies.world_copies import WorldCopies
    from services.world_files.world_store import WorldStore


@dataclass(frozen=True, slots=True)
class ServiceBundle:
    """Every side effect of the server. Tests swap fakes in here, and nowhere else."""

    catalogue: WorldEngineCatalogue
    frame_encoder: FrameEncoder
    video_encoder: VideoEncoder
    image_classifier: ImageClassifier
    verdict_cache: VerdictCache
    picture_decoder: PictureDecoder
    picture_views: PictureViews
    prompt_writer: ConfigurablePromptWriter
    image_editor: ConfigurableImageEditor
    seed_store: SeedStore
    video_writer: VideoWriter
    recording_store: RecordingStore
    settings_files: SettingsFiles
    world_store: WorldStore
    input_logs: InputLogs
    close_database: Callable[[], None]  # for all stores of it; blocks
    account_stores: AccountStores
    password_hasher: PasswordHasher
    job_stores: JobStores
    ownership_stores: OwnershipStores
    feedback_stores: FeedbackStores
    peer_stores: PeerStores | None  # None: the server shares its database with no other
    world_copies: WorldCopies | None  # None: no other server could go on from them
    film_store: FilmStore
    source_store: SourceStore
    media_probe: MediaProbe
    video_pipeline: ConfigurableVideoPipeline
    model_hub: ModelHub
    system_monitor: SystemMonitor
    machine_probe: MachineProbe
    engine_measurements: EngineMeasurements
    metrics: Metrics
    log_stream: LogStream
    task_runner: TaskRunner
    clock: Clock


def build_default_service_bundle(launch: Launch, log_stream: LogStream) -> ServiceBundle:
    """The real services. What is heavy is imported here, so that importing this module stays cheap."""
    import os

    config = launch.config

    from logging_policy import log_background_exception
    from runtime_config.constants import PICTURE_CHECK_DIR, SHIPPED_SEEDS_DIR
    from services.account_store.sql_account_stores import SqlAccountStores
    from services.bundled_ffmpeg import bundled_ffmpeg
    from services.clock.system_clock import SystemClock
    from services.database.shared_database import SharedDatabase
    from services.engine_measurements.json_engine_measurements import JsonEngineMeasurements
    from services.feedback_store.sql_feedback_stores import SqlFeedbackStores
    from services.film_store.directory_film_store import DirectoryFilmStore
    from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
    from services.image_classifier.best_image_classifier import BestImageClassifier
    from services.image_classifier.bundled_image_classifier import BundledImageClassifier, shipped_model
    from services.image_classifier.classifier_files import ClassifierFiles
    from services.image_classifier.transformers_image_classifier import build_image_classifier
    from services.image_editor.switched_image_editor import SwitchedImageEditor
    from services.input_log.ndjson_input_logs import NdjsonInputLogs
    from services.job_store.sql_job_stores import SqlJobStores
    from services.machine_probe.system_probe import SystemProbe
    from services.media_probe.ffmpeg_media_probe import FfmpegMediaProbe
    from services.metrics.prometheus_metrics import PrometheusMetrics
    from services.model_hub.hub_cache import default_cache_dir
    from services.model_hub.hugging_face_hub import HuggingFaceHub
    from services.ownership_store.sql_ownership_stores import SqlOwnershipStores
    from services.password_hasher.argon2_password_hasher import Argon2PasswordHasher
    from services.peer_store.sql_peer_stores import SqlPeerStores
    from services.picture_decoder.pillow_picture_decoder import PIXELS_AT_A_TIME, PillowPictureDecoder
    from services.picture_decoder.pixel_budget import PixelBudget
    from services.picture_views.network_picture_views import NetworkPictureViews, read_weights
    from services.picture_views.sign_picture_views import SignPictureViews
    from services.prompt_writer.switched_prompt_writer import SwitchedPromptWriter
    from services.recording_store.directory_recording_store import DirectoryRecordingStore
    from services.seed_store.directory_seed_store import DirectorySeedStore
    from services.settings_file.folder_settings_files import FolderSettingsFiles
    from services.source_store.directory_source_store import DirectorySourceStore
    from services.system_monitor.psutil_system_monitor import PsutilSystemMonitor
    from services.task_runner.threading_task_runner import ThreadingTaskRunner
    from services.torch_worker.process_torch_worker import ProcessTorchWorker
    from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
    from services.video_encoder.ffmpeg_video_encoder import FfmpegVideoEncoder
    from services.video_pipeline.switched_video_pipeline import SwitchedVideoPipeline
    from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
    from services.world_copies.directory_world_copies import DirectoryWorldCopies
    from services.world_engine.plugins.discovery import InstalledEngines
    from services.world_files.directory_world_store import DirectoryWorldStore

    shared, is_shared = config.shared_dir, config.fleet.shared_dir is not None
    engines = InstalledEngines()
    clock = SystemClock()
    video_writer = FfmpegVideoWriter()
    database = SharedDatabase(config.data_dir / "terrarium.sqlite", config.jobs.database_url)
    monitor = PsutilSystemMonitor()
    decoder = PillowPictureDecoder(PixelBudget(PIXELS_AT_A_TIME, give_memory_back=monitor.release_free_memory))
    bundled_classifier = BundledImageClassifier(shipped_model(PICTURE_CHECK_DIR))
    return ServiceBundle(
        catalogue=WorldEngineCatalogue(engines.entries(config), engines.entries),
        frame_encoder=SimpleJpegEncoder(config.jpeg.threads),
        video_encoder=FfmpegVideoEncoder(bundled_ffmpeg, threads=config.video.threads),
        image_classifier=BestImageClassifier(
            build_image_classifier(ClassifierFiles(default_cache_dir(os.environ)), clock, ProcessTorchWorker),
            bundled_classifier,
        ),
        verdict_cache=SqliteVerdictCache(config.data_dir / "verdicts.sqlite"),
        picture_decoder=decoder,
        picture_views=NetworkPictureViews(bundled_classifier, read_weights(PICTURE_CHECK_DIR), SignPictureViews()),
        prompt_writer=SwitchedPromptWriter(build_prompt_writer, config.authoring),
        image_editor=SwitchedImageEditor(build_image_editor, config.authoring),
        world_store=DirectoryWorldStore(shared / "worlds", config.max_saved_worlds, is_shared=is_shared),
        world_copies=DirectoryWorldCopies(shared / "copies") if is_shared else None,
        film_store=DirectoryFilmStore(shared / "films", is_shared=is_shared),
        source_store=DirectorySourceStore(shared / "films" / "sources", clock, is_shared=is_shared),
        media_probe=FfmpegMediaProbe(bundled_ffmpeg),
        video_pipeline=SwitchedVideoPipeline(build_video_pipeline, config.film_model),
        close_database=database.close,
        account_stores=SqlAccountStores(database),
        password_hasher=Argon2PasswordHasher(),
        job_stores=SqlJobStores(database),
        ownership_stores=SqlOwnershipStores(database),
        feedback_stores=SqlFeedbackStores(database),
        peer_stores=SqlPeerStores(database) if is_shared else None,
        input_logs=NdjsonInputLogs(config.data_dir / "input_logs", config.input_log_bytes),
        seed_store=DirectorySeedStore(
            SHIPPED_SEEDS_DIR,
            shared,
            config.max_uploaded_seeds,
            decoder=decoder,
            clock=clock,
            is_shared=is_shared,
        ),
        video_writer=video_writer,
        recording_store=DirectoryRecordingStore(
            config.recording.folder or shared / "recordings", video_writer.describe, is_shared=is_shared
        ),
        settings_files=FolderSettingsFiles(shared),
        model_hub=HuggingFaceHub(
            default_cache_dir(os.environ), config.hub, config.engines.models_dir, environ=os.environ
        ),
        system_monitor=monitor,
        machine_probe=SystemProbe(),
        engine_measurements=JsonEngineMeasurements(config.data_dir / "measurements.json"),
        metrics=PrometheusMetrics(),
        log_stream=log_stream,
        task_runner=ThreadingTaskRunner(log_background_exception),
        clock=clock,
    )


def build_prompt_writer(config: AuthoringConfig) -> PromptWriter:
    import os

    from services.http_client.httpx_client import HttpxClient
    from services.model_hub.hub_cache import default_cache_dir
    from services.prompt_writer.local_prompt_writer import LocalPromptWriter
    from services.prompt_writer.openai_prompt_writer import OpenAIPromptWriter
    from services.prompt_writer.unconfigured_prompt_writer import UnconfiguredPromptWriter
    from services.prompt_writer.writer_files import REVISION, WriterFiles
    from services.torch_worker.process_torch_worker import ProcessTorchWorker

    if config.writer is not None:
        return OpenAIPromptWriter(HttpxClient(), config.writer, sees=config.writer_sees)
    if config.local_writer != "off":
        files = WriterFiles(
            default_cache_dir(os.environ),
            config.local_writer_folder,
            revision=config.local_writer_revision or REVISION,
            quant=config.local_writer_quant,
        )
        return LocalPromptWriter(files, ProcessTorchWorker)
    return UnconfiguredPromptWriter(
        "Editing scenes needs a model that turns prompts into instructions: an endpoint in the settings"
        " (TERRARIUM_WRITER_ENDPOINT and TERRARIUM_WRITER_MODEL), or a model on this machine (TERRARIUM_LOCAL_WRITER)."
    )


def build_image_editor(config: AuthoringConfig) -> ImageEditor:
    import os

    from services.http_client.httpx_client import HttpxClient
    from services.image_editor.flux_files import FluxFiles
    from services.image_editor.flux_image_editor import FluxImageEditor
    from services.image_editor.openai_image_editor import OpenAIImageEditor
    from services.image_editor.unconfigured_image_editor import UnconfiguredImageEditor
    from services.model_hub.hub_cache import default_cache_dir
    from services.torch_worker.process_torch_worker import ProcessTorchWorker

    if config.images is not None:
        return OpenAIImageEditor(HttpxClient(), config.images, size=config.image_size)
    if config.local_images != "off":
        files = FluxFiles(default_cache_dir(os.environ), config.local_image_folder, quant=config.local_images_quant)
        return FluxImageEditor(files, ProcessTorchWorker)
    return UnconfiguredImageEditor(
        "Editing scenes needs an image model: an endpoint in the settings (TERRARIUM_IMAGE_ENDPOINT and"
        " TERRARIUM_IMAGE_MODEL), or one on this machine (TERRARIUM_LOCAL_IMAGES)."
    )


def build_video_pipeline(config: FilmModelConfig) -> FastVideoPipeline:
    import os

    from services.model_hub.hub_cache import default_cache_dir
    from services.torch_worker.process_torch_worker import ProcessTorchWorker
    from services.video_pipeline.ltx_files import LtxFiles
    from services.video_pipeline.ltx_video_pipeline import LTXFastVideoPipeline
    from services.video_pipeline.unconfigured_video_pipeline import UnconfiguredVideoPipeline
    from services.world_engine.depth.moss_source import moss_depth_source

    if config.place == "off":
        return UnconfiguredVideoPipeline("The settings have no films made on this server (TERRARIUM_LOCAL_FILMS).")
    files = LtxFiles(default_cache_dir(os.environ), config.folder, quant=config.quant)
    return LTXFastVideoPipeline(files, ProcessTorchWorker, asked=config.place, depth=moss_depth_source())
