"""A server that makes films without a model, and what its films are made from."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from services.bundled_ffmpeg import bundled_ffmpeg
from services.video_pipeline.film_order import FromPictures
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.play.harness import Json, fake_services
from tests.rest_client import rest_client
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.testclient import TestClient

    from services.video_pipeline.film_order import FilmOrder, PlacedPicture
    from tests.fakes.fake_clock import FakeClock
    from tests.fakes.fake_image_classifier import FakeImageClassifier
    from tests.fakes.fake_prompt_writer import FakePromptWriter

SMALL: Any = {"width": 128, "height": 64, "seconds": 0.3}
_OVER = frozenset({"done", "failed", "cancelled", "interrupted"})


@contextmanager
def film_client(
    folder: Path,
    pipeline: FakeVideoPipeline | None = None,
    *,
    stores: FakeJobStore | None = None,
    classifier: FakeImageClassifier | None = None,
    prompt_writer: FakePromptWriter | None = None,
    clock: FakeClock | None = None,
    **config: Any,
) -> Generator[TestClient]:
    services = fake_services(
        video_pipeline=pipeline or FakeVideoPipeline(),
        video_writer=FfmpegVideoWriter(),
        classifier=classifier,
        prompt_writer=prompt_writer,
        clock=clock,
        job_stores=stores or FakeJobStore(),
        films_dir=folder / "films",
    )
    with rest_client(services, folder=folder, **config) as client:
        yield client


def ask(client: TestClient, way: str = "words", **body: Any) -> Json:
    answer = client.post(f"/api/video/{way}", json={"prompt": "a lake at dawn", **SMALL, **body})
    assert answer.status_code == 202, answer.text
    return answer.json()


def change_settings(client: TestClient, **values: Any) -> None:
    tag = client.get("/api/settings").headers["ETag"]
    answer = client.patch("/api/settings", json={"changes": values}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text


def pictures_of(order: FilmOrder) -> tuple[PlacedPicture, ...]:
    assert isinstance(order.way, FromPictures)
    return order.way.pictures


def film_of(client: TestClient, film_id: str) -> Json:
    return client.get(f"/api/video/films/{film_id}").json()


def over(client: TestClient, film_id: str) -> Json:
    """The film, once it is made or will not be."""
    wait_until(lambda: film_of(client, film_id)["state"] in _OVER, "the film is over")
    return film_of(client, film_id)


def made(client: TestClient, way: str = "words", **body: Any) -> Json:
    film = over(client, ask(client, way, **body)["id"])
    assert film["state"] == "done", film
    return film


def clip(path: Path, *arguments: str, sound: bool = True) -> Path:
    """Two seconds of a test picture of 128 by 64 pixels."""
    tone = ("-f", "lavfi", "-i", "sine=duration=2", "-shortest") if sound else ()
    video = ("-f", "lavfi", "-i", "testsrc2=size=128x64:rate=24:duration=2")
    command = [bundled_ffmpeg(), "-v", "error", "-y", *video, *tone, "-pix_fmt", "yuv420p", *arguments, str(path)]
    subprocess.run(command, check=True)
    return path


def send(client: TestClient, path: Path, title: str = "A clip") -> Json:
    answer = client.post(f"/api/video/sources?title={title}", content=path.read_bytes())
    assert answer.status_code == 201, answer.text
    return answer.json()
