"""Verdicts that are remembered: both caches alike, and the file through crashes and damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
from tests.fakes.fake_verdict_cache import FakeVerdictCache

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.verdict_cache.verdict_cache import VerdictCache

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "verdicts.sqlite"


@pytest.fixture(params=["real", "fake"])
def cache(request: pytest.FixtureRequest, path: Path) -> Generator[VerdictCache]:
    made = SqliteVerdictCache(path, 10) if request.param == "real" else FakeVerdictCache(10)
    yield made
    made.close()


def test_a_verdict_is_of_one_picture_by_one_revision(cache: VerdictCache) -> None:
    cache.keep("a", "model@1", is_safe=True)
    cache.keep("b", "model@1", is_safe=False)
    assert cache.find("a", "model@1") is True
    assert cache.find("b", "model@1") is False
    assert cache.find("a", "model@2") is None
    assert cache.find("c", "model@1") is None
    cache.keep("a", "model@1", is_safe=False)
    assert cache.find("a", "model@1") is False


def test_the_oldest_give_way(cache: VerdictCache) -> None:
    for number in range(25):
        cache.keep(str(number), "model@1", is_safe=True)
    known = [number for number in range(25) if cache.find(str(number), "model@1")]
    assert known == list(range(15, 25))


def test_several_threads_may_ask_at_once(cache: VerdictCache) -> None:
    def work(number: int) -> None:
        cache.keep(str(number % 5), "model@1", is_safe=True)
        assert cache.find(str(number % 5), "model@1") is True

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))


def test_a_closed_cache_knows_nothing_and_never_fails(cache: VerdictCache) -> None:
    cache.keep("a", "model@1", is_safe=True)
    cache.close()
    cache.close()
    cache.keep("b", "model@1", is_safe=True)
    assert cache.find("a", "model@1") is None


def test_the_file_remembers_across_restarts_and_keeps_its_size(path: Path) -> None:
    first = SqliteVerdictCache(path, 100)
    for number in range(1000):
        first.keep(f"{number:064x}", "model@1", is_safe=bool(number % 2))
    first.close()
    assert path.stat().st_size < 200_000
    second = SqliteVerdictCache(path, 100)
    assert second.find(f"{999:064x}", "model@1") is True
    assert second.find(f"{998:064x}", "model@1") is False
    assert second.find(f"{899:064x}", "model@1") is None
    second.close()


def test_a_crash_in_mid_write_loses_no_older_verdict(path: Path) -> None:
    program = f"""
import os, pathlib
from services.verdict_cache.sqlite_verdict_cache import SqliteVerdictCache
cache = SqliteVerdictCache(pathlib.Path({str(path)!r}))
cache.keep("a", "model@1", is_safe=False)
print("kept", flush=True)
number = 0
while True:
    number += 1
    cache.keep(str(number), "model@1", is_safe=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "kept\n"
        writer.kill()
    cache = SqliteVerdictCache(path)
    assert cache.find("a", "model@1") is False
    cache.close()
    assert not _aside(path).exists()


@pytest.mark.parametrize("damage", ["noise", "cut", "torn", "other database", "other layout", "empty"])
def test_a_damaged_file_is_set_aside_and_replaced(path: Path, damage: str) -> None:
    before = SqliteVerdictCache(path)
    for number in range(500):
        before.keep(f"{number:064x}", "model@1", is_safe=True)
    before.close()
    _spoil(path, damage)
    spoiled = path.read_bytes()
    cache = SqliteVerdictCache(path)
    assert cache.find("x", "model@1") is None
    cache.keep("x", "model@1", is_safe=True)
    assert cache.find("x", "model@1") is True
    cache.close()
    if damage == "empty":  # what a crash at the very start leaves behind: nothing is lost
        assert not _aside(path).exists()
    else:
        assert _aside(path).read_bytes() == spoiled


def test_a_file_that_is_damaged_while_it_is_used_is_replaced_too(path: Path) -> None:
    cache = SqliteVerdictCache(path)
    cache.keep("a", "model@1", is_safe=True)
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE verdicts")
    other.close()
    assert cache.find("a", "model@1") is None
    cache.keep("a", "model@1", is_safe=True)
    assert cache.find("a", "model@1") is True
    cache.close()


def test_a_place_that_cannot_be_written_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    cache = SqliteVerdictCache(tmp_path / "data" / "verdicts.sqlite")
    cache.keep("a", "model@1", is_safe=True)
    assert cache.find("a", "model@1") is None
    cache.close()


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def _spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    match damage:
        case "noise":
            path.write_bytes(os.urandom(len(data)))
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "torn":
            path.write_bytes(data[:4096] + bytes(len(data) - 4096))
        case "empty":
            path.write_bytes(b"")
        case "other database" | "other layout":
            path.unlink()
            database = sqlite3.connect(path)
            with database:
                database.execute("CREATE TABLE verdicts (x)")
                database.execute(f"PRAGMA user_version = {0 if damage == 'other database' else 7}")
            database.close()
        case _:
            raise AssertionError(damage)
