"""The local image model's service in a process that has hardly any memory for the first picture, and then enough."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from services.image_editor.flux_service import FluxService, build_flux_service

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.torch_worker.torch_worker import Plain
    from services.torch_worker.worker_service import Job

_ROOM = 40 << 20  # bytes, beyond what the process has


class _StarvedPainter:
    def __init__(self, service: FluxService) -> None:
        self._service = service
        self._was_starved = False

    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        if method != "make" or self._was_starved:
            return self._service.handle(method, payload, job)
        self._was_starved = True
        order = {"instruction": "x", "width": 64, "height": 64, "rng_seed": 0, "reference": None}
        self._service.handle("make", order, job)  # so that everything is imported, and threads have their stacks
        with _little_memory():
            return self._service.handle(method, payload, job)


@contextmanager
def _little_memory() -> Generator[None]:
    usual, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (psutil.Process().memory_info().data + _ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (usual, hard))


def build_starved_painter(**options: str | int) -> _StarvedPainter:
    return _StarvedPainter(build_flux_service(**options))  # pyright: ignore[reportArgumentType] - as the server gives them
