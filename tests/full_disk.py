"""Real limits of the kernel on what can be written, in place of a disk that is full."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

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
