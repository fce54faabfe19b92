"""What waits is bounded in memory, goes to the disk in order, and comes back whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from services.video_writer._backlog import Backlog, MemoryLimits
from services.video_writer._errors import RecordingError
from services.video_writer._matroska import stream_header
from services.video_writer._spool import Spool, read_spooled
from services.video_writer._timeline import TimedFrame
from services.video_writer._work_files import WorkFiles
from services.video_writer.video_writer import RecordingFault
from tests.services.video_writer.videos import LIMIT_S, packet_times_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = stream_header(160, 96, 10)


def frames(begin: int, end: int, size: int = 1000) -> list[TimedFrame[bytes]]:
    """Ten a second, each with other bytes."""
    return [TimedFrame(at * 100_000, at.to_bytes(4, "big") + bytes(size - 4)) for at in range(begin, end)]


def make_spool(
    folder: Path, *, max_bytes: int = 10**9, chunk_bytes: int = 10_000, free: int = 10**12, reserve: int = 0
) -> Spool:
    return Spool(
        WorkFiles(folder / "walk.mp4"),
        HEAD,
        max_bytes=max_bytes,
        reserve_bytes=reserve,
        free_bytes=lambda _: free,
        chunk_bytes=chunk_bytes,
    )


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = make_spool(tmp_path)
    yield spool
    spool.close()


def take_all(backlog: Backlog) -> list[TimedFrame[bytes]]:
    taken: list[TimedFrame[bytes]] = []
    while frame := backlog.take():
        taken.append(frame)
    return taken


def test_a_second_stays_in_memory(spool: Spool, tmp_path: Path) -> None:
    backlog = Backlog(spool, MemoryLimits(span_s=1.0))
    backlog.put(frames(0, 10))
    backlog.close()
    backlog.spill_until_closed()
    assert (backlog.waiting().frames, backlog.waiting().memory_bytes) == (10, 10_000)
    assert take_all(backlog) == frames(0, 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limits", [MemoryLimits(span_s=1.0), MemoryLimits(span_s=1e9, max_bytes=30_000)])
def test_more_goes_to_the_disk_and_comes_back_in_order(spool: Spool, tmp_path: Path, limits: MemoryLimits) -> None:
    backlog = Backlog(spool, limits)
    with ThreadPoolExecutor(1) as threads:
        spilling = threads.submit(backlog.spill_until_closed)
        for at in range(0, 500, 5):
            backlog.put(frames(at, at + 5))
            wait_until(lambda: backlog.waiting().memory_bytes <= 16_000)
        waiting = backlog.waiting()
        assert waiting.frames == 500
        assert waiting.disk_bytes > 480_000
        assert [backlog.take() for _ in range(300)] == frames(0, 300)
        backlog.put(frames(500, 503))
        backlog.close()
        spilling.result(LIMIT_S)
    assert take_all(backlog) == frames(300, 503)
    assert backlog.waiting().frames == 0
    assert len(WorkFiles(tmp_path / "walk.mp4").spools()) == 2  # the one that was read last, and the one before


def test_taking_and_putting_may_overlap(spool: Spool) -> None:
    backlog = Backlog(spool, MemoryLimits(span_s=0.5))
    with ThreadPoolExecutor(3) as threads:
        spilling = threads.submit(backlog.spill_until_closed)
        taking = threads.submit(take_all, backlog)
        for at in range(2000):
            backlog.put(frames(at, at + 1))
        backlog.close()
        assert taking.result(LIMIT_S) == frames(0, 2000)
        spilling.result(LIMIT_S)


def test_a_full_spool_takes_no_more_and_loses_nothing(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, max_bytes=50_000)
    backlog = Backlog(spool, MemoryLimits(span_s=1.0))
    put = 0
    with ThreadPoolExecutor(1) as threads:
        spilling = threads.submit(backlog.spill_until_closed)
        while not spilling.done():
            backlog.put(frames(put, put + 1))
            put += 1
            wait_until(lambda: spilling.done() or backlog.waiting().memory_bytes <= 12_000)
    with pytest.raises(RecordingError) as caught:
        spilling.result()
    assert caught.value.fault is RecordingFault.ENCODER_TOO_SLOW
    assert put > 50
    backlog.put(frames(put, put + 100))  # too late
    assert take_all(backlog) == frames(0, put)
    spool.close()


def test_a_disk_that_does_not_move_is_noticed(spool: Spool) -> None:
    backlog = Backlog(spool, MemoryLimits(span_s=1e9, max_bytes=20_000))  # nobody spills
    backlog.put(frames(0, 21))
    with pytest.raises(RecordingError) as caught:
        backlog.spill_until_closed()
    assert caught.value.fault is RecordingFault.ENCODER_TOO_SLOW
    assert take_all(backlog) == frames(0, 21)


def test_the_reserve_of_the_disk_is_left_alone(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, free=1_000_000, reserve=995_000)
    with pytest.raises(RecordingError) as caught:
        spool.append(frames(0, 10))
    assert caught.value.fault is RecordingFault.DISK_FULL
    spool.append(frames(0, 4))
    spool.close()


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    spool = make_spool(tmp_path / "gone")
    with pytest.raises(RecordingError) as caught:
        spool.append(frames(0, 1))
    assert caught.value.fault is RecordingFault.FOLDER_GONE


def test_an_aborted_backlog_can_be_written_to_the_disk(spool: Spool, tmp_path: Path) -> None:
    backlog = Backlog(spool, MemoryLimits())
    backlog.put(frames(0, 8))
    assert backlog.take() == frames(0, 1)[0]
    backlog.abort()
    assert backlog.take() is None
    backlog.spill_rest()
    spool.close()
    assert list(read_spooled(WorkFiles(tmp_path / "walk.mp4"), HEAD)) == frames(0, 8)  # what was taken as well


def test_an_abort_wakes_who_waits(spool: Spool) -> None:
    backlog, waits = Backlog(spool, MemoryLimits()), threading.Event()

    def take() -> TimedFrame[bytes] | None:
        waits.set()
        return backlog.take()

    with ThreadPoolExecutor(2) as threads:
        taking, spilling = threads.submit(take), threads.submit(backlog.spill_until_closed)
        waits.wait(LIMIT_S)
        backlog.abort()
        assert taking.result(LIMIT_S) is None
        spilling.result(LIMIT_S)


def test_a_cut_off_chunk_gives_what_is_whole(spool: Spool, tmp_path: Path) -> None:
    spool.append(frames(0, 12))  # fills a chunk
    spool.append(frames(12, 15))
    spool.close()
    files = WorkFiles(tmp_path / "walk.mp4")
    first, second = files.spools()
    first.write_bytes(first.read_bytes()[:-500])
    assert list(read_spooled(files, HEAD)) == [*frames(0, 11), *frames(12, 15)]
    assert packet_times_s(second) == pytest.approx([1.2, 1.3, 1.4])  # it plays by itself


@pytest.mark.parametrize("taken_from", [2, 4, 9])
def test_a_frame_held_by_two_chunks_is_read_once(spool: Spool, tmp_path: Path, taken_from: int) -> None:
    spool.append(frames(4, 16))
    spool.append(frames(16, 20))
    spool.put_already_taken(frames(taken_from, 18))
    spool.close()
    assert list(read_spooled(WorkFiles(tmp_path / "walk.mp4"), HEAD)) == frames(min(taken_from, 4), 20)
