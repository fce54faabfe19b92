"""Writes H.264 that is encoded already as a fragmented MP4: what was written is whole after each fragment.

ISO/IEC 14496-12 defines the boxes, 14496-15 how H.264 lies in them; the metadata is in Apple's `ilst` box.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.video_encoder.annex_b import length_prefixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.video_encoder.annex_b import ParameterSets
    from services.video_writer.video_writer import RecordingPlan, VideoMetadata

_TICKS_PER_S: Final = 90_000
_TRACK: Final = 1
_KEY_SAMPLE: Final = 0x0200_0000  # it depends on no other
_DELTA_SAMPLE: Final = 0x0101_0000  # it depends on others, and is no place to begin at
_BASE_IS_MOOF: Final = 0x02_0000
_RUN_FLAGS: Final = 0x1 | 0x100 | 0x200 | 0x400  # data offset; of each sample its duration, size and flags
_PROFILES_WITHOUT_CHROMA: Final = (66, 77, 88)
_CHROMA: Final = b"\xfd\xf8\xf8\x00"  # 4:2:0, eight bits, no extensions


@dataclass(frozen=True, slots=True)
class Sample:
    """An access unit, and when it is shown, in microseconds from the beginning."""

    at_us: int
    until_us: int
    unit: bytes
    is_key: bool


def file_head(plan: RecordingPlan, sets: ParameterSets) -> bytes:
    """What comes before the first fragment."""
    width, height = plan.width & ~1, plan.height & ~1
    track = _box(b"trak", _track_header(width, height), _media(width, height, sets))
    extends = _box(b"mvex", _full(b"trex", 0, struct.pack(">5I", _TRACK, 1, 0, 0, 0)))
    index = _box(b"moov", _movie_header(), track, extends, _user_data(plan.metadata))
    return _box(b"ftyp", b"isom\x00\x00\x02\x00isomiso5iso6mp41") + index


def fragment(number: int, samples: Sequence[Sample], sets: ParameterSets) -> bytes:
    """Samples in order of time, each shown until the next one. `number` counts the fragments of a file from 1."""
    data = [length_prefixed(sample.unit, sets) for sample in samples]
    entries = b"".join(
        struct.pack(
            ">III",
            _ticks(sample.until_us) - _ticks(sample.at_us),
            len(each),
            _KEY_SAMPLE if sample.is_key else _DELTA_SAMPLE,
        )
        for sample, each in zip(samples, data, strict=True)
    )
    head = _full(b"tfhd", _BASE_IS_MOOF, struct.pack(">I", _TRACK))
    begin = _full(b"tfdt", 0, struct.pack(">Q", _ticks(samples[0].at_us)), version=1)

    def movie_fragment(data_offset: int) -> bytes:
        run = _full(b"trun", _RUN_FLAGS, struct.pack(">Ii", len(samples), data_offset) + entries)
        return _box(b"moof", _full(b"mfhd", 0, struct.pack(">I", number)), _box(b"traf", head, begin, run))

    to_data = len(movie_fragment(0)) + 8  # and the head of the box that has the data
    return movie_fragment(to_data) + _box(b"mdat", *data)


def _ticks(us: int) -> int:
    return us * _TICKS_PER_S // 1_000_000


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, flags: int, body: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), body)


def _movie_header() -> bytes:
    rate_and_volume = struct.pack(">IH10x", 0x10000, 0x100)
    return _full(b"mvhd", 0, struct.pack(">4I", 0, 0, 1000, 0) + rate_and_volume + _upright() + bytes(24) + b"\0\0\0\2")


def _track_header(width: int, height: int) -> bytes:
    is_used = 0x3
    times = struct.pack(">5I", 0, 0, _TRACK, 0, 0)
    size = struct.pack(">II", width << 16, height << 16)
    return _full(b"tkhd", is_used, times + bytes(16) + _upright() + size)


def _media(width: int, height: int, sets: ParameterSets) -> bytes:
    header = _full(b"mdhd", 0, struct.pack(">4IHH", 0, 0, _TICKS_PER_S, 0, 0x55C4, 0))  # no language
    handler = _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide") + b"VideoHandler\0")
    in_this_file = _full(b"dref", 0, struct.pack(">I", 1) + _full(b"url ", 1, b""))
    empty = [_full(kind, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    table = _box(b"stbl", _descriptions(width, height, sets), *empty, _full(b"stsz", 0, bytes(8)))
    info = _box(b"minf", _full(b"vmhd", 1, bytes(8)), _box(b"dinf", in_this_file), table)
    return _box(b"mdia", header, handler, info)


def _descriptions(width: int, height: int, sets: ParameterSets) -> bytes:
    dots_per_inch = 0x48_0000
    look = struct.pack(">16xHHIIIH32xHh", width, height, dots_per_inch, dots_per_inch, 0, 1, 24, -1)
    entry = _box(b"avc1", struct.pack(">6xH", 1), look, _box(b"avcC", _decoder_configuration(sets)))
    return _full(b"stsd", 0, struct.pack(">I", 1) + entry)


def _decoder_configuration(sets: ParameterSets) -> bytes:
    profile = sets.sequence[1:4]
    body = b"\x01" + profile + b"\xff\xe1" + len(sets.sequence).to_bytes(2, "big") + sets.sequence
    body += b"\x01" + len(sets.picture).to_bytes(2, "big") + sets.picture
    return body if profile[0] in _PROFILES_WITHOUT_CHROMA else body + _CHROMA


def _user_data(metadata: VideoMetadata) -> bytes:
    texts = {b"\xa9nam": metadata.title, b"\xa9ART": metadata.artist, b"\xa9cmt": metadata.comment}
    items = [_box(kind, _full(b"data", 1, bytes(4) + text.encode())) for kind, text in texts.items()]
    handler = _full(b"hdlr", 0, struct.pack(">I4s4s9x", 0, b"mdir", b"appl"))
    return _box(b"udta", _full(b"meta", 0, handler + _box(b"ilst", *items)))


def _upright() -> bytes:
    """The matrix that leaves pictures as they are."""
    return struct.pack(">9I", 0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000)
