"""A real server with fake engines, and a client that plays on it over a real socket."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app_factory import create_app
from app_handler import AppHandler
from runtime_config.authoring_config import AuthoringConfig
from runtime_config.film_model_config import FilmModelConfig
from runtime_config.hub_config import HubConfig
from runtime_config.launch_settings import Launch
from runtime_config.runtime_config import RuntimeConfig, SessionLimits
from service_bundle import ServiceBundle
from services.bundled_ffmpeg import bundled_ffmpeg
from services.clock.system_clock import SystemClock
from services.film_store.directory_film_store import DirectoryFilmStore
from services.image_editor.switched_image_editor import SwitchedImageEditor
from services.image_editor.unconfigured_image_editor import UnconfiguredImageEditor
from services.media_probe.ffmpeg_media_probe import FfmpegMediaProbe
from services.metrics.prometheus_metrics import PrometheusMetrics
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.picture_views.sign_picture_views import SignPictureViews
from services.prompt_writer.switched_prompt_writer import SwitchedPromptWriter
from services.prompt_writer.unconfigured_prompt_writer import UnconfiguredPromptWriter
from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.source_store.directory_source_store import DirectorySourceStore
from services.task_runner.threading_task_runner import ThreadingTaskRunner
from services.video_pipeline.switched_video_pipeline import SwitchedVideoPipeline
from services.world_engine.catalogue import WorldEngineCatalogue
from tests.fakes.fake_account_store import FakeAccountStore
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_engine_measurements import FakeEngineMeasurements
from tests.fakes.fake_feedback_store import FakeFeedbackStore
from tests.fakes.fake_frame_encoder import FakeFrameEncoder, read_fake_jpeg
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_input_logs import FakeInputLogs
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_machine_probe import FakeMachineProbe
from tests.fakes.fake_ownership_store import FakeOwnershipStore
from tests.fakes.fake_password_hasher import FakePasswordHasher
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.fakes.fake_settings_files import FakeSettingsFiles
from tests.fakes.fake_system_monitor import FakeSystemMonitor
from tests.fakes.fake_verdict_cache import FakeVerdictCache
from tests.fakes.fake_video_encoder import FakeVideoEncoder, read_fake_unit
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.fakes.fake_world_store import FakeWorldStore
from tests.network.live_server import LiveServer, serving
from tests.play.stock_client import accept
from tests.waiting import deadline_s
from wire_protocol import FrameHeader, decode_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator

    import httpx
    from starlette.types import ASGIApp, Receive, Scope, Send

    from services.account_store.account_store import AccountStores
    from services.clock.clock import Clock
    from services.engine_measurements.engine_measurements import EngineMeasurements
    from services.feedback_store.feedback_store import FeedbackStores
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.input_log.input_log import InputLogs
    from services.job_store.job_store import JobStores
    from services.log_stream.log_stream import LogStream
    from services.machine_probe.machine_probe import MachineProbe
    from services.model_hub.model_hub import ModelHub
    from services.ownership_store.ownership_store import OwnershipStores
    from services.password_hasher.password_hasher import PasswordHasher
    from services.peer_store.peer_store import PeerStores
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.seed_store.seed_store import SeedStore
    from services.settings_file.settings_file import SettingsFiles
    from services.system_monitor.system_monitor import SystemMonitor
    from services.verdict_cache.verdict_cache import VerdictCache
    from services.video_encoder.video_encoder import VideoEncoder
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.video_writer.video_writer import VideoWriter
    from services.world_copies.world_copies import WorldCopies
    from services.world_files.world_store import WorldStore
    from tests.fakes.fake_world_engine import FakeFrameContent

Json: TypeAlias = dict[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Frame:
    """One binary message."""

    header: FrameHeader
    jpegs: tuple[bytes, ...]

    @property
    def content(self) -> FakeFrameContent:
        """What the fake world said of the first sub-frame."""
        read = read_fake_jpeg if self.header.codec is None else read_fake_unit
        return read(self.jpegs[0]).frame_content()


Received: TypeAlias = Json | Frame


def picture(red: int, green: int = 0, blue: int = 0, *, width: int = 48, height: int = 32) -> bytes:
    """A PNG of one colour, which a fake world then shows as its `seed_mean`."""
    pixels = np.full((height, width, 3), (red, green, blue), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def session_config(**changes: Any) -> Json:
    return {
        "engine_backend": "world_engine",
        "scene_authoring": False,
        "action_logging": False,
        "video_recording": False,
        "video_output_dir": None,
        "cap_inference_fps": True,
        **changes,
    }


class PlayClient:
    """Speaks the protocol as a client does; every message is checked with the stock client's eyes, unless extended."""

    def __init__(self, socket: ClientConnection, *, extended: bool) -> None:
        self.socket = socket
        self._extended = extended
        self._ids = 0

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def control(self, *buttons: str, **fields: Any) -> None:
        self.send("control", buttons=list(buttons), **fields)

    def request(self, kind: str, **fields: Any) -> str:
        """Send a request; its id."""
        self._ids += 1
        self.send(kind, req_id=str(self._ids), **fields)
        return str(self._ids)

    def init(self, seed: bytes | None = None, *, model: str = "fake/world", **config: Any) -> str:
        image = {} if seed is None else {"seed_image_data": b64(seed)}
        return self.request("init", model=model, config=session_config(**config), **image)

    def receive(self, timeout_s: float = deadline_s()) -> Received:
        """The next message.

        Raises:
            TimeoutError: none came.
            ConnectionClosed: the server closed.
        """
        data = self.socket.recv(timeout=timeout_s)
        if isinstance(data, bytes):
            return Frame(*decode_envelope(data))
        message: Json = json.loads(data)
        if not self._extended:
            accept(message)
        return message

    def messages(self) -> Iterator[Json]:
        """Messages as they come, frames left out, until the server closes."""
        while True:
            try:
                received = self.receive()
            except ConnectionClosed:
                return
            if not isinstance(received, Frame):
                yield received

    def until(self, wanted: Callable[[Json], bool]) -> Json:
        """The first message that is wanted; those before it are passed over."""
        return next(message for message in self.messages() if wanted(message))

    def of_type(self, kind: str, **fields: Any) -> Json:
        return self.until(lambda m: m["type"] == kind and all(m.get(key) == value for key, value in fields.items()))

    def reply(self, req_id: str) -> Json:
        return self.of_type("response", req_id=req_id)

    def stage(self, stage: str) -> Json:
        return self.of_type("status", stage=stage)

    def frame(self, wanted: Callable[[Frame], bool] = lambda _: True) -> Frame:
        while True:
            received = self.receive()
            if isinstance(received, Frame) and wanted(received):
                return received

    def played_frame(self, wanted: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """The next pass that the world made, not a still picture. One to a slow reader may have a single frame."""
        return self.frame(lambda frame: (len(frame.jpegs) > 1 or frame.header.gen_ms > 0) and wanted(frame))

    def start(self, seed: bytes | None = None, **init: Any) -> Json:
        """Start a world and wait for it; the reply's data."""
        reply = self.reply(self.init(picture(200) if seed is None else seed, **init))
        assert reply["success"], reply
        return reply["data"]

    def hold(self, *buttons: str, until: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """Keep sending a control until a played frame is wanted."""
        deadline = time.monotonic() + deadline_s()
        while time.monotonic() < deadline:
            self.control(*buttons)
            frame = self.played_frame()
            if until(frame):
                return frame
        raise AssertionError("No such frame came.")

    def start_over(self, kind: str = "reset", **fields: Any) -> Frame:
        """The first played frame after a notification of that kind has started the world over.

        It is known by its epoch: which of the first passes arrive depends on how busy the machine is.
        """
        before = self.hold("W").header.epoch
        self.send(kind, **fields)
        return self.hold("W", until=lambda frame: frame.header.epoch != before)

    def closed(self) -> tuple[int, str]:
        """Read to the end; the close code and reason."""
        for _ in self.messages():
            pass
        return self.socket.close_code or 0, self.socket.close_reason or ""


class PlayServer:
    def __init__(
        self, handler: AppHandler, server: LiveServer, http: httpx.Client, events: asyncio.AbstractEventLoop
    ) -> None:
        self.events = events
        self.handler = handler
        self.server = server
        self.http = http

    @contextmanager
    def client(
        self,
        *,
        extended: bool = False,
        query: str | None = None,
        max_queue: int | None = 16,
        token: str | None = None,
    ) -> Generator[PlayClient]:
        asked = "protocol_version=5" if query is None else query
        url = f"ws://127.0.0.1:{self.server.port}/ws?{asked}{'&client=terrarium' if extended else ''}"
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with connect(
            url,
            additional_headers=headers,
            compression=None,
            max_size=None,
            max_queue=max_queue,
            open_timeout=deadline_s(),
        ) as socket:
            yield PlayClient(socket, extended=extended)

    def drain(self) -> None:
        """What the real server does when it stops, before it closes connections."""
        asyncio.run_coroutine_threadsafe(self.handler.drain(), self.events).result(deadline_s())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something on the server's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.events).result(deadline_s())

    def sessions(self) -> list[Json]:
        return self.http.get("/api/sessions").json()["sessions"]


class SilentLogStream:
    """A log stream that delivers nothing."""

    def subscribe(self, session_id: str, deliver: Callable[[Any], None]) -> Callable[[], None]:
        del session_id, deliver
        return lambda: None


# Where a test gave no folder. What is written there fails, so that no test leaves anything in the working directory.
NO_FOLDER: Final = Path(os.devnull, "no-such-folder")


def fake_services(
    *models: FakeModel,
    encoder: FakeFrameEncoder | None = None,
    video_encoder: VideoEncoder | None = None,
    classifier: ImageClassifier | None = None,
    seed_store: SeedStore | None = None,
    verdict_cache: VerdictCache | None = None,
    video_writer: VideoWriter | None = None,
    recordings_dir: Path = NO_FOLDER,
    world_store: WorldStore | None = None,
    world_copies: WorldCopies | None = None,
    input_logs: InputLogs | None = None,
    close_database: Callable[[], None] = lambda: None,
    account_stores: AccountStores | None = None,
    password_hasher: PasswordHasher | None = None,
    clock: Clock | None = None,
    job_stores: JobStores | None = None,
    ownership_stores: OwnershipStores | None = None,
    feedback_stores: FeedbackStores | None = None,
    peer_stores: PeerStores | None = None,
    video_pipeline: FastVideoPipeline | None = None,
    films_dir: Path = NO_FOLDER,
    prompt_writer: PromptWriter | None = None,
    image_editor: ImageEditor | None = None,
    log_stream: LogStream | None = None,
    system_monitor: SystemMonitor | None = None,
    machine_probe: MachineProbe | None = None,
    engine_measurements: EngineMeasurements | None = None,
    settings_files: SettingsFiles | None = None,
    model_hub: ModelHub | None = None,
    cache_dir: Path = NO_FOLDER,
) -> ServiceBundle:
    """Fakes for what is slow or depends on the machine; the rest is real."""
    writer = video_writer or FakeVideoWriter()

    def writers(_: AuthoringConfig) -> PromptWriter:
        return prompt_writer or UnconfiguredPromptWriter("There is none in this test.")

    def editors(_: AuthoringConfig) -> ImageEditor:
        return image_editor or UnconfiguredImageEditor("There is none in this test.")

    films = video_pipeline or FakeVideoPipeline()

    def film_models(_: FilmModelConfig) -> FastVideoPipeline:
        return films

    return ServiceBundle(
        catalogue=WorldEngineCatalogue([model.entry for model in models or (FakeModel(),)]),
        frame_encoder=encoder or FakeFrameEncoder(),
        video_encoder=video_encoder or FakeVideoEncoder(),
        image_classifier=classifier or FakeImageClassifier(),
        verdict_cache=verdict_cache or FakeVerdictCache(),
        picture_decoder=PillowPictureDecoder(),
        picture_views=SignPictureViews(),
        prompt_writer=SwitchedPromptWriter(writers, AuthoringConfig()),
        image_editor=SwitchedImageEditor(editors, AuthoringConfig()),
        seed_store=seed_store or FakeSeedStore(),
        video_writer=writer,
        world_store=world_store or FakeWorldStore(),
        world_copies=world_copies,
        input_logs=input_logs or FakeInputLogs(),
        film_store=DirectoryFilmStore(films_dir),
        source_store=DirectorySourceStore(films_dir / "sources", clock or SystemClock()),
        media_probe=FfmpegMediaProbe(bundled_ffmpeg),
        video_pipeline=SwitchedVideoPipeline(film_models, FilmModelConfig()),
        close_database=close_database,
        account_stores=account_stores or FakeAccountStore(),
        password_hasher=password_hasher or FakePasswordHasher(),
        job_stores=job_stores or FakeJobStore(),
        ownership_stores=ownership_stores or FakeOwnershipStore(),
        feedback_stores=feedback_stores or FakeFeedbackStore(),
        peer_stores=peer_stores,
        recording_store=DirectoryRecordingStore(recordings_dir, writer.describe),
        settings_files=settings_files or FakeSettingsFiles(),
        model_hub=model_hub or HuggingFaceHub(cache_dir, HubConfig(), environ={}),
        system_monitor=system_monitor or FakeSystemMonitor(),
        machine_probe=machine_probe or FakeMachineProbe(),
        engine_measurements=engine_measurements or FakeEngineMeasurements(),
        metrics=PrometheusMetrics(),
        log_stream=log_stream or SilentLogStream(),
        task_runner=ThreadingTaskRunner(lambda _name, _error: None),
        clock=clock or SystemClock(),
    )


@contextmanager
def play_server(
    services: ServiceBundle | None = None,
    *,
    limits: SessionLimits | None = None,
    loop: str = "asyncio",
    data_dir: Path | None = None,
    behind: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **config: Any,
) -> Generator[PlayServer]:
    """A server on a free port of loopback, stopped at the end of the block.

    `loop` names its event loop for uvicorn. `behind` makes the proxy that the app is behind. Without a `data_dir` it
    has one for itself, which goes with it: jobs put their pictures there whatever the stores are.
    """
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as own,
        _serving(
            RuntimeConfig(data_dir=data_dir or Path(own), limits=limits or SessionLimits(), **config),
            services or fake_services(),
            loop,
            behind,
        ) as server,
    ):
        yield server


@contextmanager
def _serving(
    runtime: RuntimeConfig, services: ServiceBundle, loop: str, behind: Callable[[ASGIApp], ASGIApp]
) -> Generator[PlayServer]:
    handler = AppHandler(Launch.of(runtime), services)
    limits = runtime.limits
    proxied, events = behind(create_app(handler)), asyncio.Queue[asyncio.AbstractEventLoop]()

    async def noting_its_loop(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            events.put_nowait(asyncio.get_running_loop())
        await proxied(scope, receive, send)

    with (
        serving(
            noting_its_loop,
            lifespan="on",
            loop=loop,
            ws_max_size=limits.max_frame_bytes,
            ws_ping_interval=limits.ping_interval_s,
            ws_ping_timeout=limits.ping_timeout_s,
        ) as server,
        server.http_client() as http,
    ):
        yield PlayServer(handler, server, http, events.get_nowait())
