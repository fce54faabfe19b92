"""The gallery of recordings: finished files, what is being finished, and the room they take up."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from api_types import (
    RecordingDetails,
    RecordingsResponse,
    RecordingSummary,
    RecordingUsage,
    UnfinishedRecording,
)
from error_types import DomainError, ErrorCode
from handlers.service_errors import service_errors_translated
from services.ownership_store.ownership_store import Thing, ThingKind
from services.recording_store.file_names import SUFFIX
from services.video_writer.video_writer import RecordingPhase
from state.app_state_types import Recording, Unfinished

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from access_rules import Visitor
    from handlers.ownership.belongings import Belongings
    from handlers.recorder_handler import ActiveRecording, RecorderHandler
    from handlers.unfinished_recordings import LeftRecording
    from runtime_config.current import Current
    from services.recording_store.recording_store import RecordingFilePayload, RecordingStore
    from services.video_writer.video_writer import VideoWriter

_THUMBNAIL_WIDTH: Final = 480
_THUMBNAILS_AT_ONCE: Final = 2  # a gallery that opens asks for all it shows, and others play meanwhile


class RecordingsHandler:
    """Every method blocks."""

    def __init__(
        self,
        store: RecordingStore,
        writer: VideoWriter,
        recorder: RecorderHandler,
        belongings: Belongings,
        quota_bytes: Current[int],
    ) -> None:
        self._store = store
        self._writer = writer
        self._recorder = recorder
        self._belongings = belongings
        self._quota_bytes = quota_bytes
        self._thumbnail_places = BoundedSemaphore(_THUMBNAILS_AT_ONCE)

    def list_recordings(self, visitor: Visitor, limit: int, after: str | None) -> RecordingsResponse:
        """At most `limit` of the visitor's. `after` is the `next` of the page before.

        Raises:
            DomainError: `after` is nothing of that kind.
        """
        # Before the files: what ends in between is then in both lists, rather than in none.
        left = self._recorder.unfinished.listed()
        unfinished = [*map(_left, left), *map(_active, self._recorder.active())]
        recordings, is_theirs = self._store.list(), self._belongings.sight(visitor, ThingKind.RECORDING)
        recordings = tuple(recording for recording in recordings if is_theirs(recording.name))
        usage = self._usage(len(recordings))
        if after is not None:
            last = _position(after)
            recordings = tuple(recording for recording in recordings if _key(recording) > last)
        page, rest = recordings[:limit], recordings[limit:]
        names = self._belongings.names_of_owners(visitor, ThingKind.RECORDING)
        return RecordingsResponse(
            recordings=[_summary(recording, names.get(recording.name)) for recording in page],
            next=_cursor(page[-1]) if rest else None,
            unfinished=[recording for recording in unfinished if is_theirs(recording.name)],
            usage=usage,
        )

    def details(self, visitor: Visitor, name: str) -> RecordingDetails:
        """Raises: DomainError, there is no such recording."""
        return self._details(visitor, self._find(visitor, name))

    def video(self, visitor: Visitor, name: str) -> tuple[Path, str]:
        """Where the video lies, and what to call it: the finished one, or what there is of an unfinished one.

        Raises:
            DomainError: there is none.
        """
        self._require(visitor, name)
        unfinished = self._recorder.unfinished.video(name)
        path = self._find(visitor, name).path if unfinished is None else unfinished
        return path, f"{name}{SUFFIX}"

    def finish(self, visitor: Visitor, name: str) -> None:
        """Try to finish a recording that waits for it, beside the caller. Raises: DomainError, there is none."""
        self._require(visitor, name)
        self._recorder.unfinished.finish(name)

    def thumbnail(self, visitor: Visitor, name: str) -> bytes:
        """A JPEG; made when it is first asked for.

        Raises:
            DomainError: there is no such recording, or its file cannot be read.
        """
        recording = self._find(visitor, name)
        kept = self._store.thumbnail(recording)
        if kept is not None:
            return kept
        with self._thumbnail_places, service_errors_translated():
            jpeg = self._writer.thumbnail(recording.path, width=_THUMBNAIL_WIDTH)
        self._store.keep_thumbnail(recording, jpeg)
        return jpeg

    def rename(self, visitor: Visitor, name: str, new_name: str) -> RecordingDetails:
        """Raises: DomainError, there is none, the name will not do, or the file or its folder cannot be changed."""
        self._require(visitor, name)
        store = self._store
        with service_errors_translated():
            renamed = self._belongings.rename(
                _thing(name),
                lambda: store.rename(name, new_name),
                id_of=lambda recording: recording.name,
                undo=lambda recording: store.rename(recording.name, name),
            )
        return self._details(visitor, renamed)

    def remove(self, visitor: Visitor, name: str) -> None:
        """Remove a finished recording, or one that waits to be finished.

        Raises:
            DomainError: there is no such recording, or it cannot be removed now.
        """
        self._require(visitor, name)
        with service_errors_translated():
            self._belongings.give_up(visitor, _thing(name), lambda: self._remove(name))

    def names(self) -> Collection[str]:
        """Of everything that there is, finished or not."""
        unfinished = [*self._recorder.unfinished.listed(), *self._recorder.active()]
        return {each.name for each in (*unfinished, *self._store.list())}

    def _remove(self, name: str) -> None:
        if any(left.name == name for left in self._recorder.unfinished.listed()):
            self._recorder.unfinished.abandon(name)
        else:
            self._store.remove(name)

    def _require(self, visitor: Visitor, name: str) -> None:
        if not self._belongings.sees(visitor, _thing(name)):
            raise _unknown()

    def _find(self, visitor: Visitor, name: str) -> RecordingFilePayload:
        self._require(visitor, name)
        recording = self._store.find(name)
        if recording is None:
            raise _unknown()
        return recording

    def _details(self, visitor: Visitor, recording: RecordingFilePayload) -> RecordingDetails:
        return _details(recording, self._belongings.names_of_owners(visitor, ThingKind.RECORDING).get(recording.name))

    def _usage(self, recordings: int) -> RecordingUsage:
        """Of all, but for the count."""
        usage = self._store.usage()
        return RecordingUsage(
            used_bytes=usage.used_bytes,
            quota_bytes=self._quota_bytes.now,
            free_bytes=usage.free_bytes,
            recordings=recordings,
        )


# A page begins after a place in the order, not after a recording: that one may be gone by then.


def _key(recording: RecordingFilePayload) -> tuple[float, str]:
    return -recording.started_at, recording.name


def _cursor(recording: RecordingFilePayload) -> str:
    return f"{recording.started_at!r} {recording.name}"


def _position(cursor: str) -> tuple[float, str]:
    started_at, _, name = cursor.partition(" ")
    try:
        return -float(started_at), name
    except ValueError as error:
        raise DomainError("This page of recordings does not exist.", ErrorCode.INVALID_REQUEST) from error


def _active(active: ActiveRecording) -> UnfinishedRecording:
    state, progress = active.state, active.progress
    is_encoding = progress.phase is RecordingPhase.ENCODING and progress.frames > 0
    return UnfinishedRecording(
        name=active.name,
        state="recording" if isinstance(state, Recording) else "finishing",
        started_at=state.since,
        duration_s=progress.duration_s,
        fraction=1 - progress.waiting_frames / progress.frames if is_encoding else None,
    )


def _left(left: LeftRecording) -> UnfinishedRecording:
    state = left.state
    is_waiting = isinstance(state, Unfinished)
    return UnfinishedRecording(
        name=left.name,
        state="waiting" if is_waiting else "finishing",
        started_at=state.since,
        duration_s=left.duration_s,
        fraction=None,
        code=state.code.value if is_waiting else None,
        message=state.message if is_waiting else None,
        video_url=None if left.video is None else f"{_url(left.name)}/video",
    )


def _url(name: str) -> str:
    return f"/api/recordings/{quote(name, safe='')}"


def _thing(name: str) -> Thing:
    return Thing(ThingKind.RECORDING, name)


def _unknown() -> DomainError:
    return DomainError("There is no such recording.", ErrorCode.RECORDING_UNKNOWN)


def _facts(recording: RecordingFilePayload, owner: str | None) -> dict[str, object]:
    notes, url = recording.notes, _url(recording.name)
    return {
        "name": recording.name,
        "started_at": recording.started_at,
        "duration_s": recording.duration_s,
        "size_bytes": recording.size_bytes,
        "width": recording.width,
        "height": recording.height,
        "play_session": None if notes is None else notes.play_session,
        "segment": None if notes is None else notes.segment,
        "model": None if notes is None else notes.model,
        "seed": None if notes is None else notes.seed,
        "video_url": f"{url}/video",
        "thumbnail_url": f"{url}/thumbnail",
        "owner": owner,
    }


def _summary(recording: RecordingFilePayload, owner: str | None) -> RecordingSummary:
    return RecordingSummary.model_validate(_facts(recording, owner))


def _details(recording: RecordingFilePayload, owner: str | None) -> RecordingDetails:
    notes = recording.notes
    return RecordingDetails.model_validate(
        {
            **_facts(recording, owner),
            "title": recording.title,
            "artist": recording.artist,
            "quant": None if notes is None else notes.quant,
            "server_version": None if notes is None else notes.server_version,
            "client_version": None if notes is None else notes.biome_version,
            "seed_hash": None if notes is None else notes.seed_hash,
            "model_hash": None if notes is None else notes.model_hash,
            "rng_seed": None if notes is None else notes.rng_seed,
            "input_log": None if notes is None else notes.input_log,
        }
    )
