"""Copies of worlds: what a second server reads of what the first one wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_copies.directory_world_copies import DirectoryWorldCopies
from services.world_copies.world_copies import WorldCopiesError, WorldCopy
from services.world_engine.world_engine import WorldSnapshot
from services.world_files.world_file import ModelFacts
from tests.fakes.fake_world_copies import FakeWorldCopies

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_copies.world_copies import WorldCopies
    from services.world_engine.world_engine import Picture

NAME, OTHER = "0f" * 32, "1e" * 32
MODEL = ModelFacts(id="a/b", quant="none", weights_hash="w", frames_per_pass=1, fps=60, width=8, height=4)


def pixels(value: int) -> Picture:
    return np.full((4, 8, 3), value, np.uint8)


def copy(value: int = 1, *, passes: int = 7) -> WorldCopy:
    picture = pixels(value)
    return WorldCopy(
        model=MODEL,
        rng_seed=5,
        seed=b"file",
        seed_hash="2d" * 32,
        seed_name="A wood",
        picture=picture,
        scene=picture,
        words="rain",
        snapshot=WorldSnapshot("a/b", "w", bytes([value, passes])),
        passes=passes,
        passes_made=passes + 2,
        every_s=3.0,
    )


@pytest.fixture(params=["folder", "fake"])
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> WorldCopies:
    return DirectoryWorldCopies(tmp_path / "copies") if request.param == "folder" else FakeWorldCopies()


def same(found: WorldCopy | None, wanted: WorldCopy) -> bool:
    assert found is not None
    plain = {"picture": wanted.picture, "scene": wanted.scene}
    return (
        replace(found, **plain) == wanted
        and np.array_equal(found.picture, wanted.picture)
        and np.array_equal(found.scene, wanted.scene)
    )


def test_the_newest_copy_is_read_as_it_was_kept(copies: WorldCopies) -> None:
    copies.keep(NAME, copy())
    copies.keep(OTHER, copy(9))
    later = replace(copy(passes=8), scene=pixels(200))
    copies.keep(NAME, later)
    found = copies.read(NAME)
    assert same(found, later)
    copies.keep(NAME, copy(passes=9))
    again = copies.read(NAME)
    assert same(again, copy(passes=9))
    assert again is not None
    assert again.scene is again.picture
    assert same(copies.read(OTHER), copy(9))


def test_what_was_removed_or_never_kept_is_not_there(copies: WorldCopies) -> None:
    copies.keep(NAME, copy())
    copies.remove(NAME)
    copies.remove(NAME)
    for name in (NAME, OTHER, "..", "", "../copies"):
        assert copies.read(name) is None


def test_old_copies_are_swept(copies: WorldCopies) -> None:
    copies.sweep(0.0)
    copies.keep(NAME, copy())
    copies.sweep(3600.0)
    assert copies.read(NAME) is not None
    copies.touch(NAME)
    copies.sweep(-1.0)
    assert copies.read(NAME) is None


def test_a_folder_holds_one_copy_of_each_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    copies = DirectoryWorldCopies(tmp_path)
    for passes in range(5):
        copies.keep(NAME, replace(copy(passes=passes), scene=pixels(100 + passes)))
    assert len(list((tmp_path / NAME).iterdir())) == 5  # facts, seed, its picture, the scene, the state
    facts = tmp_path / NAME / "facts.json"
    facts.write_bytes(facts.read_bytes()[:-9])
    assert copies.read(NAME) is None


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "copies").write_bytes(b"a file")
    with pytest.raises(WorldCopiesError, match="so nothing was changed"):
        DirectoryWorldCopies(tmp_path / "copies").keep(NAME, copy())
