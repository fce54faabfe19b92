"""What people say of what was made: thumbs, tags and words, each about one thing or one pass of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PersonId: TypeAlias = str  # empty: whoever has the role of the owner, and everybody on a server without accounts
Facts: TypeAlias = "Mapping[str, Any]"
Rating: TypeAlias = Literal[1, -1]
MOST_PER_THING: Final = 1000  # of one person about one thing, which has as many passes as they like


class FeedbackKind(StrEnum):
    RECORDING = "recording"
    MOMENT = "moment"
    SCENE = "scene"
    JOB = "job"


class FeedbackTag(StrEnum):
    """What is good or bad about it. They are kept, so that a name must keep its meaning."""

    BLURRY = "blurry"
    DRIFT = "drift"  # the world turns into something else
    FLICKER = "flicker"
    WRONG_MOTION = "wrong_motion"  # it does not go where the keys say
    BROKEN_MEMORY = "broken_memory"  # what was seen before looks different when one comes back
    BROKEN_SHAPES = "broken_shapes"
    NOT_AS_ASKED = "not_as_asked"  # it does not show what the words said
    UNSAFE = "unsafe"
    SHARP = "sharp"
    STEADY = "steady"
    GOOD_MOTION = "good_motion"
    AS_ASKED = "as_asked"


@dataclass(frozen=True, slots=True)
class Subject:
    """What feedback is about. `id` names it as the rest of the API does."""

    kind: FeedbackKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """`pass_number` None: about the whole. `about` are facts of the subject as they were when it was rated."""

    person: PersonId
    subject: Subject
    pass_number: int | None = None
    rating: Rating
    tags: tuple[FeedbackTag, ...] = ()
    comment: str | None = None
    about: Facts
    at: float  # seconds since 1970


class FeedbackFault(StrEnum):
    TOO_MUCH = "tooMuch"  # `MOST_PER_THING`
    UNAVAILABLE = "unavailable"
    FULL = "full"  # no room on the disk


class FeedbackStoreError(RuntimeError):
    """`str()` is a sentence. Nothing has changed."""

    def __init__(self, fault: FeedbackFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class FeedbackStore(Protocol):
    """One for each person, subject and pass. Every method blocks, may be called from any thread, and raises
    `FeedbackStoreError`."""

    def put(self, feedback: Feedback) -> None:
        """Keep it in the place of what the same person has said of the same."""
        ...

    def of(self, person: PersonId, subject: Subject) -> Sequence[Feedback]:
        """What a person has said of it: of the whole first, then by passes."""
        ...

    def newest(self, person: PersonId, kind: FeedbackKind | None, limit: int) -> Sequence[Feedback]:
        """What a person has said last, newest first."""
        ...

    def page(self, after: int, limit: int) -> Sequence[tuple[int, Feedback]]:
        """What everybody has said, in the order of its numbers, from the first above `after`."""
        ...

    def remove(self, person: PersonId, subject: Subject, pass_number: int | None) -> bool:
        """Whether there was any."""
        ...

    def forget(self, subject: Subject) -> None:
        """Remove what anybody has said of it."""
        ...

    def rename(self, subject: Subject, new_id: str) -> None:
        """It has another id. What was said of another thing of that id is forgotten."""
        ...


class FeedbackStores(Protocol):
    """How the store is reached. Opening it costs time and memory, so a server without feedback never does."""

    def has_begun(self) -> bool:
        """Whether there may be any. It is quick."""
        ...

    def open(self) -> FeedbackStore:
        """Blocks. Raises: FeedbackStoreError."""
        ...
