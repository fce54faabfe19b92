"""What a replay says while it runs and in the end: to a person, or to the program that started it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, Self, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.plan import ReplayPlan
    from replay.player import Findings

_LINE_S: Final = 0.25  # between two lines about progress


class Teller(Protocol):
    """Entered while passes are replayed."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def passed(self, passes: int) -> None:
        """So many passes have been replayed."""
        ...

    def report(self, made: Sequence[str], plan: ReplayPlan, findings: Findings, taken_s: float) -> None:
        """`made` are sentences about what was written."""
        ...


class ToPeople:
    """A bar on a terminal: on anything else a redrawn line would only fill a log. Then the report."""

    def __init__(self, passes: int, out: TextIO, err: TextIO, *, quiet: bool) -> None:
        self._out = out
        self._bar: tqdm[NoReturn] = tqdm(total=passes, unit="pass", file=err, disable=True if quiet else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def passed(self, passes: int) -> None:
        self._bar.update(passes - self._bar.n)

    def report(self, made: Sequence[str], plan: ReplayPlan, findings: Findings, taken_s: float) -> None:
        with suppress(OSError):  # the reader may be gone; the exit status says it too
            for line in (*made, *sentences_of(plan, findings, taken_s)):
                print(line, file=self._out)
            self._out.flush()


class ToPrograms:
    """Lines of JSON: progress a few times a second, then the report.

    A program that ends leaves a pipe that cannot be written, and the replay ends with it.
    """

    def __init__(self, passes: int, out: TextIO) -> None:
        self._passes = passes
        self._out = out
        self._told_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def passed(self, passes: int) -> None:
        now = time.monotonic()
        if now - self._told_at >= _LINE_S:
            self._told_at = now
            self._tell({"event": "progress", "passes": passes, "of": self._passes})

    def report(self, made: Sequence[str], plan: ReplayPlan, findings: Findings, taken_s: float) -> None:
        self._tell(
            {
                "event": "report",
                "passes": findings.passes,
                "digest": findings.digest,
                "is_exact": findings.verdict,
                "sentences": [*made, *sentences_of(plan, findings, taken_s)],
            }
        )

    def _tell(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self._out, flush=True)


def sentences_of(plan: ReplayPlan, findings: Findings, taken_s: float) -> list[str]:
    """How long it took, and what was compared."""
    speed = plan.duration_s / taken_s if taken_s else 0.0
    lines = [
        f"{len(plan.inputs)} passes, {plan.duration_s:.2f} s of {plan.model.id} in {taken_s:.2f} s ({speed:.1f}x)",
        f"frames: sha256 {findings.digest}",
    ]
    if not findings.is_exact:
        lines += _differences(plan, findings)
    elif not plan.inputs:
        lines.append("compared: nothing, as there is no pass in the file")
    elif not findings.has_compared:
        lines.append("compared: nothing, as the file holds nothing to compare with")
    else:
        lines.append(f"compared: exact, at {_places(findings)}")
    return lines


def _places(findings: Findings) -> str:
    along = f"{findings.checked} frames along the way"
    return f"{along} and at the end" if findings.has_compared_end else along


def _differences(plan: ReplayPlan, findings: Findings) -> list[str]:
    lines = [f"compared: {len(findings.differing)} of {findings.checked} frames along the way differ"]
    if findings.differing:
        lines.append(f"the first that differs is that of pass {findings.differing[0]}")
    if findings.same_state is False:
        lines.append("the world's state at the end differs")
    if findings.largest:
        lines.append(f"the last frame differs by {findings.largest} of 255 at most, {findings.mean:.3f} on average")
    vouched = plan.tolerance.other_machines
    lines.append(
        "the file vouches for nothing on other machines than its own"
        if vouched is None
        else f"the file vouches for {vouched} of 255 on other machines than its own"
    )
    made_with = ", ".join(f"{name} {version}" for name, version in sorted(plan.made_with.versions.items()))
    lines.append(f"it was made on {plan.made_with.machine or 'a machine it does not name'} with {made_with}")
    return lines
