"""Services for tests of the worker: what they do is told by the name of the method."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING, cast

import numpy as np
import psutil
import structlog

from services.torch_worker.worker_service import ServiceRefusalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job

STEP_S = 0.01


class Toy:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ballast: npt.NDArray[np.float64] | None = None

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        doing: Callable[[Plain, Job], Plain] = getattr(self, f"_{method}")
        return doing(payload, job)

    def _echo(self, payload: Plain, job: Job) -> Plain:
        del job
        return [self._prefix, payload]

    def _facts(self, payload: Plain, job: Job) -> Plain:
        del payload, job
        print("this must not reach the standard output of the server")  # noqa: T201 -- that is the point
        return {
            "pid": os.getpid(),
            "nice": psutil.Process().nice(),
            "threads": os.environ["OMP_NUM_THREADS"],
            "has_torch": "torch" in sys.modules,
            "same_output": os.fstat(1) == os.fstat(2),
        }

    def _steps(self, payload: Plain, job: Job) -> Plain:
        """Until it is told to stop, or so many have been made."""
        for step in range(cast("int", payload)):
            job.report({"step": step, "picture": np.full((2, 2), step, dtype=np.uint8)})
            job.check()
            time.sleep(STEP_S)
        return "all"

    def _deaf(self, payload: Plain, job: Job) -> Plain:
        """Never looks whether it was cancelled."""
        del payload
        job.report("deaf")
        while True:
            time.sleep(STEP_S)

    def _die(self, payload: Plain, job: Job) -> Plain:
        del job
        faulthandler.disable()
        os.kill(os.getpid(), signal.Signals[cast("str", payload)])
        time.sleep(60)
        return None

    def _fail(self, payload: Plain, job: Job) -> Plain:
        del job
        match payload:
            case "refusal":
                raise ServiceRefusalError("That is not done here.")
            case "memory":
                raise MemoryError
            case "torch memory":
                raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory")
            case _:
                raise ValueError("/home/somebody/secret")

    def _tensor(self, payload: Plain, job: Job) -> Plain:
        del payload, job
        return cast("Plain", object())  # as good as a tensor

    def _log(self, payload: Plain, job: Job) -> Plain:
        del payload, job
        logging.getLogger("a.library").warning("A %s of a library", "warning")
        structlog.stdlib.get_logger("a.module").info("An event with fields", size=3, name="x")
        warnings.warn("A Python warning", stacklevel=1)
        return None

    def _fill(self, payload: Plain, job: Job) -> Plain:
        del job
        self._ballast = np.ones(cast("int", payload) // 8)
        return None


def build_toy(prefix: str) -> Toy:
    return Toy(prefix)


def build_refusing() -> Toy:
    raise ServiceRefusalError("The model is not on this machine.")


def build_broken() -> Toy:
    raise OSError("/home/somebody/model.safetensors is truncated")


def build_slow(started: str) -> Toy:
    """Says that it has begun, and takes for ever."""
    from pathlib import Path

    _touch(Path(started))
    while True:
        time.sleep(STEP_S)


def _touch(path: Path) -> None:
    path.touch()
