"""A refusal inside the worker's process, which crosses to the server as a value so that its kind is known there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.video_pipeline.video_pipeline import VideoFault


class FilmRefusedError(Exception):
    """`str()` is a sentence for a person."""

    def __init__(self, fault: VideoFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
