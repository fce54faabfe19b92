"""A device with too little room for a world and a film at once: play comes first, and the film is made after it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests._routes.film_rig import SMALL
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_device import FakeDevice, FakeModelOnDevice
from tests.fakes.fake_job_store import FakeJobStore
from tests.fakes.fake_video_pipeline import FakeVideoPipeline
from tests.play.harness import fake_services, picture, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.play.harness import Json, PlayClient, PlayServer

LAKE = "fake/lake"  # on the device
ENGINE_GIB = 12


@dataclass
class Lab:
    server: PlayServer
    device: FakeDevice
    pipeline: FakeVideoPipeline

    def ask(self) -> Json:
        answer = self.server.http.post("/api/video/words", json={"prompt": "a lake at dawn", **SMALL})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def film(self, film_id: str) -> Json:
        return self.server.http.get(f"/api/video/films/{film_id}").json()

    def over(self, film_id: str) -> Json:
        """The film, once it is made or will not be."""
        wait_until(lambda: self.film(film_id)["state"] not in {"queued", "running", "finishing"}, "the film is over")
        return self.film(film_id)

    def waits(self, film_id: str) -> bool:
        return self.film(film_id)["stage"] == "waiting_for_play"


@contextmanager
def lab(folder: Path, *, can_park: bool = False) -> Generator[Lab]:
    """20 GiB: enough for the film, with 18, or for the world, and too little for both."""
    device = FakeDevice(vram=20)
    pipeline = FakeVideoPipeline(model=FakeModelOnDevice(device, "films", weights=16, largest=10, work=2))
    services = fake_services(
        FakeModel(),
        device.engine(LAKE, vram=ENGINE_GIB, can_park=can_park),
        video_pipeline=pipeline,
        video_writer=FfmpegVideoWriter(),
        job_stores=FakeJobStore(),
        films_dir=folder / "films",
        system_monitor=device,
    )
    with play_server(services, data_dir=folder) as server:
        yield Lab(server, device, pipeline)


def play(client: PlayClient) -> None:
    client.start(picture(2), model=LAKE)
    client.hold("W")


@pytest.mark.parametrize(("can_park", "leaves"), [(False, "-"), (True, "<")])
def test_a_film_makes_room_for_play_and_is_made_after_it(tmp_path: Path, *, can_park: bool, leaves: str) -> None:
    with lab(tmp_path, can_park=can_park) as here:
        here.pipeline.hold()
        film = here.ask()
        here.pipeline.wait_until_held()
        with here.server.client() as client:
            play(client)
            wait_until(lambda: here.waits(film["id"]), "the film waits")
            assert here.device.history == ["+films", "-films", f"+{LAKE}"]
            assert "being played" in here.server.http.get("/api/video/specs").json()["why_waiting"]
            here.pipeline.release()
            client.hold("W")
            assert here.waits(film["id"])
        ended = here.over(film["id"])
        assert (ended["state"], ended["seed"]) == ("done", film["seed"]), ended
        assert here.device.history == ["+films", "-films", f"+{LAKE}", f"{leaves}{LAKE}", "+films"]
        assert [order.seed for order in here.pipeline.orders] == [film["seed"]] * 2


def test_a_film_that_is_asked_for_in_play_waits_until_it_is_over(tmp_path: Path) -> None:
    with lab(tmp_path) as here:
        with here.server.client() as client:
            play(client)
            film = here.ask()
            wait_until(lambda: here.waits(film["id"]), "the film waits")
            client.hold("W")
            assert here.pipeline.orders == []
        assert here.over(film["id"])["state"] == "done"
        assert here.device.history == [f"+{LAKE}", f"-{LAKE}", "+films"]


def test_a_film_that_waits_can_be_given_up(tmp_path: Path) -> None:
    with lab(tmp_path) as here, here.server.client() as client:
        play(client)
        film = here.ask()
        wait_until(lambda: here.waits(film["id"]), "the film waits")
        assert here.server.http.post(f"/api/video/films/{film['id']}/cancel").status_code == 200
        assert here.over(film["id"])["state"] == "cancelled"
        client.hold("W")
        assert here.device.history == [f"+{LAKE}"]
