"""The store of films on real files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.film_store.directory_film_store import DirectoryFilmStore
from services.film_store.film_record import FilmNotes, read_notes, write_notes
from services.film_store.film_store import FilmFacts

if TYPE_CHECKING:
    from pathlib import Path

ID = "01M8FBGN19804X54NVYFRFMYJQ"
OTHER = "01M8FBGN19804X54NVYFRFMYJR"


def facts(**changes: object) -> FilmFacts:
    return FilmFacts.model_validate(
        {
            "way": "words",
            "request": {"prompt": "a lake"},
            "seed": 7,
            "model": "m/x",
            "revision": None,
            "width": 64,
            "height": 32,
            "frames": 9,
            "fps": 24.0,
            "seconds": 0.375,
            "has_sound": True,
            "created_at": 100.0,
            "timings_s": {"denoising": 1.5},
            **changes,
        }
    )


def test_films_are_kept_with_how_long_they_took_behind_what_the_model_made(tmp_path: Path) -> None:
    made, store = tmp_path / "made.mp4", DirectoryFilmStore(tmp_path / "films")
    made.write_bytes(b"a film")
    kept = store.add(ID, made, facts())
    assert store.add(OTHER, made, facts(created_at=200.0, timings_s={})).digest == kept.digest
    path = store.path(ID)
    assert path is not None
    assert path.read_bytes().startswith(b"a film")
    assert b'"denoising": 1.5' in path.read_bytes()
    assert kept.size_bytes == path.stat().st_size
    assert [film_id for film_id, _ in store.list()] == [OTHER, ID]


def test_a_film_is_kept_once(tmp_path: Path) -> None:
    made, store = tmp_path / "made.mp4", DirectoryFilmStore(tmp_path / "films")
    made.write_bytes(b"one")
    first = store.add(ID, made, facts())
    made.write_bytes(b"another")
    assert store.add(ID, made, facts(seed=8)) == first


def test_pictures_go_with_their_film(tmp_path: Path) -> None:
    made, store = tmp_path / "made.mp4", DirectoryFilmStore(tmp_path / "films")
    made.write_bytes(b"one")
    store.keep_picture(ID, "thumbnail", b"of no film")
    store.add(ID, made, facts())
    assert store.picture(ID, "thumbnail") is None
    store.keep_picture(ID, "thumbnail", b"jpeg")
    assert store.picture(ID, "thumbnail") == b"jpeg"
    assert (store.remove(ID), store.remove(ID)) == (True, False)
    assert list((tmp_path / "films").iterdir()) == []


@pytest.mark.parametrize("film_id", ["", "../../etc/passwd", "x" * 26, ID.lower()])
def test_a_malformed_id_is_an_unknown_one(tmp_path: Path, film_id: str) -> None:
    store = DirectoryFilmStore(tmp_path / "films")
    assert (store.find(film_id), store.path(film_id), store.picture(film_id, "thumbnail")) == (None, None, None)
    assert store.remove(film_id) is False


def test_what_a_crash_has_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in (f"{ID}.mp4", f"{ID}.thumbnail.jpg", ".new-left"):
        (folder / name).write_bytes(b"left")
    (folder / "notes.txt").write_bytes(b"a person's own")
    assert DirectoryFilmStore(folder).list() == ()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_notes_are_read_back_and_those_of_others_are_none() -> None:
    notes = FilmNotes(request={"prompt": "a lake"}, model="m/x", revision="abc")
    assert read_notes(write_notes(notes)) == notes
    for comment in ("", "a comment", '{"terrarium_film": 2}', "{" * 1000, '{"terrarium_film":1,"request":[]}'):
        assert read_notes(comment) is None
