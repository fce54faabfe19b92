"""Reads an MP4 file's duration, size, frame times and metadata from its boxes, without decoding any picture.

ISO/IEC 14496-12 defines boxes and times; the metadata is in Apple's `ilst` box.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from services.video_writer.video_writer import VideoError, VideoFactsPayload, VideoMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_MAX_INDEX_BYTES: Final = 256 * 1024 * 1024  # of the `moov` box; an hour at 60 frames per second takes 4 MB
_TITLE: Final = b"\xa9nam"
_ARTIST: Final = b"\xa9ART"
_COMMENT: Final = b"\xa9cmt"
_META_VERSION_BYTES: Final = 4
_DATA_HEAD_BYTES: Final = 8  # type and locale
# Flags of `tfhd` and `trun`: which optional fields are there.
_HEAD_HAS_OFFSET: Final = 0x1
_HEAD_HAS_DESCRIPTION: Final = 0x2
_HEAD_HAS_DURATION: Final = 0x8
_RUN_HAS_OFFSET: Final = 0x1
_RUN_HAS_FIRST_FLAGS: Final = 0x4
_SAMPLES_HAVE_DURATIONS: Final = 0x100


def read_facts(path: Path) -> VideoFactsPayload:
    """Read the facts of a complete file from its index (the `moov` box).

    Raises:
        VideoError: the file is not a complete MP4 file with a video track.
    """
    try:
        with path.open("rb") as file:
            index = _Box(_read_index(file))
        return _facts(index, path.stat().st_size)
    except OSError as error:
        raise VideoError("The recording cannot be read.") from error
    except (struct.error, LookupError, ZeroDivisionError) as error:
        raise VideoError("The recording is damaged.") from error


def frame_times_us(path: Path) -> list[int]:
    """The display time of each frame of a complete file, in the order of decoding, in microseconds from the first one.

    Raises:
        VideoError: the file is not a complete MP4 file with a video track.
    """
    try:
        with path.open("rb") as file:
            media = _video_track(_Box(_read_index(file))).find(b"mdia")
        scale, _ = _media_times(media)
        table = media.find(b"minf", b"stbl")
        lengths = [length for count, length in _pairs(table.find(b"stts"), ">II") for _ in range(count)]
        decoded = accumulate(lengths, initial=0)
        later = [0] * len(lengths)
        if (offsets := table.get(b"ctts")) is not None:
            later = [offset for count, offset in _pairs(offsets, ">Ii") for _ in range(count)]
        shown = [at + offset for at, offset in zip(decoded, later, strict=False)]
        begin = min(shown)
        return [(at - begin) * 1_000_000 // scale for at in shown]
    except OSError as error:
        raise VideoError("The recording cannot be read.") from error
    except (struct.error, LookupError, ValueError, ZeroDivisionError) as error:
        raise VideoError("The recording is damaged.") from error


def whole_fragments_end(path: Path) -> int:
    """The offset at which the last complete fragment of a fragmented MP4 ends. 0: no complete fragment, or no file.

    A killed ffmpeg leaves an incomplete fragment after that offset, and ffmpeg refuses to read such a file.

    Raises:
        OSError: the file cannot be read.
    """
    whole, is_in_fragment = 0, False
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            for kind, _, end in _top_level(file):
                if end > size:
                    break
                if kind == b"mdat" and is_in_fragment:
                    whole = end
                is_in_fragment = kind == b"moof"
    except (FileNotFoundError, struct.error):
        return whole
    return whole


def fragments_duration_s(path: Path) -> float:
    """How long a fragmented MP4 lasts, up to its last complete fragment. 0.0: there is none, or it cannot be read."""
    try:
        end = whole_fragments_end(path)
        with path.open("rb") as file:
            scale, _ = _media_times(_video_track(_Box(_read_index(file))).find(b"mdia"))
            file.seek(0)
            fragments = [(begin, to) for kind, begin, to in _top_level(file) if kind == b"moof" and to < end]
            begin, to = fragments[-1]
            file.seek(begin)
            return _fragment_end(_Box(file.read(to - begin)).find(b"traf")) / scale
    except (OSError, struct.error, LookupError, ZeroDivisionError):
        return 0.0


class _Box:
    """The body of a box, which may contain further boxes."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def children(self) -> Iterator[tuple[bytes, _Box]]:
        at = 0
        while at + 8 <= len(self.body):
            size, kind = struct.unpack_from(">I4s", self.body, at)
            head = 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.body, at + 8)
                head = 16
            if size < head:
                return
            yield kind, _Box(self.body[at + head : at + size])
            at += size

    def get(self, kind: bytes) -> _Box | None:
        return next((box for name, box in self.children() if name == kind), None)

    def find(self, *kinds: bytes) -> _Box:
        box = self
        for kind in kinds:
            inner = box.get(kind)
            if inner is None:
                raise LookupError(kind)
            box = inner
        return box


def _top_level(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the body and end of each top-level box. The end of the last may lie beyond the end of the file."""
    at = 0
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        head_bytes = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            head_bytes = 16
        if size < head_bytes:
            return
        yield kind, at + head_bytes, at + size
        at += size
        file.seek(at)


def _read_index(file: BinaryIO) -> bytes:
    """The body of `moov`."""
    for kind, begin, end in _top_level(file):
        if kind == b"moov" and end - begin <= _MAX_INDEX_BYTES:
            return file.read(end - begin)
    raise LookupError(b"moov")


def _facts(index: _Box, size_bytes: int) -> VideoFactsPayload:
    track = _video_track(index)
    media = track.find(b"mdia")
    scale, duration = _media_times(media)
    table = media.find(b"minf", b"stbl")
    frames = sum(count for count, _ in _pairs(table.find(b"stts"), ">II"))
    width, height = struct.unpack(">II", track.find(b"tkhd").body[-8:])  # 16.16
    return VideoFactsPayload(
        duration_s=duration / scale,
        frames=frames,
        width=width >> 16,
        height=height >> 16,
        size_bytes=size_bytes,
        metadata=_metadata(index),
    )


def _video_track(index: _Box) -> _Box:
    for kind, box in index.children():
        if kind == b"trak" and box.find(b"mdia", b"hdlr").body[8:12] == b"vide":
            return box
    raise LookupError(b"vide")


def _fragment_end(track: _Box) -> int:
    """The time at which a track fragment ends, in ticks."""
    began = track.find(b"tfdt").body
    (at,) = struct.unpack_from(">Q" if began[0] == 1 else ">I", began, 4)
    head, run = track.find(b"tfhd").body, track.find(b"trun").body
    (head_flags,), (run_flags, samples) = struct.unpack_from(">I", head), struct.unpack_from(">II", run)
    if run_flags & _SAMPLES_HAVE_DURATIONS:
        entry = 4 * (run_flags >> 8 & 0xF).bit_count()
        first = 8 + 4 * (run_flags & _RUN_HAS_OFFSET) + 4 * bool(run_flags & _RUN_HAS_FIRST_FLAGS)
        return at + sum(struct.unpack_from(">I", run, first + entry * n)[0] for n in range(samples))
    if not head_flags & _HEAD_HAS_DURATION:
        raise LookupError(b"trun")
    skipped = 8 * bool(head_flags & _HEAD_HAS_OFFSET) + 4 * bool(head_flags & _HEAD_HAS_DESCRIPTION)
    return at + samples * struct.unpack_from(">I", head, 8 + skipped)[0]


def _pairs(table: _Box, layout: str) -> Iterator[tuple[int, int]]:
    """The entries of a table box, which follow its version, flags and entry count."""
    yield from struct.iter_unpack(layout, table.body[8:])


def _media_times(media: _Box) -> tuple[int, int]:
    """Ticks per second, and the duration in ticks."""
    body = media.find(b"mdhd").body
    # After version and flags: creation time, modification time, time scale, duration.
    layout = ">16xIQ" if body[0] == 1 else ">8xII"
    scale, duration = struct.unpack_from(layout, body, 4)
    return scale, duration


def _metadata(index: _Box) -> VideoMetadata:
    texts: dict[bytes, str] = {}
    try:
        meta = index.find(b"udta", b"meta")
        for kind, item in _Box(meta.body[_META_VERSION_BYTES:]).find(b"ilst").children():
            texts[kind] = item.find(b"data").body[_DATA_HEAD_BYTES:].decode(errors="replace")
    except LookupError:
        pass  # the file has no metadata
    return VideoMetadata(texts.get(_TITLE, ""), texts.get(_ARTIST, ""), texts.get(_COMMENT, ""))
