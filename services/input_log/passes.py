"""The lines of passes, many at a time: a walk of hours has a million of them.

What is written is what `FrameInput` would write, byte by byte. What is read is held to the same rules; anything that
is not written exactly so is left to `LOG_LINE`.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from pydantic_core import to_json

from services.input_log.columns import InputRows
from services.input_log.lines import LOG_LINE, FrameInput

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNT: Final = rb"(?:0|[1-9][0-9]{0,15})"
_NUMBER: Final = rb"-?(?:0|[1-9][0-9]{0,24})(?:\.[0-9]{1,24})?(?:e[-+]?[0-9]{1,3})?"
_PASS: Final = (
    rb'\{"type":"frame_input","ts":(%b),"frame_id":(%b),"buttons":\[([0-9,]{0,1600})\],'
    rb'"mouse_dx":(%b),"mouse_dy":(%b),"client_ts":(%b)\}\n'
) % (_NUMBER, _COUNT, _NUMBER, _NUMBER, _NUMBER)
_CHECK: Final = rb'\{"type":"frame_check","frame_id":(%b),"sha256":"([0-9a-f]{64})"\}\n' % _COUNT
_LINE: Final = re.compile(rb"(%b|%b)" % (_PASS, _CHECK))


@dataclass(frozen=True, slots=True)
class PassBlock:
    """Passes in a row, and the checks between them: how many of these passes come before each, and what it says."""

    rows: InputRows
    checks: tuple[tuple[int, str], ...]


def encode_passes(first_number: int, rows: InputRows) -> bytes:
    """The lines of passes in a row; `first_number` is that of the first in its world."""
    columns = zip(rows.buttons, rows.dx, rows.dy, rows.ts, rows.client_ts, strict=True)
    lines = [
        {
            "type": "frame_input",
            "ts": ts,
            "frame_id": number,
            "buttons": sorted(buttons),
            "mouse_dx": dx,
            "mouse_dy": dy,
            "client_ts": client_ts,
        }
        for number, (buttons, dx, dy, ts, client_ts) in enumerate(columns, first_number)
    ]
    return to_json(lines)[1:-1].replace(b"},{", b"}\n{") + b"\n" if lines else b""


class PassReader:
    """Reads blocks of lines. Each set of buttons is checked when it is first seen."""

    def __init__(self) -> None:
        self._buttons: dict[bytes, frozenset[int]] = {}

    def read(self, block: bytes, first_number: int) -> PassBlock | None:
        """`block` is whole lines, of which the first pass has `first_number`.

        None: it holds something else than passes that follow each other, with checks of the pass before.
        """
        found: list[tuple[bytes, ...]] = _LINE.findall(block)
        if sum(len(line[0]) for line in found) != len(block):
            return None
        passes = [line for line in found if line[2]]
        checks = _checks(found, first_number)
        numbers = list(map(int, (line[2] for line in passes)))
        if checks is None or numbers != list(range(first_number, first_number + len(passes))):
            return None
        rows = self._rows(passes)
        return None if rows is None else PassBlock(rows, checks)

    def _rows(self, passes: Sequence[tuple[bytes, ...]]) -> InputRows | None:
        for line in passes:
            if line[3] not in self._buttons and not self._learn(line):
                return None
        ts, dx, dy, client_ts = (array("d", map(float, (line[at] for line in passes))) for at in (1, 4, 5, 6))
        if not isfinite(sum(map(sum, (ts, dx, dy, client_ts)))):  # one of them is not, or all are enormous
            return None
        known = self._buttons
        return InputRows([known[line[3]] for line in passes], dx, dy, ts, client_ts)

    def _learn(self, line: tuple[bytes, ...]) -> bool:
        try:
            read = LOG_LINE.validate_json(line[0])
        except ValidationError:
            return False
        if not isinstance(read, FrameInput):
            return False
        self._buttons[line[3]] = frozenset(read.buttons)
        return True


def _checks(found: Sequence[tuple[bytes, ...]], first_number: int) -> tuple[tuple[int, str], ...] | None:
    """None: one is not of the pass before it."""
    checks: list[tuple[int, str]] = []
    for at, line in enumerate(found):
        if line[7]:
            passes_before = at - len(checks)
            if int(line[7]) != first_number - 1 + passes_before:
                return None
            checks.append((passes_before, line[8].decode()))
    return tuple(checks)
