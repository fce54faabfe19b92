"""What every seed store does, in memory and on disk."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.seed_store.directory_seed_store import DirectorySeedStore
from services.seed_store.seed_store import SeedStore, SeedStoreError
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_seed_store import FakeSeedStore
from tests.services.picture_decoder.pictures import RED, quadrants, save

if TYPE_CHECKING:
    from pathlib import Path

    from services.picture_decoder.picture_decoder import PictureFactsPayload

JPEG = b"\xff\xd8 a small picture \xff\xd9"
Shipped = dict[str, bytes]  # title -> file
MakeStore = Callable[[Shipped, int], SeedStore]
SHIPPED: Shipped = {
    "Meadow": save(quadrants(40, 20), "PNG"),
    "Harbour": save(quadrants(20, 40), "JPEG"),
}
VIEWS_OF = {"Harbour": "simulator"}


def facts_of(data: bytes) -> PictureFactsPayload:
    return PillowPictureDecoder().describe(data)


def upload(number: int) -> bytes:
    return save(Image.new("RGB", (10 + number, 10), RED), "PNG")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def ship(folder: Path, shipped: Shipped) -> None:
    folder.mkdir()
    entries: list[dict[str, str]] = []
    for title, data in shipped.items():
        name = title.lower() + facts_of(data).suffix
        (folder / name).write_bytes(data)
        entry = {"file": name, "title": title, "description": "", "licence": "CC0-1.0", "made_by": "us"}
        entries.append(entry | ({"view_of": VIEWS_OF[title]} if title in VIEWS_OF else {}))
    (folder / "seeds.json").write_text(json.dumps(entries))


@pytest.fixture(params=["disk", "memory"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    def on_disk(shipped: Shipped, max_uploaded: int) -> SeedStore:
        ship(tmp_path / "shipped", shipped)
        return DirectorySeedStore(
            tmp_path / "shipped", tmp_path / "data", max_uploaded, decoder=PillowPictureDecoder(), clock=FakeClock()
        )

    def in_memory(shipped: Shipped, max_uploaded: int) -> SeedStore:
        files = [(data, facts_of(data), title) for title, data in shipped.items()]
        return FakeSeedStore(files, max_uploaded=max_uploaded, views_of=VIEWS_OF)

    return on_disk if request.param == "disk" else in_memory


def test_a_shipped_seed_may_name_the_world_that_it_shows(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 5)
    kept = store.add(upload(1), facts_of(upload(1)), "Harbour")
    assert [seed.view_of for seed in store.list()] == [None, "simulator", None]
    assert kept.view_of is None


def test_what_an_upload_shows_is_kept(make_store: MakeStore) -> None:
    store = make_store({}, 5)
    assert store.add(upload(1), facts_of(upload(1)), "My cup", view_of="close-up").view_of == "close-up"
    assert [seed.view_of for seed in store.list()] == ["close-up"]


def test_shipped_seeds_come_in_order(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 5)
    meadow, harbour = store.list()
    assert (meadow.title, harbour.title) == ("Meadow", "Harbour")
    assert (meadow.origin, meadow.width, meadow.height, meadow.media_type) == ("shipped", 40, 20, "image/png")
    assert (harbour.hash, harbour.size_bytes) == (sha256(SHIPPED["Harbour"]), len(SHIPPED["Harbour"]))
    assert store.read(harbour.hash) == SHIPPED["Harbour"]
    assert store.find(harbour.hash) == harbour


def test_uploads_follow_newest_first(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 5)
    first, second = (store.add(upload(number), facts_of(upload(number)), f"No. {number}") for number in (1, 2))
    assert store.list()[2:] == (second, first)
    assert (first.title, first.origin, first.width, first.hash) == ("No. 1", "uploaded", 11, sha256(upload(1)))
    assert store.read(first.hash) == upload(1)
    assert store.find(second.hash) == second


def test_the_same_bytes_are_one_seed(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 5)
    for number in (1, 2):
        store.add(upload(number), facts_of(upload(number)), f"No. {number}")
    again = store.add(upload(1), facts_of(upload(1)), "Another title")
    assert again.title == "No. 1"
    assert [seed.title for seed in store.list()[2:]] == ["No. 1", "No. 2"]
    shipped = store.add(SHIPPED["Meadow"], facts_of(SHIPPED["Meadow"]), "Mine")
    assert shipped == store.list()[0]
    assert len(store.list()) == 4


def test_the_oldest_uploads_give_way(make_store: MakeStore) -> None:
    store = make_store({}, 3)
    for number in range(5):
        store.add(upload(number), facts_of(upload(number)), str(number))
    assert [seed.title for seed in store.list()] == ["4", "3", "2"]
    assert store.read(sha256(upload(0))) is None


def test_only_uploads_are_removed(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 5)
    seed = store.add(upload(1), facts_of(upload(1)), "Mine")
    assert store.remove(seed.hash)
    assert not store.remove(seed.hash)
    assert store.read(seed.hash) is None
    assert not store.remove(sha256(SHIPPED["Meadow"]))
    assert len(store.list()) == 2


def test_a_thumbnail_is_kept_as_long_as_its_seed(make_store: MakeStore) -> None:
    store = make_store(SHIPPED, 2)
    meadow = sha256(SHIPPED["Meadow"])
    first, second = add(store, 1), add(store, 2)
    for seed_hash in (meadow, first, second):
        assert store.thumbnail(seed_hash) is None
        store.keep_thumbnail(seed_hash, JPEG)
        assert store.thumbnail(seed_hash) == JPEG
    store.keep_thumbnail("0" * 64, JPEG)
    store.keep_thumbnail("../escape", JPEG)
    assert store.thumbnail("0" * 64) is None
    assert store.remove(second)
    assert store.thumbnail(second) is None
    for number in (3, 4):
        add(store, number)
    assert store.thumbnail(first) is None, "it gave way with its seed"
    assert add(store, 1) == first
    assert store.thumbnail(first) is None
    assert store.thumbnail(meadow) == JPEG


@pytest.mark.parametrize("name", ["", "../secret", "0" * 63, "0" * 65, "A" * 64, "0" * 64, "0" * 64 + "\n", "é" * 64])
def test_a_malformed_hash_is_unknown(make_store: MakeStore, name: str) -> None:
    store = make_store(SHIPPED, 5)
    assert store.read(name) is None
    assert store.find(name) is None
    assert store.thumbnail(name) is None
    assert not store.remove(name)


def test_threads_add_and_remove_at_a_time(make_store: MakeStore) -> None:
    store = make_store({}, 100)
    store.list()

    def play(number: int) -> None:
        data = upload(number % 8)
        seed = store.add(data, facts_of(data), str(number))
        store.list()
        if number % 3 == 0:
            store.remove(seed.hash)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(play, range(64)))
    for seed in store.list():
        data = store.read(seed.hash)
        assert data is not None
        assert sha256(data) == seed.hash


def disk_store(tmp_path: Path, max_uploaded: int = 5) -> DirectorySeedStore:
    return DirectorySeedStore(
        tmp_path / "shipped", tmp_path / "data", max_uploaded, decoder=PillowPictureDecoder(), clock=FakeClock()
    )


def add(store: SeedStore, number: int) -> str:
    return store.add(upload(number), facts_of(upload(number)), f"No. {number}").hash


def test_missing_folders_give_no_seeds(tmp_path: Path) -> None:
    assert disk_store(tmp_path).list() == ()
    assert list(tmp_path.iterdir()) == []


def test_uploads_outlive_the_store(tmp_path: Path) -> None:
    store = disk_store(tmp_path)
    add(store, 1)
    add(store, 2)
    store.add(upload(1), facts_of(upload(1)), "A cup", view_of="close-up")
    again = disk_store(tmp_path)
    assert again.list() == store.list()
    assert [seed.view_of for seed in again.list()] == ["close-up", None]
    assert again.read(sha256(upload(1))) == upload(1)
    names = {path.name for path in (tmp_path / "data" / "seeds").iterdir()}
    assert names == {sha256(upload(number)) + suffix for number in (1, 2) for suffix in (".png", ".json")}


def thumbnails(tmp_path: Path) -> Path:
    return tmp_path / "data" / "seeds" / ".thumbnails"


def test_thumbnails_outlive_the_store_and_old_ones_do_not(tmp_path: Path) -> None:
    store = disk_store(tmp_path)
    kept, lost, damaged = (add(store, number) for number in (1, 2, 3))
    for seed_hash in (kept, lost, damaged):
        store.keep_thumbnail(seed_hash, JPEG)
    (kept_path,) = thumbnails(tmp_path).glob(f"{kept}*")
    (lost_path,) = thumbnails(tmp_path).glob(f"{lost}*")
    (damaged_path,) = thumbnails(tmp_path).glob(f"{damaged}*")
    lost_path.rename(lost_path.with_name(f"{lost}.0.jpg"))  # as an older server named them
    damaged_path.write_bytes(JPEG[:-1])
    for name in (f"{'0' * 64}.1.jpg", ".new-left-by-a-crash"):
        (thumbnails(tmp_path) / name).write_bytes(JPEG)
    again = disk_store(tmp_path)
    assert again.thumbnail(kept) == JPEG
    assert again.thumbnail(lost) is None
    assert again.thumbnail(damaged) is None
    assert {path.name for path in thumbnails(tmp_path).iterdir()} == {kept_path.name, damaged_path.name}


def test_a_thumbnail_that_cannot_be_kept_is_made_again_later(tmp_path: Path) -> None:
    store = disk_store(tmp_path)
    seed_hash = add(store, 1)
    thumbnails(tmp_path).write_text("a file in the way")
    store.keep_thumbnail(seed_hash, JPEG)
    assert store.thumbnail(seed_hash) is None
    assert store.read(seed_hash) == upload(1)


def test_damaged_uploads_are_left_out(tmp_path: Path) -> None:
    store = disk_store(tmp_path)
    hashes = [add(store, number) for number in range(5)]
    folder = tmp_path / "data" / "seeds"
    (folder / f"{hashes[0]}.json").write_text("{")
    (folder / f"{hashes[1]}.json").write_text('{"title": 5}')
    (folder / f"{hashes[2]}.png").write_bytes(b"short")
    (folder / f"{hashes[3]}.png").unlink()
    (folder / "notes.json").write_text("[]")
    (folder / ".new-left-by-a-crash").write_bytes(b"half")
    assert [seed.hash for seed in disk_store(tmp_path).list()] == [hashes[4]]
    assert not (folder / ".new-left-by-a-crash").exists()


def test_a_picture_that_was_changed_is_not_served(tmp_path: Path) -> None:
    store = disk_store(tmp_path)
    seed_hash = add(store, 1)
    picture = tmp_path / "data" / "seeds" / f"{seed_hash}.png"
    picture.write_bytes(picture.read_bytes()[:-1] + b"!")
    assert store.read(seed_hash) is None
    picture.unlink()
    assert store.read(seed_hash) is None
    assert add(store, 1) == seed_hash
    assert store.read(seed_hash) == upload(1)


@pytest.mark.parametrize("manifest", ["", "{}", '[{"file": 1}]', "[1]"])
def test_a_damaged_manifest_gives_no_seeds(tmp_path: Path, manifest: str) -> None:
    ship(tmp_path / "shipped", SHIPPED)
    (tmp_path / "shipped" / "seeds.json").write_text(manifest)
    assert disk_store(tmp_path).list() == ()


def test_a_damaged_shipped_picture_is_left_out(tmp_path: Path) -> None:
    ship(tmp_path / "shipped", SHIPPED)
    (tmp_path / "shipped" / "meadow.png").write_bytes(b"oops")
    assert [seed.title for seed in disk_store(tmp_path).list()] == ["Harbour"]


def test_a_manifest_names_files_beside_it_alone(tmp_path: Path) -> None:
    ship(tmp_path / "shipped", {})
    (tmp_path / "outside.png").write_bytes(upload(1))
    (tmp_path / "shipped" / "seeds.json").write_text('[{"file": "../outside.png", "title": "Out"}]')
    assert disk_store(tmp_path).list() == ()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(SeedStoreError) as caught:
        add(disk_store(tmp_path), 1)
    assert str(caught.value).endswith(".")
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_write_that_stops_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    import resource

    store = disk_store(tmp_path)
    kept = add(store, 1)
    large = save(Image.effect_noise((300, 300), 90).convert("RGB"), "BMP")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the system refuses to write on, as a full disk does
    try:
        with pytest.raises(SeedStoreError, match="nothing was changed"):
            store.add(large, facts_of(large), "Large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [seed.hash for seed in store.list()] == [kept]
    assert len(list((tmp_path / "data" / "seeds").iterdir())) == 2
    assert store.add(large, facts_of(large), "Large").title == "Large"


def test_uploads_of_another_server_are_seen_and_what_it_writes_is_left_alone(tmp_path: Path) -> None:
    def opened() -> DirectorySeedStore:
        decoder = PillowPictureDecoder()
        return DirectorySeedStore(tmp_path / "none", tmp_path, 10, decoder=decoder, clock=FakeClock(), is_shared=True)

    here = opened()
    assert here.list() == ()
    (tmp_path / "seeds").mkdir()
    half_written = tmp_path / "seeds" / ".new-half"
    half_written.write_bytes(b"half")
    there = opened()
    kept = [there.add(upload(number), facts_of(upload(number)), str(number)) for number in range(2)]
    assert {seed.hash for seed in here.list()} == {seed.hash for seed in kept}
    assert here.read(kept[0].hash) == upload(0)
    there.remove(kept[0].hash)
    assert here.find(kept[0].hash) is None
    assert half_written.exists()
