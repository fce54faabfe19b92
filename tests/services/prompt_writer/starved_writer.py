"""A writer's service in a process that is given hardly any memory beyond what it has."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from services.prompt_writer.writer_service import WriterService, build_writer_service

_ROOM = 40 << 20  # bytes: for a model that takes more


def build_starved_writer(folder: str, placement: str, threads: int, quant: str) -> WriterService:
    assert quant == "none"
    build_writer_service(str(Path(folder).with_name("text")), placement, threads)  # so that everything is imported
    limit = psutil.Process().memory_info().data + _ROOM
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    return build_writer_service(folder, placement, threads)
