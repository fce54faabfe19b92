"""Thumbnails of seeds are made once, and kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.picture_views.picture_views import CLOSE_UP
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_image_editor import FakeImageEditor
from tests.fakes.fake_prompt_writer import FakePromptWriter
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.play.harness import fake_services, picture, play_server
from tests.services.diorama.pictures import landscape, page
from tests.services.picture_decoder.pictures import png, quadrants, save
from tests.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from services.world_engine.world_engine import Picture

SHIPPED = save(quadrants(64, 36), "PNG")


class WatchedDecoder(PillowPictureDecoder):
    """Counts how often it reads pixels out of a file."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def overview(self, data: bytes, *, longest: int) -> Picture:
        self.reads += 1
        return super().overview(data, longest=longest)

    def decode(self, data: bytes, *, width: int, height: int) -> Picture:
        self.reads += 1
        return super().decode(data, width=width, height=height)


def thumbnails(http: httpx.Client, seed_hash: str, count: int) -> set[bytes]:
    """What `count` clients get who ask at a time."""
    with ThreadPoolExecutor(count) as clients:
        asked = [clients.submit(http.get, f"/api/seeds/{seed_hash}/thumbnail") for _ in range(count)]
        answers = [each.result() for each in asked]
    assert {answer.status_code for answer in answers} == {200}
    return {answer.content for answer in answers}


def test_an_upload_is_read_once_for_its_check_and_its_thumbnail() -> None:
    decoder, store = WatchedDecoder(), FakeSeedStore()
    services = fake_services(seed_store=store, classifier=FakeImageClassifier())
    with play_server(replace(services, picture_decoder=decoder), seed_safety="strict") as server:
        seed_hash = server.http.post("/api/seeds", content=picture(1)).json()["hash"]
        assert decoder.reads == 1
        assert thumbnails(server.http, seed_hash, 10) == {store.thumbnail(seed_hash)}
        assert decoder.reads == 1


def test_a_page_of_text_opens_in_the_engine_for_close_ups() -> None:
    engines = FakeModel("a/walk"), FakeModel("a/lean", at_home_in=frozenset({CLOSE_UP}))
    with play_server(fake_services(*engines)) as server:
        files = [save(Image.fromarray(each), "PNG") for each in (page(), landscape())]
        models = [server.http.post("/api/seeds", content=file).json()["model"] for file in files]
        assert models == ["a/lean", "a/walk"]
        listed = {seed["hash"]: seed["model"] for seed in server.http.get("/api/seeds").json()["seeds"]}
        assert sorted(listed.values()) == ["a/lean", "a/walk"]


def test_a_missing_thumbnail_is_made_once_for_all_who_ask() -> None:
    decoder = WatchedDecoder()
    store = FakeSeedStore([(SHIPPED, decoder.describe(SHIPPED), "Meadow")])
    services = replace(fake_services(seed_store=store), picture_decoder=decoder)
    with play_server(services) as server:
        (seed,) = store.list()
        assert thumbnails(server.http, seed.hash, 10) == {store.thumbnail(seed.hash)}
        assert thumbnails(server.http, seed.hash, 10) == {store.thumbnail(seed.hash)}
        assert decoder.reads == 1


def test_a_generated_scene_has_its_thumbnail_when_it_is_kept() -> None:
    store = FakeSeedStore()
    services = fake_services(seed_store=store, prompt_writer=FakePromptWriter(), image_editor=FakeImageEditor())
    with play_server(services) as server:
        server.http.post("/api/jobs", json={"kind": "scene", "request": {"prompt": "a lake"}})
        wait_until(lambda: len(store.list()) == 1, "the scene was kept")
        seed_hash = store.list()[0].hash
        wait_until(lambda: store.thumbnail(seed_hash) is not None, "its thumbnail was kept")


def test_a_seed_whose_pixels_are_damaged_has_no_thumbnail() -> None:
    broken = png(64, 36, body=b"not packed at all")
    decoder = PillowPictureDecoder()
    store = FakeSeedStore([(broken, decoder.describe(broken), "Broken")])
    with play_server(fake_services(seed_store=store)) as server:
        for _ in range(2):
            answer = server.http.get(f"/api/seeds/{store.list()[0].hash}/thumbnail")
            assert (answer.status_code, answer.json()["code"]) == (422, "seedNotAPicture")


@pytest.mark.parametrize("seed_hash", ["0" * 64, "nothing"])
def test_an_unknown_seed_has_no_thumbnail(seed_hash: str) -> None:
    with play_server() as server:
        answer = server.http.get(f"/api/seeds/{seed_hash}/thumbnail")
        assert (answer.status_code, answer.json()["code"]) == (404, "seedUnknown")
