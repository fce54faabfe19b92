"""What a film file says of how it was made, so that it can be made again from the file alone.

The request is the `comment` of the file, which the pipeline writes with it: it is the same whenever the film is made.
How long that took is not, so that it comes after: in a box of its own at the end, which players pass over
(ISO/IEC 14496-12, `uuid`).
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

_BOX: Final = b"terrariumtimings"  # 16 bytes, as a UUID has
_LONGEST: Final = 256 * 1024  # characters; the file may be anybody's


class FilmNotes(BaseModel):
    """The `comment` of a film."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    terrarium_film: Literal[1] = 1
    request: dict[str, JsonValue]
    model: Annotated[str, StringConstraints(max_length=200)]
    revision: Annotated[str, StringConstraints(max_length=200)] | None


def write_notes(notes: FilmNotes) -> str:
    return json.dumps(notes.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def read_notes(comment: str) -> FilmNotes | None:
    """None for a comment that another program wrote."""
    if len(comment) > _LONGEST or '"terrarium_film"' not in comment:
        return None
    try:
        return FilmNotes.model_validate_json(comment)
    except ValidationError:
        return None


def append_timings(file: BinaryIO, timings_s: Mapping[str, float]) -> None:
    """To the end of a file that is open for that."""
    body = _BOX + json.dumps({"timings_s": dict(timings_s)}, sort_keys=True).encode()
    file.write(struct.pack(">I4s", 8 + len(body), b"uuid") + body)
