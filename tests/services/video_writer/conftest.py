"""Real writers, closed at the end of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from tests.services.video_writer.videos import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.video_writer._recording_run import WriterLimits


class MakeFfmpegWriter(Protocol):
    def __call__(self, *, executable: Path | None = None, limits: WriterLimits | None = None) -> FfmpegVideoWriter: ...


@pytest.fixture
def make_ffmpeg_writer() -> Iterator[MakeFfmpegWriter]:
    made: list[FfmpegVideoWriter] = []

    def make(*, executable: Path | None = None, limits: WriterLimits | None = None) -> FfmpegVideoWriter:
        made.append(FfmpegVideoWriter(executable=executable, limits=limits, hardware=()))
        return made[-1]

    yield make
    for writer in made:
        writer.close(LIMIT_S)


@pytest.fixture
def ffmpeg_writer(make_ffmpeg_writer: MakeFfmpegWriter) -> FfmpegVideoWriter:
    return make_ffmpeg_writer()
