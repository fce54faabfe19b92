"""What makes films: an order in, an MP4 file out, with progress and typed errors on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runtime_config.film_model_config import FilmModelConfig
    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_specs import VideoSpecs


class FilmStage(StrEnum):
    LOADING = "loading"  # the model, from the disk
    ENCODING = "encoding"  # words, pictures, sounds and sources
    DENOISING = "denoising"
    UPSCALING = "upscaling"
    DECODING = "decoding"
    WRITING = "writing"


@dataclass(frozen=True, slots=True)
class FilmProgress:
    """`step` of `steps` of the stage are done. `preview` is a JPEG of the middle of the film so far."""

    stage: FilmStage
    step: int
    steps: int
    preview: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MadeFilm:
    """`revision` is the commit of the model, None for a folder of a person's own. `timings` are seconds.

    `placement` is where the model was when the film was made.
    """

    path: Path
    frames: int
    width: int
    height: int
    fps: float
    seconds: float
    has_sound: bool
    model: str
    revision: str | None
    placement: Placement
    timings: Mapping[FilmStage, float]


class VideoFault(StrEnum):
    """Why there is no film."""

    NOT_PULLED = "not_pulled"  # the model or a part of it is not on this machine, or damaged
    DOES_NOT_FIT = "does_not_fit"  # the planner found no place for the model
    CANNOT = "cannot"  # this model cannot make what was ordered
    OUT_OF_MEMORY = "out_of_memory"  # also after one more attempt with the model offloaded
    LORA_REFUSED = "lora_refused"
    SOURCE_UNUSABLE = "source_unusable"
    DISK_FULL = "disk_full"
    WORKER_DIED = "worker_died"
    FAILED = "failed"


class VideoPipelineError(RuntimeError):
    """There is no film. `str()` of it is a sentence for the person who ordered it, without paths."""

    def __init__(self, fault: VideoFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class FastVideoPipeline(Protocol):
    """Makes one film after the other; orders that come meanwhile wait. Used from one event loop."""

    def specs(self) -> VideoSpecs:
        """What is possible here and now. Blocks for some small reads of the disk; loads nothing."""
        ...

    def needs(self, order: FilmOrder | None = None) -> ModelMemory | None:
        """What it takes of this machine for an order, or for a usual one; None: nothing. Blocks."""
        ...

    def place(self, placement: Placement) -> None:
        """Where to load the model from here on; what is loaded already stays where it is."""
        ...

    async def prepare(self) -> None:
        """Load the model, if it is not loaded yet.

        Raises:
            VideoPipelineError: it cannot be loaded.
        """
        ...

    async def make(self, order: FilmOrder, target: Path, on_progress: Callable[[FilmProgress], None]) -> MadeFilm:
        """Make the film as a file at `target`, in a folder that exists. A file that is there is replaced.

        The file appears when it is whole. Cancelling stops the model within a step and leaves no file. `on_progress` is
        called on the event loop, first when the order's turn has come, and after each step.

        Raises:
            VideoPipelineError: there is no film, and no file is left.
        """
        ...

    def unload(self) -> None:
        """Give the memory back, even while a film is made; the next order loads again. Blocks until it is back."""
        ...

    def close(self) -> None:
        """Unload, for good. Blocks; idempotent."""
        ...


class ConfigurableVideoPipeline(FastVideoPipeline, Protocol):
    def use(self, config: FilmModelConfig) -> None:
        """Make films as these settings say, from the next one on. Blocks."""
        ...
