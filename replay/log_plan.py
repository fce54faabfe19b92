"""Input logs as something to be replayed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from replay.plan import ReplayError, ReplayPlan
from services.input_log.columns import InputColumns
from services.input_log.lines import (
    LOG_FORMAT,
    LOG_LINE,
    ContinuedFrom,
    FrameCheck,
    FrameInput,
    Prompt,
    SceneEdit,
    SessionStart,
    pass_input,
)
from services.input_log.pictures import pixels_hash
from services.picture_decoder.png_pixels import PixelsError, decode_pixels
from services.world_engine.world_engine import WorldSnapshot
from services.world_files.world_file import (
    Change,
    Check,
    Continued,
    ModelFacts,
    Origins,
    Prompted,
    Tolerance,
    WorldMoment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.input_log.lines import LogLine
    from services.world_engine.world_engine import Picture

_LONGEST_LINE: Final = 64 * 1024
_MAX_SIDE_FILE: Final = 64 * 1024 * 1024
_MAX_PASSES: Final = 2_000_000


def plan_of_log(path: Path) -> ReplayPlan:
    """A log that was cut off by a crash is replayed as far as it goes.

    Raises:
        ReplayError: it is no log, or what lies beside it is missing or was changed.
        OSError: it cannot be read.
    """
    lines = _lines(path)
    first = next(lines, None)
    if not isinstance(first, SessionStart):
        raise ReplayError(f"{path.name} is no input log: it does not begin with session_start.")
    if first.format != LOG_FORMAT or first.picture is None:
        raise ReplayError(f"{path.name} is of another kind than this version can replay.")
    return _Gathering(path, first).gather(lines)


class _Gathering:
    def __init__(self, path: Path, first: SessionStart) -> None:
        self._path = path
        self._first = first
        height, width = first.seed_target_size
        self._model = ModelFacts(
            id=first.model,
            quant=first.quant,
            weights_hash=first.weights_hash,
            frames_per_pass=first.n_frames,
            fps=first.fps,
            width=width,
            height=height,
        )
        self._pictures: dict[str, Picture] = {}

    def gather(self, lines: Iterator[LogLine]) -> ReplayPlan:
        first, seed = self._first, self._first.picture or ""
        self._picture(seed)
        base = None
        if first.starts_from is not None:
            scene = self._picture(first.starts_from.scene)
            base = WorldMoment(first.frame_id, self._snapshot(first.starts_from.snapshot), scene)
        inputs, changes, checks = InputColumns(), list[Change](), list[Check]()
        words: str | None = None  # of the picture that comes before the next pass
        for line in lines:
            match line:
                case FrameInput(frame_id=number):
                    if number != first.frame_id + len(inputs) + 1 or len(inputs) >= _MAX_PASSES:
                        raise ReplayError(f"{self._path.name} has a gap, or is too long, at pass {number}.")
                    inputs.append(pass_input(line))
                    words = None
                case ContinuedFrom(frame_id=at, picture=picture):
                    changes.append(Continued(at, self._picture(picture), words))
                    words = None
                case SceneEdit(prompt=prompt):
                    words = prompt
                case Prompt(frame_id=at, prompt=prompt):
                    changes.append(Prompted(at, prompt))
                case FrameCheck(frame_id=at, sha256=digest):
                    checks.append(Check(at, digest))
                case _:
                    pass
        return ReplayPlan(
            title=self._path.stem,
            model=self._model,
            rng_seed=first.rng_seed,
            seed=seed,
            base=base,
            place=None,
            place_picture=None,
            inputs=inputs,
            changes=tuple(changes),
            checks=tuple(check for check in checks if check.passes <= first.frame_id + len(inputs)),
            pictures=self._pictures,
            made_with=Origins(versions=first.versions, machine=""),
            tolerance=Tolerance(),
        )

    def _picture(self, name: str) -> str:
        if name not in self._pictures:
            try:
                data = self._beside("pictures", f"{name}.png")
                picture = decode_pixels(data, width=self._model.width, height=self._model.height)
            except PixelsError as error:
                raise ReplayError(f"The picture {name[:12]}… beside the log is damaged.") from error
            if pixels_hash(picture) != name:
                raise ReplayError(f"The picture {name[:12]}… beside the log was changed.")
            self._pictures[name] = picture
        return name

    def _snapshot(self, name: str) -> WorldSnapshot:
        state = self._beside("snapshots", f"{name}.bin")
        if hashlib.sha256(state).hexdigest() != name:
            raise ReplayError(f"The snapshot {name[:12]}… beside the log was changed.")
        return WorldSnapshot(self._model.id, self._model.weights_hash, state)

    def _beside(self, folder: str, name: str) -> bytes:
        path = self._path.parent / folder / name
        try:
            if path.stat().st_size > _MAX_SIDE_FILE:
                raise ReplayError(f"{folder}/{name} beside the log is too large.")
            return path.read_bytes()
        except FileNotFoundError as error:
            raise ReplayError(f"The log needs {folder}/{name} beside it, and it is not there.") from error


def _lines(path: Path) -> Iterator[LogLine]:
    """The last line of a log that was cut off may be half a line; it is left out."""
    with path.open("rb") as file:
        while True:
            text = file.readline(_LONGEST_LINE)
            if not text:
                return
            try:
                yield LOG_LINE.validate_json(text)
            except ValidationError as error:
                if not text.endswith(b"\n") and not file.read(1):
                    return
                raise ReplayError(f"{path.name} has a line that cannot be read.") from error
