"""A program whose disk becomes read-only while it works: `python -m ... <folder, a small disk of its own>`.

It ends with status 0 if everything that is refused is refused in a sentence, and everything that is there can be read.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from replay.plan import plan_of_world
from services.input_log.columns import PassInput
from services.input_log.lines import SessionStart, frame_input
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.recording_store.directory_recording_store import DirectoryRecordingStore
from services.recording_store.recording_store import RecordingStoreError
from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
from services.video_writer._mp4_facts import read_facts
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Failed, RecordingFault
from services.world_engine.world_engine import ControlPayload
from services.world_files.directory_world_store import DirectoryWorldStore
from services.world_files.world_store import WorldStoreError
from tests.services.recording_store.videos import make_video, notes
from tests.services.video_writer.videos import Ends, plan, play
from tests.services.world_files.samples import sample_world

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal_of(work: Callable[[], object], error: type[Exception]) -> str:
    try:
        work()
    except error as refused:
        return str(refused)
    raise AssertionError("It was not refused.")


def main() -> None:
    folder = Path(sys.argv[1])
    worlds = DirectoryWorldStore(folder / "worlds", 9)
    saved = worlds.add(sample_world(), "saved")
    (folder / "recordings").mkdir()
    make_video(folder / "recordings" / "film.mp4", comment=notes(started_at=1.0))
    recordings = DirectoryRecordingStore(folder / "recordings", read_facts)
    cache = SqliteVerdictCache(folder / "verdicts.sqlite")
    cache.keep("a", "1", is_safe=True)
    cache.close()

    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)

    for change in (
        lambda: worlds.add(sample_world(), "saved"),
        lambda: worlds.rename(saved.id, "Other"),
        lambda: worlds.remove(saved.id),
    ):
        assert refusal_of(change, WorldStoreError).startswith("The disk of the folder of worlds is read-only")
    assert worlds.list() == DirectoryWorldStore(folder / "worlds", 9).list() == (saved,)
    path = worlds.path(saved.id)
    assert path is not None
    assert len(plan_of_world(path).inputs) == saved.passes

    assert refusal_of(lambda: recordings.rename("film", "walk"), RecordingStoreError).endswith(".")
    assert refusal_of(lambda: recordings.remove("film"), RecordingStoreError).endswith(".")
    (film,) = recordings.list()
    recordings.keep_thumbnail(film, b"jpeg")
    assert recordings.thumbnail(film) is None

    ends, writer = Ends(), FfmpegVideoWriter(hardware=())
    recording = writer.start(folder / "recordings" / "new.mp4", plan(), ends.on_end, ends.on_fault)
    play(recording, 10)
    outcome = ends.wait()
    assert isinstance(outcome, Failed)
    assert outcome.fault is RecordingFault.NOT_WRITABLE
    writer.close(1.0)

    logs = NdjsonInputLogs(folder / "input_logs", 10**9)
    log = logs.start(SessionStart(ts=1e9, frame_id=0, model="m", seed=None, n_frames=1, seed_target_size=(16, 24)))
    log.write(frame_input(1, PassInput(ControlPayload(frozenset(), 0.0, 0.0), 1e9, 0.0)))
    log.end()
    logs.close(10.0)

    again = SqliteVerdictCache(folder / "verdicts.sqlite")
    again.keep("b", "1", is_safe=True)
    assert again.find("b", "1") is None
    again.close()
    sys.stdout.write("everything was said\n")


if __name__ == "__main__":
    main()
