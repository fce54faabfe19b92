"""A program that breaks the stores at each of their changes to the disk: `python -m ... FOLDER`.

It prints what it has tried, and ends with status 0 if every pair of files was whole or gone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from replay.log_plan import plan_of_log
from services.input_log.columns import PassInput
from services.input_log.lines import ContinuedFrom, SessionEnd, SessionStart, frame_input
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.input_log.pictures import pixels_hash
from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.recording_store.recording_store import RecordingStoreError
from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
from services.video_writer._mp4_facts import read_facts
from services.world_engine.world_engine import ControlPayload
from services.world_files.directory_world_store import DirectoryWorldStore
from services.world_files.world_store import WorldStoreError
from tests.file_faults import Ending, each_change
from tests.services.recording_store.videos import make_video, notes
from tests.services.world_files.samples import noise, sample_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.file_faults import Fault


def main() -> None:
    root = Path(sys.argv[1])
    for name, scene in (
        ("a world is added", world_added),
        ("a world is removed", world_removed),
        ("a world is renamed", world_renamed),
        ("a recording is removed", recording_removed),
        ("a recording is renamed", recording_renamed),
        ("inputs are logged", inputs_logged),
        ("a damaged cache is replaced", cache_replaced),
    ):
        for fault in ("full", "denied", "kill"):
            endings = scene(root / "folder", fault)
            sys.stdout.write(f"{name}, {fault}: {[ending.how for ending in endings]}\n")
            assert endings, name


def check_worlds(folder: Path, ending: Ending) -> DirectoryWorldStore:
    """As the next start finds it: each world whole, nothing beside."""
    store = DirectoryWorldStore(folder, 100)
    worlds = store.list()
    for world in worlds:
        assert store.read(world.id) is not None, ending
        assert store.thumbnail(world.id) is not None, ending
    expected = {f"{world.id}.{suffix}" for world in worlds for suffix in ("json", "world", "jpg")}
    assert {path.name for path in folder.iterdir()} == expected, ending
    return store


def world_added(folder: Path, fault: Fault) -> list[Ending]:
    def prepare() -> None:
        DirectoryWorldStore(folder, 100).add(sample_world(), "saved")

    def work() -> None:
        DirectoryWorldStore(folder, 100).add(sample_world(), "saved")

    def check(ending: Ending) -> None:
        if ending.how == "refused":
            assert len(list(folder.iterdir())) == 3, "what was refused takes up no room, also before the next start"
        assert len(check_worlds(folder, ending).list()) in (1, 2)

    return _each(folder, prepare, work, fault, WorldStoreError, check)


def world_removed(folder: Path, fault: Fault) -> list[Ending]:
    def prepare() -> None:
        DirectoryWorldStore(folder, 100).add(sample_world(), "saved")

    def work() -> None:
        store = DirectoryWorldStore(folder, 100)
        store.remove(store.list()[0].id)

    def check(ending: Ending) -> None:
        before = len(DirectoryWorldStore(folder, 100).list())
        assert ending.how == "killed" or before == (ending.how == "refused"), "an answer is true"
        check_worlds(folder, ending)

    return _each(folder, prepare, work, fault, WorldStoreError, check)


def world_renamed(folder: Path, fault: Fault) -> list[Ending]:
    def prepare() -> None:
        DirectoryWorldStore(folder, 100).add(sample_world(), "saved")

    def work() -> None:
        store = DirectoryWorldStore(folder, 100)
        store.rename(store.list()[0].id, "Other")

    def check(ending: Ending) -> None:
        (world,) = check_worlds(folder, ending).list()
        assert world.title in ("Sample", "Other")

    return _each(folder, prepare, work, fault, WorldStoreError, check)


def recordings(folder: Path) -> DirectoryRecordingStore:
    return DirectoryRecordingStore(folder, read_facts)


def film_with_thumbnail(folder: Path) -> None:
    make_video(folder / "film.mp4", comment=notes(started_at=1.0))
    store = recordings(folder)
    store.keep_thumbnail(store.list()[0], b"jpeg")


def check_recordings(folder: Path, ending: Ending) -> None:
    listed = recordings(folder).list()
    thumbnails = [path for path in (folder / ".thumbnails").iterdir() if path.name != ".new-"]
    shown = [recordings(folder).thumbnail(recording) for recording in listed]
    assert len(thumbnails) == sum(thumbnail is not None for thumbnail in shown), ending


def recording_removed(folder: Path, fault: Fault) -> list[Ending]:
    def check(ending: Ending) -> None:
        is_there = (folder / "film.mp4").exists()
        assert ending.how == "killed" or is_there == (ending.how == "refused")
        check_recordings(folder, ending)

    return _each(
        folder,
        lambda: film_with_thumbnail(folder),
        lambda: recordings(folder).remove("film"),
        fault,
        RecordingStoreError,
        check,
    )


def recording_renamed(folder: Path, fault: Fault) -> list[Ending]:
    def work() -> None:
        recordings(folder).rename("film", "walk")

    def check(ending: Ending) -> None:
        (recording,) = recordings(folder).list()
        assert recording.name in ("film", "walk")
        check_recordings(folder, ending)

    return _each(folder, lambda: film_with_thumbnail(folder), work, fault, RecordingStoreError, check)


def inputs_logged(folder: Path, fault: Fault) -> list[Ending]:
    seed, scene = noise(1), noise(2)
    height, width, _ = seed.shape

    def work() -> None:
        logs = NdjsonInputLogs(folder, 10**9)
        log = logs.start(
            SessionStart(
                ts=1e9,
                frame_id=0,
                model="m",
                seed=None,
                n_frames=1,
                seed_target_size=(height, width),
                picture=pixels_hash(seed),
            )
        )
        log.keep_picture(seed)
        given = PassInput(ControlPayload(frozenset(), 0.0, 0.0), 1e9, 0.0)
        log.write(frame_input(1, given))
        log.keep_picture(scene)
        log.write(ContinuedFrom(ts=1e9, frame_id=1, picture=pixels_hash(scene)))
        log.write(SessionEnd(ts=1e9, frame_id=1))
        log.end()
        logs.close(60.0)

    def check(ending: Ending) -> None:
        for log in folder.glob("*.ndjson"):
            if log.stat().st_size:  # nothing was written yet
                plan = plan_of_log(log)  # whatever a log names is there
                assert np.array_equal(plan.pictures[plan.seed], seed), ending

    return _each(folder, lambda: None, work, fault, OSError, check)


def cache_replaced(folder: Path, fault: Fault) -> list[Ending]:
    path = folder / "verdicts.sqlite"

    def prepare() -> None:
        path.write_bytes(b"no database" * 1000)
        (folder / "verdicts.sqlite-wal").write_bytes(b"nor its log")

    def work() -> None:
        SqliteVerdictCache(path).keep("a", "1", is_safe=True)

    def check(ending: Ending) -> None:
        cache = SqliteVerdictCache(path)
        cache.keep("b", "1", is_safe=False)
        assert cache.find("b", "1") is False, ending
        cache.close()

    return _each(folder, prepare, work, fault, OSError, check)


def _each(
    folder: Path,
    prepare: Callable[[], None],
    work: Callable[[], None],
    fault: Fault,
    expected: type[Exception],
    check: Callable[[Ending], None],
) -> list[Ending]:
    endings: list[Ending] = []
    for ending in each_change(folder, prepare, work, fault, expected):
        check(ending)
        endings.append(ending)
    return endings


if __name__ == "__main__":
    main()
