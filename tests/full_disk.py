"""Real limits of the kernel on what can be written, in place of a disk that is full."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

PROJECT: Final = Path(__file__).resolve().parents[1]
needs_file_limits = pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX systems can")


@contextmanager
def files_of_at_most(size_bytes: int) -> Generator[None]:
    """No file of this process grows beyond so many bytes: what writes more gets an `OSError`, as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run_on_small_disk(module: str, folder: Path, size_bytes: int) -> str:
    """What `python -m <module> <folder>` prints, where `folder` is a file system of its own, in memory.

    The test is skipped where the system gives no such disk to this user.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs namespaces of Linux for a disk of its own")
    mount = f"mount -t tmpfs -o size={size_bytes} tmpfs {shlex.quote(str(folder))}"
    command = [unshare, "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*command, mount], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk of its own")
    program = f"{mount} && exec {shlex.join([sys.executable, '-m', module, str(folder)])}"
    done = subprocess.run([*command, program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
