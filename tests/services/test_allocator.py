from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.waiting import deadline_s

ROOT: Final = Path(__file__).parents[2]
# Counts the arenas after sixteen threads have held memory at the same time.
COUNT = """
import ctypes, sys, threading
from pathlib import Path
from services.allocator import limit_arenas

if sys.argv[2] == "limited":
    limit_arenas()
met = threading.Barrier(16)

def hold():
    kept = [bytes(2000) for _ in range(100)]
    met.wait()

threads = [threading.Thread(target=hold) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(Path(sys.argv[1]).read_text().count("<heap nr="))
"""


def arenas(tmp_path: Path, how: str) -> int:
    command = [sys.executable, "-c", COUNT, str(tmp_path / "malloc.xml"), how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=deadline_s())
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_few_arenas(tmp_path: Path) -> None:
    assert arenas(tmp_path, "limited") <= 2 < arenas(tmp_path, "free")
