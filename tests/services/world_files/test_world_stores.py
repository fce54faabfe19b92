"""What every store of worlds does, in memory and on disk."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from services.world_files.archive import read_world
from services.world_files.directory_world_store import DirectoryWorldStore
from services.world_files.world_file import WorldFileError
from services.world_files.world_store import WorldStore, WorldStoreError
from tests.fakes.fake_world_store import FakeWorldStore
from tests.services.world_files.samples import sample_world

if TYPE_CHECKING:
    from pathlib import Path

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
