"""Passes are written and read many at a time, and mean the same as line by line."""

from __future__ import annotations

from math import copysign

import pytest

from services.input_log.columns import InputColumns, PassInput
from services.input_log.lines import FrameCheck, encode_lines, frame_input
from services.input_log.passes import PassReader, encode_passes
from services.world_engine.world_engine import ControlPayload

DIGEST = "ab" * 32
ODD_NUMBERS = (0.0, -0.0, 0.1, -1 / 3, 1e-7, 5e-324, 1.7976931348623157e300, 123456789.125, 1e16, 2.0**60, -42.5)


def walk() -> InputColumns:
    columns = InputColumns()
    for number, value in enumerate(ODD_NUMBERS):
        buttons = frozenset({0x57, 0x10, 0xFFFF}) if number % 3 else frozenset[int]()
        columns.append(PassInput(ControlPayload(buttons, value, -value), 1.7e9 + number / 30, value))
    return columns


def lines_of(columns: InputColumns, first_number: int) -> bytes:
    return encode_lines(frame_input(number, given) for number, given in enumerate(columns, first_number))


def read(block: bytes, first_number: int = 1) -> list[PassInput] | None:
    passes = PassReader().read(block, first_number)
    if passes is None:
        return None
    columns = InputColumns()
    columns.append_rows(passes.rows)
    return list(columns)


def test_what_is_written_is_what_the_model_writes() -> None:
    columns = walk()
    lines = lines_of(columns, 41)
    assert encode_passes(41, columns.rows(0, len(columns))) == lines
    assert encode_passes(43, columns.rows(2, 5)) == b"".join(lines.splitlines(keepends=True)[2:5])
    assert encode_passes(41, columns.rows(3, 3)) == b""


def test_what_is_read_is_what_was_written_bit_by_bit() -> None:
    columns = walk()
    found = read(lines_of(columns, 41), 41)
    assert found == list(columns)
    signs = [copysign(1.0, given.control.mouse_dx) for given in columns]
    assert [copysign(1.0, given.control.mouse_dx) for given in found or ()] == signs, "-0.0 is not 0.0"


def test_checks_belong_to_the_passes_before_them() -> None:
    columns = walk()
    lines = lines_of(columns, 41).splitlines(keepends=True)
    check = [encode_lines([FrameCheck(frame_id=at, sha256=DIGEST)]) for at in (40, 43)]
    passes = PassReader().read(b"".join([check[0], *lines[:3], check[1], *lines[3:]]), 41)
    assert passes is not None
    assert passes.checks == ((0, DIGEST), (3, DIGEST))
    assert PassReader().read(b"".join([*lines[:2], check[1]]), 41) is None
    only_check = PassReader().read(check[0], 41)
    assert only_check is not None
    assert (only_check.checks, len(only_check.rows.ts)) == (((0, DIGEST),), 0)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"frame_id":2', b'"frame_id":3'),
        (b'"frame_id":2', b'"frame_id":02'),
        (b'"frame_id":2', b'"frame_id":2.0'),
        (b'"mouse_dx":0.1', b'"mouse_dx":1e999'),
        (b'"mouse_dx":0.1', b'"mouse_dx":NaN'),
        (b'"mouse_dx":0.1', b'"mouse_dx":.1'),
        (b'"mouse_dx":0.1', b'"mouse_dx":1_0'),
        (b'"mouse_dx":0.1', b'"mouse_dx": 0.1'),
        (b'"buttons":[16,87,65535]', b'"buttons":[16,87,65536]'),
        (b'"buttons":[16,87,65535]', b'"buttons":[16,,87]'),
        (b'"buttons":[16,87,65535]', b'"buttons":[16,087]'),
        (b'"type":"frame_input"', b'"type":"session_end"'),
        (b"}\n", b'},"x":1}\n'),
        (b"}\n", b"}"),
        (b"}\n", b"}\n\n"),
    ],
)
def test_what_is_written_otherwise_is_left_to_the_reader_of_lines(written: bytes, instead: bytes) -> None:
    lines = lines_of(walk(), 1)
    assert written in lines
    assert read(lines.replace(written, instead, 1)) is None


def test_rows_are_cut_from_columns_and_joined_again() -> None:
    columns, joined = walk(), InputColumns()
    joined.append(columns[1])  # so that the sets of buttons have other numbers here
    joined.extend(columns, 0, 4)
    joined.extend(columns, 4, len(columns))
    assert list(joined) == [columns[1], *columns]
