"""REST models of videos as OpenAI's clients know them. Their names and values are OpenAI's."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from api_types import ApiModel
from film_types import Words

# Four digits are more than any model makes. What it makes is said by a sentence.
SizeText = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$")]
SecondsText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}([.][0-9]{1,3})?$")]
ModelId = Annotated[str, StringConstraints(max_length=400)]

USUAL_SECONDS: Final = "4"


class VideoReference(ApiModel):
    """A picture in the request itself: `data:image/png;base64,...`. The server fetches no address of a picture."""

    image_url: Annotated[str, StringConstraints(pattern=r"^data:image/[a-z+.-]{1,20};base64,")]


class CreateVideoBody(ApiModel):
    """`input_reference` is the first picture of the video. Sides become multiples of what the model works in."""

    prompt: Words
    model: ModelId | None = None
    seconds: SecondsText = USUAL_SECONDS
    size: SizeText | None = None
    input_reference: VideoReference | None = None


class RemixVideoBody(ApiModel):
    """The same video, seed included, to other words."""

    prompt: Words


class OpenAiVideoFault(ApiModel):
    code: str
    message: str


class OpenAiVideo(ApiModel):
    """A film of this server, with the same id. `size` and `seconds` are null where they follow from a source, until
    it is made. Times are seconds since 1970; nothing expires."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int
    prompt: str
    seconds: str | None
    size: str | None
    created_at: int
    completed_at: int | None
    expires_at: None = None
    remixed_from_video_id: str | None = None
    error: OpenAiVideoFault | None


class OpenAiVideoList(ApiModel):
    """`last_id` is the `after` of the next page, if it has more."""

    object: Literal["list"] = "list"
    data: list[OpenAiVideo]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAiVideoDeleted(ApiModel):
    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True
