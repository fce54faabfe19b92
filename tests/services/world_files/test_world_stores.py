"""What every store of worlds does, in memory and on disk."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from services.world_files.archive import read_world
from services.world_files.directory_world_store import DirectoryWorldStore
from services.world_files.world_file import WorldFileError
from services.world_files.world_store import WorldStore, WorldStoreError
from tests.fakes.fake_world_store import FakeWorldStore
from tests.full_disk import files_of_at_most, needs_file_limits
from tests.services.world_files.samples import sample_world
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.world_engine.world_engine import Picture

MakeStore = Callable[[], WorldStore]


@pytest.fixture(params=["disk", "memory"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    return lambda: DirectoryWorldStore(tmp_path / "worlds", 3) if request.param == "disk" else FakeWorldStore(tmp_path)


def test_a_world_is_kept_and_read_again(make_store: MakeStore) -> None:
    store = make_store()
    assert store.list() == ()
    saved = store.add(sample_world(), "saved")
    assert (saved.title, saved.model_id, saved.passes, saved.origin) == ("Sample", "fake/world", 5, "saved")
    assert saved.seconds == pytest.approx(5 * 2 / 60)
    assert store.list() == (saved,)
    assert store.find(saved.id) == saved
    world = store.read(saved.id)
    assert world is not None
    assert list(world.inputs) == list(sample_world().inputs)
    path = store.path(saved.id)
    assert path is not None
    assert saved.size_bytes == path.stat().st_size
    assert store.thumbnail(saved.id)


def test_worlds_come_newest_first(make_store: MakeStore) -> None:
    store = make_store()
    old, new = (store.add(replace(sample_world(), created_at=float(at)), "saved") for at in (1, 2))
    assert store.list() == (new, old)


def test_renaming_and_removing(make_store: MakeStore) -> None:
    store = make_store()
    saved = store.add(sample_world(), "uploaded")
    renamed = store.rename(saved.id, "Other")
    assert renamed == replace(saved, title="Other")
    world = store.read(saved.id)
    assert world is not None
    assert world.title == "Other"
    assert store.remove(saved.id)
    assert not store.remove(saved.id)
    assert store.list() == ()
    assert store.rename(saved.id, "Other") is None


@pytest.mark.parametrize("world_id", ["", "0" * 16, "../../etc/passwd", "0" * 15 + "/", "*"])
def test_a_malformed_id_is_unknown(make_store: MakeStore, world_id: str) -> None:
    store = make_store()
    store.add(sample_world(), "saved")
    if world_id == "0" * 16:
        assert store.find(world_id) is None
    assert store.read(world_id) is None
    assert store.path(world_id) is None
    assert store.thumbnail(world_id) is None
    assert not store.remove(world_id)
    assert len(store.list()) == 1


# --------------------------------------------------------------------------------------------------- on disk


def test_worlds_outlive_the_store(tmp_path: Path) -> None:
    saved = DirectoryWorldStore(tmp_path, 3).add(sample_world(), "saved")
    again = DirectoryWorldStore(tmp_path, 3)
    assert again.list() == (saved,)
    with Image.open(io.BytesIO(again.thumbnail(saved.id) or b"")) as image:
        assert image.format == "JPEG"


def test_too_many_worlds_are_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path, 2)
    kept = [store.add(sample_world(), "saved") for _ in range(2)]
    with pytest.raises(WorldStoreError, match="2 worlds"):
        store.add(sample_world(), "saved")
    assert {world.id for world in store.list()} == {world.id for world in kept}
    assert len(list(tmp_path.iterdir())) == 6


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "worlds").write_text("a file stands here")
    with pytest.raises(WorldStoreError, match="nothing was changed"):
        DirectoryWorldStore(tmp_path / "worlds", 2).add(sample_world(), "saved")


def test_a_world_that_was_changed_on_disk_is_refused(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path, 2)
    saved = store.add(sample_world(), "saved")
    path = store.path(saved.id)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WorldFileError):
        store.read(saved.id)


def test_damaged_facts_are_left_out(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path, 3)
    saved = store.add(sample_world(), "saved")
    (tmp_path / ("0" * 16 + ".json")).write_text("{")
    assert store.list() == (saved,)


def test_the_file_in_the_folder_is_the_world_file(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path, 3)
    path = store.path(store.add(sample_world(), "saved").id)
    assert path is not None
    with path.open("rb") as file:
        assert read_world(file).title == "Sample"


class Slow(Mapping[str, "Picture"]):
    """The pictures of a world that is being written for as long as a test likes."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        self._pictures = pictures
        self.is_being_written = threading.Event()
        self.may_go_on = threading.Event()

    def __getitem__(self, name: str) -> Picture:
        self.is_being_written.set()
        assert self.may_go_on.wait(deadline_s())
        return self._pictures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)


def test_a_save_whose_clock_jumps_is_not_refused_for_the_next_one(tmp_path: Path) -> None:
    """The next one used to sweep away, as left by a crash, what was an hour old by the clock."""
    store, slow = DirectoryWorldStore(tmp_path, 9), Slow(sample_world().pictures)
    saved: list[str] = []
    saving = threading.Thread(
        target=lambda: saved.append(store.add(replace(sample_world(), pictures=slow), "saved").id)
    )
    saving.start()
    assert slow.is_being_written.wait(deadline_s())
    for path in tmp_path.glob(".new-*"):
        os.utime(path, (1.0, 1.0))
    other = store.add(sample_world(), "saved")
    slow.may_go_on.set()
    saving.join(deadline_s())
    assert {world.id for world in store.list()} == {*saved, other.id}
    assert len(saved) == 1


def test_eight_who_save_twenty_five_times_at_once_are_all_served(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path / "worlds", 1000)

    def save(number: int) -> str:
        return store.add(sample_world(number % 7 + 3), "saved").id

    with ThreadPoolExecutor(8) as threads:
        saved = list(threads.map(save, range(200)))
    assert len(set(saved)) == 200
    assert {world.id for world in store.list()} == set(saved)
    assert len(list((tmp_path / "worlds").iterdir())) == 600


@needs_file_limits
@pytest.mark.parametrize("size_bytes", [0, 100, 1500])
def test_a_disk_that_takes_no_more_is_told_and_nothing_stays_of_the_world(tmp_path: Path, size_bytes: int) -> None:
    store = DirectoryWorldStore(tmp_path, 9)
    kept = store.add(sample_world(), "saved")
    with files_of_at_most(size_bytes), pytest.raises(WorldStoreError, match="nothing was changed"):
        store.add(sample_world(), "saved")
    assert store.list() == (kept,)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("suffix", ["json", "world", "jpg"])
def test_a_folder_in_the_place_of_a_file_harms_no_other_world(tmp_path: Path, suffix: str) -> None:
    store = DirectoryWorldStore(tmp_path, 9)
    spoiled, sound = store.add(sample_world(), "saved"), store.add(sample_world(), "saved")
    (tmp_path / f"{spoiled.id}.{suffix}").unlink()
    (tmp_path / f"{spoiled.id}.{suffix}").mkdir()
    for found in (store, DirectoryWorldStore(tmp_path, 9)):
        worlds = {world.id for world in found.list()}
        assert worlds == ({sound.id} if suffix != "jpg" else {sound.id, spoiled.id})
        assert found.thumbnail(spoiled.id) is None
        assert found.read(sound.id) is not None
    assert store.add(sample_world(), "saved") in store.list()


def test_a_folder_that_is_removed_in_play_is_made_again(tmp_path: Path) -> None:
    store = DirectoryWorldStore(tmp_path / "worlds", 9)
    gone = store.add(sample_world(), "saved")
    shutil.rmtree(tmp_path / "worlds")
    assert store.list() == ()
    assert (store.read(gone.id), store.remove(gone.id)) == (None, False)
    again = store.add(sample_world(), "saved")
    assert store.list() == (again,)


def test_what_a_crash_left_is_gone_at_the_next_start_and_strangers_stay(tmp_path: Path) -> None:
    saved = DirectoryWorldStore(tmp_path, 9).add(sample_world(), "saved")
    for name in (".new-left", f"{'ab' * 8}.world", f"{'cd' * 8}.jpg", "notes.txt", "\udcff.world"):
        (tmp_path / name).write_bytes(b"x")
    assert DirectoryWorldStore(tmp_path, 9).list() == (saved,)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"notes.txt", "\udcff.world", *(f"{saved.id}.{suffix}" for suffix in ("json", "world", "jpg"))}
