"""What the job of a film is asked for. It is kept in the database and in the film, so later versions must read it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat, StringConstraints

from film_types import MOST_SEED, AnyWay, LoraRef, Pixels, Seconds, Words
from handlers.jobs.executor import JobRequest
from services.video_pipeline.film_order import Camera  # noqa: TC001 - pydantic reads it when it runs


class VideoRequest(JobRequest):
    """Everything that the film depends on but the model: the same request with the same model is the same film.

    `written_prompt` is what the prompt writer made of the prompt, once it has; the film is made from that. `remix_of`
    is the film of which it is another version. `model` and `revision` are those that were there when it was asked for.
    For a way with a source, size, length and rate follow from that.
    """

    way: AnyWay
    prompt: Words = ""
    write_prompt: bool = False
    written_prompt: Words | None = None
    negative_prompt: Words = ""
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)]
    width: Pixels | None = None
    height: Pixels | None = None
    seconds: Seconds | None = None
    fps: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    camera: Camera | None = None
    loras: Annotated[tuple[LoraRef, ...], Field(max_length=16)] = ()
    upscale: bool = False
    remix_of: Annotated[str, StringConstraints(max_length=26)] | None = None
    model: str | None = None
    revision: str | None = None

    @property
    def words(self) -> str:
        """What the model is told."""
        return self.prompt if self.written_prompt is None else self.written_prompt
