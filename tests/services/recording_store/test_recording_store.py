"""The store of recordings on real files."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.recording_store.recording_store import RecordingStoreError, StoreFault
from services.video_writer._mp4_facts import read_facts
from tests.services.recording_store.videos import make_video, notes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


def fault_of(refused: pytest.ExceptionInfo[RecordingStoreError], folder: Path) -> StoreFault:
    assert str(folder) not in str(refused.value)
    return refused.value.fault


def test_a_missing_folder_holds_nothing_and_is_not_made(folder: Path) -> None:
    store = DirectoryRecordingStore(folder, read_facts)
    assert store.list() == ()
    assert store.find("anything") is None
    assert store.usage().used_bytes == 0
    assert store.usage().free_bytes > 0
    assert not folder.exists()


def test_details_are_read_from_the_file(folder: Path) -> None:
    made = make_video(folder / "one.mp4", duration_s=1.5, comment=notes(model="m/x", seed="hill.jpg", rng_seed=7))
    (recording,) = DirectoryRecordingStore(folder, read_facts).list()
    assert (recording.name, recording.path) == ("one", made)
    assert recording.duration_s == pytest.approx(1.5, abs=0.01)
    assert (recording.width, recording.height) == (64, 48)
    assert recording.size_bytes == made.stat().st_size
    assert (recording.title, recording.artist) == ("A title", "Somebody")
    assert recording.notes is not None
    assert (recording.notes.model, recording.notes.seed, recording.notes.rng_seed) == ("m/x", "hill.jpg", 7)


def test_newest_come_first_by_when_they_were_made_and_not_by_when_they_were_copied(folder: Path) -> None:
    for name, started_at in (("a", 200.0), ("b", 300.0), ("c", 100.0)):
        make_video(folder / f"{name}.mp4", comment=notes(started_at=started_at))
    stranger = make_video(folder / "d.mp4", comment="no notes of ours")
    os.utime(stranger, (250, 250))
    assert [recording.name for recording in DirectoryRecordingStore(folder, read_facts).list()] == ["b", "d", "a", "c"]


def test_files_that_are_not_finished_videos_are_left_out(folder: Path, tmp_path: Path) -> None:
    good = make_video(folder / "good.mp4")
    data = good.read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is no video.")
    (folder / "huge.mp4").write_bytes(b"\x7f\xff\xff\xffmoov" + b"x" * 50)
    (folder / "zero.mp4").write_bytes(b"\0\0\0\x01moov" + bytes(8))
    (folder / "short.mp4").write_bytes(data[:40])
    (folder / "running.mp4.part").write_bytes(data)
    (folder / ".hidden.mp4").write_bytes(data)
    (folder / "folder.mp4").mkdir()
    outside = make_video(tmp_path / "outside.mp4")
    if sys.platform != "win32":
        (folder / "link.mp4").symlink_to(outside)
    store = DirectoryRecordingStore(folder, read_facts)
    assert [recording.name for recording in store.list()] == ["good"]
    assert store.find("link") is None


def test_damaged_headers_never_do_more_than_be_left_out(folder: Path) -> None:
    data = bytearray(make_video(folder / "good.mp4", comment=notes()).read_bytes())
    start = data.index(b"moov")
    store = DirectoryRecordingStore(folder, read_facts)
    for at in range(start, start + 900, 3):
        damaged = data.copy()
        damaged[at] ^= 0xFF
        (folder / "damaged.mp4").write_bytes(damaged)
        os.utime(folder / "damaged.mp4", ns=(at, at))
        assert "good" in {recording.name for recording in store.list()}


@pytest.mark.parametrize("name", ["../outside", "..", "", ".", "a/b", "\0", "good\0", "GOOD.mp4", "x" * 5000, "/etc/x"])
def test_a_name_never_becomes_a_path(folder: Path, tmp_path: Path, name: str) -> None:
    make_video(folder / "good.mp4")
    outside = shutil.copy(folder / "good.mp4", tmp_path / "outside.mp4")
    store = DirectoryRecordingStore(folder, read_facts)
    assert store.find(name) is None
    for change in (lambda: store.remove(name), lambda: store.rename(name, "new")):
        with pytest.raises(RecordingStoreError) as refused:
            change()
        assert fault_of(refused, folder) is StoreFault.UNKNOWN
    assert os.path.exists(outside)


@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        ("My walk", "My walk"),
        ("  Two   spaces\n", "Two spaces"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("a\\b:c*d?", "a-b-c-d-"),
        ("film.mp4", "film"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("日本の丘", "日本の丘"),
        ("e\u0301", "é"),
        ("\u202eevil", "evil"),
        (".hidden", "hidden"),
        ("x" * 300, "x" * 80),
        ("丘" * 300, "丘" * 66),
    ],
)
def test_a_new_name_is_one_that_every_file_system_takes(folder: Path, asked: str, becomes: str) -> None:
    make_video(folder / "one.mp4")
    store = DirectoryRecordingStore(folder, read_facts)
    assert store.rename("one", asked).name == becomes
    assert [path.name for path in folder.glob("*.mp4")] == [f"{becomes}.mp4"]
    found = store.find(becomes)
    assert found is not None
    assert found.title == "A title"


def test_invalid_and_taken_names_are_refused(folder: Path) -> None:
    make_video(folder / "one.mp4")
    make_video(folder / "Two.mp4")
    store = DirectoryRecordingStore(folder, read_facts)
    for asked, fault in [
        ("", "name_invalid"),
        ("two", "name_taken"),
    ]:
        with pytest.raises(RecordingStoreError) as refused:
            store.rename("one", asked)
        assert fault_of(refused, folder) == fault
    assert store.rename("one", "one").name == "one"
    assert store.rename("one", "ONE").name == "ONE"
    assert store.rename("ONE", " .. ").name == "Recording"
    assert store.rename("Recording", "///").name == "Recording"


def test_a_removed_file_is_gone_with_its_thumbnail(folder: Path) -> None:
    make_video(folder / "one.mp4")
    store = DirectoryRecordingStore(folder, read_facts)
    (recording,) = store.list()
    store.keep_thumbnail(recording, b"jpeg")
    assert store.thumbnail(recording) == b"jpeg"
    store.remove("one")
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    with pytest.raises(RecordingStoreError):
        store.remove("one")


def test_a_thumbnail_goes_along_with_a_new_name_but_not_with_another_file(folder: Path) -> None:
    make_video(folder / "one.mp4", comment=notes(started_at=1.0))
    store = DirectoryRecordingStore(folder, read_facts)
    (recording,) = store.list()
    store.keep_thumbnail(recording, b"jpeg")
    assert store.thumbnail(store.rename("one", "two")) == b"jpeg"
    make_video(folder / "two.mp4", duration_s=2, comment=notes(started_at=2.0))
    changed = store.find("two")
    assert changed is not None
    assert store.thumbnail(changed) is None


def test_usage_counts_everything_in_the_folder(folder: Path) -> None:
    size = make_video(folder / "one.mp4").stat().st_size
    (folder / "two.mp4.part").write_bytes(bytes(1000))
    usage = DirectoryRecordingStore(folder, read_facts).usage()
    assert (usage.used_bytes, usage.finished_bytes, usage.finished_files) == (size + 1000, size, 1)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_that_cannot_be_changed_is_a_typed_error(folder: Path) -> None:
    make_video(folder / "one.mp4")
    folder.chmod(0o500)
    try:
        with pytest.raises(RecordingStoreError) as refused:
            DirectoryRecordingStore(folder, read_facts).remove("one")
        assert fault_of(refused, folder) is StoreFault.BUSY
    finally:
        folder.chmod(0o700)
