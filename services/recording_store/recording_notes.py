"""The `comment` of a recording: JSON that says what was played. Desktop clients read its first five fields."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

_LONGEST_COMMENT: Final = 64 * 1024  # characters; a file in the folder may be anybody's

Text = Annotated[str, StringConstraints(max_length=512)]


class RecordingNotes(BaseModel):
    """What was played while this was recorded. `quant` is "none" at full precision, `seed` the name of the picture.

    `play_session` is the same for all segments of one stay in a world, `segment` counts them from 1. `model_hash` is
    that of the engine's weights, `input_log` the id of the input log that was written meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    biome_version: Text
    model: Text | None = None
    quant: Text = "none"
    seed: Text | None = None
    scene_authoring_enabled: bool = False
    server_version: Text | None = None
    play_session: Text | None = None
    segment: Annotated[int, Field(ge=1)] | None = None
    started_at: FiniteFloat | None = None  # seconds since the Unix epoch
    seed_hash: Text | None = None
    model_hash: Text | None = None
    rng_seed: int | None = None
    input_log: Text | None = None


def write_notes(notes: RecordingNotes) -> str:
    """Absent values are written as null, since readers of the first five fields expect each of them."""
    return notes.model_dump_json()


def read_notes(comment: str) -> RecordingNotes | None:
    """None for a comment that another program wrote."""
    if len(comment) > _LONGEST_COMMENT:
        return None
    try:
        return RecordingNotes.model_validate_json(comment)
    except ValidationError:
        return None
