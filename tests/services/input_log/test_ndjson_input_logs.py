"""Input logs on disk: what they hold, what a crash leaves of them, and how they give way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from services.input_log.columns import PassInput
from services.input_log.lines import SessionEnd, SessionStart, frame_input
from services.input_log.log_folder import keep_side_file, remove_surplus
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.input_log.pictures import pixels_hash
from services.picture_decoder.png_pixels import decode_pixels, encode_pixels
from services.world_engine.world_engine import ControlPayload, WorldSnapshot
from tests.full_disk import files_of_at_most, needs_file_limits
from tests.waiting import deadline_s

PROJECT = Path(__file__).resolve().parents[3]
GIVEN = PassInput(ControlPayload(frozenset({9, 3}), 0.1, -1 / 3), 12.5, 0.0)


def start(ts: float = 1_700_000_000.0) -> SessionStart:
    return SessionStart(ts=ts, frame_id=0, model="fake/world", seed=None, n_frames=2, seed_target_size=(32, 48))


def logs_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ndjson"))


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_log_has_its_lines_in_order_nulls_kept(tmp_path: Path) -> None:
    logs = NdjsonInputLogs(tmp_path, 10**9)
    log = logs.start(start())
    for number in range(1, 200):
        log.write(frame_input(number, GIVEN))
    log.write(SessionEnd(ts=20.0, frame_id=199))
    log.end()
    log.write(frame_input(200, GIVEN))  # too late
    logs.close(10.0)
    (path,) = logs_in(tmp_path)
    assert path.name.startswith("action_stream_20231114_221320_")
    lines = lines_of(path)
    assert [line["type"] for line in lines] == ["session_start", *["frame_input"] * 199, "session_end"]
    assert lines[0]["seed"] is None
    assert lines[1] == {
        "type": "frame_input",
        "ts": 12.5,
        "frame_id": 1,
        "buttons": [3, 9],
        "mouse_dx": 0.1,
        "mouse_dy": -1 / 3,
        "client_ts": 0.0,
    }


def test_logs_of_one_second_do_not_collide_and_empty_ones_go(tmp_path: Path) -> None:
    logs = NdjsonInputLogs(tmp_path, 10**9)
    for number in range(20):
        log = logs.start(start())
        if number % 2:
            log.write(frame_input(1, GIVEN))
        log.end()
    logs.close(10.0)
    assert len(logs_in(tmp_path)) == 10


def test_pictures_and_snapshots_lie_beside_the_log_without_loss(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    logs = NdjsonInputLogs(tmp_path, 10**9)
    log = logs.start(start())
    log.keep_picture(picture)
    log.keep_snapshot(WorldSnapshot("fake/world", "f00d", b"state"))
    log.write(frame_input(1, GIVEN))
    logs.close(10.0)
    data = (tmp_path / "pictures" / f"{pixels_hash(picture)}.png").read_bytes()
    assert np.array_equal(decode_pixels(data, width=48, height=32), picture)
    assert [path.read_bytes() for path in (tmp_path / "snapshots").iterdir()] == [b"state"]


def test_a_log_that_cannot_keep_up_ends_without_a_gap(tmp_path: Path) -> None:
    """The queue is full while the thread still packs a large picture: the caller goes on, the log ends there."""
    logs = NdjsonInputLogs(tmp_path, 10**9, max_waiting=50)
    log = logs.start(start())
    log.keep_picture(np.random.default_rng(1).integers(0, 256, (4000, 4000, 3), dtype=np.uint8))
    for number in range(1, 5000):
        log.write(frame_input(number, GIVEN))
    log.end()
    logs.close(60.0)
    (path,) = logs_in(tmp_path)
    numbers = [line["frame_id"] for line in lines_of(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) < 5000


def test_a_folder_that_cannot_be_written_ends_the_log_alone(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file stands here")
    logs = NdjsonInputLogs(tmp_path / "logs", 10**9)
    log = logs.start(start())
    log.write(frame_input(1, GIVEN))
    log.keep_picture(np.zeros((2, 2, 3), np.uint8))
    log.end()
    logs.close(10.0)


def test_a_closed_log_begins_nothing(tmp_path: Path) -> None:
    logs = NdjsonInputLogs(tmp_path, 10**9)
    logs.close(1.0)
    logs.start(start()).write(frame_input(1, GIVEN))
    logs.close(1.0)
    assert logs_in(tmp_path) == []


_PLAYER = """
import sys, time
from pathlib import Path
from services.input_log.ndjson_input_logs import NdjsonInputLogs
from services.input_log.lines import frame_input
from tests.services.input_log.test_ndjson_input_logs import GIVEN, start
log = NdjsonInputLogs(Path(sys.argv[1]), 10**9).start(start())
number = 0
while True:
    number += 1
    log.write(frame_input(number, GIVEN))
    print(number, flush=True)
    time.sleep(0.005)
"""


def test_a_killed_server_loses_at_most_the_last_second(tmp_path: Path) -> None:
    """Everything up to a second before the kill is in the log, and at most half a line follows it."""
    player = subprocess.Popen([sys.executable, "-c", _PLAYER, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE)
    assert player.stdout is not None
    played: list[tuple[float, int]] = []
    # However long a slow machine takes for them.
    while sum(at < played[-1][0] - deadline_s(1.5) for at, _ in played) <= 50:
        played.append((time.monotonic(), int(player.stdout.readline())))
    os.kill(player.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    player.stdout.close()
    player.wait()
    (path,) = logs_in(tmp_path)
    whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    due = max(number for at, number in played if at < killed_at - deadline_s(1.0))
    assert json.loads(whole[-1])["frame_id"] >= due > 50


# -------------------------------------------------------------------------------------------------- retention


def test_the_oldest_logs_and_what_lies_beside_them_give_way(tmp_path: Path) -> None:
    now = 1_700_000_000
    for number in range(4):
        at = now + number * 1000
        keep_side_file(tmp_path, "pictures", f"{number}.png", b"p" * 1000, not_before=0.0)
        os.utime(tmp_path / "pictures" / f"{number}.png", (at, at))
        log = tmp_path / f"action_stream_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(at))}_{number:08x}.ndjson"
        log.write_bytes(b"x" * 1000)
        os.utime(log, (at + 10, at + 10))
    (tmp_path / "notes.txt").write_text("not ours")
    remove_surplus(tmp_path, 5000)
    assert [path.name[-13:] for path in logs_in(tmp_path)] == ["00000002.ndjson"[-13:], "00000003.ndjson"[-13:]]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["2.png", "3.png"]
    assert (tmp_path / "notes.txt").exists()


def test_a_picture_that_is_named_again_counts_as_new(tmp_path: Path) -> None:
    data = encode_pixels(np.zeros((2, 2, 3), np.uint8))
    keep_side_file(tmp_path, "pictures", "a.png", data, not_before=0.0)
    path = tmp_path / "pictures" / "a.png"
    os.utime(path, (1, 1))
    keep_side_file(tmp_path, "pictures", "a.png", data, not_before=0.0)
    assert path.stat().st_mtime > 1


def dated_log(folder: Path, at: float, mark: str, written_at: float) -> Path:
    log = folder / f"action_stream_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(at))}_{mark}.ndjson"
    log.write_bytes(b"x" * 1000)
    os.utime(log, (written_at, written_at))
    return log


def test_a_log_that_is_being_written_stays_with_all_that_it_names(tmp_path: Path) -> None:
    now = time.time()
    keep_side_file(tmp_path, "pictures", "named.png", b"p", not_before=now - 5000)
    os.utime(tmp_path / "pictures" / "named.png", (now - 5000, now - 5000))
    being_written = dated_log(tmp_path, now - 5000, "aa", now - 4000)
    later = dated_log(tmp_path, now - 100, "bb", now - 50)
    remove_surplus(tmp_path, 0, being_written=[being_written])
    assert (being_written.exists(), later.exists()) == (True, False)
    assert (tmp_path / "pictures" / "named.png").exists()


def test_a_clock_that_is_set_back_takes_no_picture_from_a_log(tmp_path: Path) -> None:
    now = time.time()
    earlier = dated_log(tmp_path, now - 9000, "aa", now - 8000)
    from_the_future = dated_log(tmp_path, now + 9000, "bb", now)  # it began before the clock was set back by hours
    keep_side_file(tmp_path, "pictures", "named.png", b"p", not_before=now + 9000)
    keep_side_file(tmp_path, "pictures", "named.png", b"p", not_before=now)  # by a log after that
    remove_surplus(tmp_path, 1500)
    assert (earlier.exists(), from_the_future.exists()) == (False, True)
    assert (tmp_path / "pictures" / "named.png").exists()


@pytest.mark.parametrize("name", ["action_stream_x.ndjson", "action_stream_20269999_999999_aa.ndjson", "\udcff.ndjson"])
def test_strange_names_among_the_logs_stop_no_log(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x" * 1000)
    remove_surplus(tmp_path, 0)
    logs = NdjsonInputLogs(tmp_path, 10)
    for _ in range(2):
        log = logs.start(start())
        log.write(frame_input(1, GIVEN))
        log.end()
    logs.close(10.0)
    assert any(path.stat().st_size for path in logs_in(tmp_path) if path.name != name)


@needs_file_limits
def test_a_full_disk_ends_a_log_and_the_next_one_is_written(tmp_path: Path) -> None:
    full, again = NdjsonInputLogs(tmp_path, 10**9), NdjsonInputLogs(tmp_path, 10**9)
    with files_of_at_most(20_000):
        log = full.start(start())
        log.keep_picture(np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8))
        log.write(frame_input(1, GIVEN))
        log.end()
        full.close(10.0)
    later = again.start(start())
    later.write(frame_input(1, GIVEN))
    later.end()
    again.close(10.0)
    assert [path.stem for path in logs_in(tmp_path)] == [later.id], "a log whose picture is missing is none"
