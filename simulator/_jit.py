"""Typed decorators that compile kernels with numba. No other module of the package imports numba."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

KernelT = TypeVar("KernelT", bound=Callable[..., Any])


def njit(function: KernelT) -> KernelT:
    """Compile `function` at its first call, without the GIL. The machine code is cached on disk for later processes.

    Arithmetic is strict IEEE, without fastmath and threads. So the same inputs give the same bits in every process on
    one machine. Division by zero behaves as in numpy.
    """
    compiled: object = numba.njit(nogil=True, fastmath=False, cache=True, error_model="numpy")(function)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - numba is untyped
    return cast("KernelT", compiled)


def inner(function: KernelT) -> KernelT:
    """Like `njit`, for functions that only other kernels call. It compiles faster, because it has no Python wrapper."""
    compiled: object = numba.njit(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportCallIssue] - numba is untyped
        nogil=True, fastmath=False, cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return cast("KernelT", compiled)


def _drop_stale_code(package: Path) -> None:
    """Delete cached machine code that is older than any source file of the package.

    numba notices changes in a kernel's own file, but not in the files of the kernels that it calls.
    """
    newest = max(source.stat().st_mtime for source in package.glob("*.py"))
    for index in (package / "__pycache__").glob("*.nbi"):
        try:
            if index.stat().st_mtime < newest:
                index.unlink()
        except OSError:  # another process has deleted it, or the folder is read-only
            continue


_drop_stale_code(Path(__file__).parent)
