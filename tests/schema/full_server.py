"""A server that has some of everything, on a real socket, for whoever asks it for all that its schema declares."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from logging_policy import configure_logging
from runtime_config.runtime_config import AccessConfig
from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.world_files.directory_world_store import DirectoryWorldStore
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.job_client import ended, scene, submit
from tests.play.harness import fake_services, picture, play_server
from tests.schema.short_streams import ShortStreams
from tests.services.recording_store.videos import make_video, notes
from tests.services.world_files.samples import pack, sample_world

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

_ROOM = 10_000  # worlds: more than any test makes


@dataclass(frozen=True)
class FullServer:
    """`there` has the names of things that exist, by the path parameter that takes them.

    `faults` are the log events with a traceback that there have been: no request is to cause one.
    """

    url: str
    there: Mapping[str, str]
    faults: Sequence[Mapping[str, Any]]


@contextmanager
def _logging(watch: Callable[[Mapping[str, Any]], None]) -> Generator[None]:
    undo = configure_logging("json", None, watch)
    try:
        yield
    finally:
        undo()


@contextmanager
def full_server(folder: Path, *, token: str | None = None) -> Generator[FullServer]:
    recordings = folder / "recordings"
    for number in range(3):
        made = notes(started_at=float(number), play_session="aa", segment=number + 1)
        make_video(recordings / f"film {number}.mp4", comment=made)
    faked = fake_services(
        prompt_writer=FakePromptWriter(),
        image_editor=FakeImageEditor(),
        recordings_dir=recordings,
        video_writer=FfmpegVideoWriter(),
        films_dir=folder / "films",
        world_store=DirectoryWorldStore(folder / "worlds", _ROOM),
    )
    services = replace(faked, frame_encoder=SimpleJpegEncoder(1))  # as real as what makes files of its pictures
    faults: list[Mapping[str, Any]] = []

    def watch(event: Mapping[str, Any]) -> None:
        if "exception" in event:
            faults.append(dict(event))

    with (
        _logging(watch),
        play_server(
            services, data_dir=folder / "data", behind=ShortStreams, access=AccessConfig(token=token)
        ) as server,
    ):
        http = server.http
        if token is not None:
            http.headers["Authorization"] = f"Bearer {token}"
        server.handler.server.attach(lambda: None)  # a stop that is asked for is answered, and does not come
        seed = http.post("/api/seeds?title=Bay", content=picture(90, 120, 60)).raise_for_status().json()
        world = http.post("/api/worlds", content=pack(sample_world())).raise_for_status().json()
        scene(http, "a bay at dawn")
        with server.client(extended=True, max_queue=None, token=token) as client:
            client.start()
            client.hold("W")
            walked = client.reply(client.request("save_world", title="A walk"))["data"]["world_id"]
        film = ended(http, submit(http, "replay_film", world_id=walked)["id"])
        assert film["state"] == "done", film
        with server.client(extended=True, max_queue=None, token=token) as client:
            client.start()
            client.hold("W")
            (session,) = server.sessions()
            moment = client.reply(client.request("take_moment"))["data"]
            there = {
                "name": "film 1",
                "seed_hash": seed["hash"],
                "world_id": world["id"],
                "job_id": film["id"],
                "session_id": session["id"],
                "moment_id": moment["moment_id"],
            }
            yield FullServer(f"http://127.0.0.1:{server.server.port}", there, faults)
