"""The one place that knows numba: a typed decorator that compiles a kernel and frees the GIL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

KernelT = TypeVar("KernelT", bound=Callable[..., Any])


def njit(function: KernelT) -> KernelT:
    """Compile `function` at its first call; the machine code is kept on disk for the next process.

    Strict IEEE arithmetic (no fastmath, no threads inside), so the same inputs give the same bits in every process of
    one machine. Divisions by zero follow numpy.
    """
    compiled: object = numba.njit(nogil=True, fastmath=False, cache=True, error_model="numpy")(function)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - numba is untyped
    return cast("KernelT", compiled)


def inner(function: KernelT) -> KernelT:
    """Like `njit`, for what other kernels alone call: without its door to Python it compiles in less time."""
    compiled: object = numba.njit(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportCallIssue] - numba is untyped
        nogil=True, fastmath=False, cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return cast("KernelT", compiled)


def _drop_stale_code(package: Path) -> None:
    """numba notices a change of a kernel's own file, not of the files whose kernels it calls: so drop machine code that
    is older than any source of the package."""
    newest = max(source.stat().st_mtime for source in package.glob("*.py"))
    for index in (package / "__pycache__").glob("*.nbi"):
        try:
            if index.stat().st_mtime < newest:
                index.unlink()
        except OSError:  # another process was faster, or the folder is read-only
            continue


_drop_stale_code(Path(__file__).parent)
