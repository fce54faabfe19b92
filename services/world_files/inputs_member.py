"""The inputs inside a world file: an input log of one stretch, from the world's base to its place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from services.input_log.columns import InputColumns
from services.input_log.lines import (
    LOG_LINE,
    ContinuedFrom,
    FrameCheck,
    FrameInput,
    LogLine,
    SceneEdit,
    SessionEnd,
    SessionStart,
    StartsFrom,
    encode_lines,
    frame_input,
    pass_input,
)
from services.input_log.pictures import snapshot_hash
from services.world_files.world_file import Check, Continued, WorldFileError, WorldFileFault, WorldFilePayload
from services.world_files.zip_members import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.world_files.world_file import Manifest, WorldFileLimits
    from services.world_files.zip_members import ZipMembers

_MAX_CHECKS: Final = 100_000


@dataclass(slots=True)
class StoredInputs:
    columns: InputColumns
    changes: tuple[Continued, ...]
    checks: tuple[Check, ...]


def encode_inputs(world: WorldFilePayload) -> bytes:
    return encode_lines(_lines(world))


def _lines(world: WorldFilePayload) -> Iterator[LogLine]:
    """The passes in order, each followed by the events after it."""
    base, last_ts = world.base, world.created_at
    yield SessionStart(
        ts=world.inputs[0].ts if len(world.inputs) else last_ts,
        frame_id=world.first_pass,
        model=world.model.id,
        seed=world.seed.file,
        n_frames=world.model.frames_per_pass,
        seed_target_size=(world.model.height, world.model.width),
        quant=world.model.quant,
        weights_hash=world.model.weights_hash,
        fps=world.model.fps,
        rng_seed=world.rng_seed,
        picture=world.seed.picture,
        starts_from=None if base is None else StartsFrom(snapshot=snapshot_hash(base.snapshot), scene=base.scene),
        versions=world.made_with.versions,
    )
    events = _events(world)
    yield from events.get(world.first_pass, ())
    for number, given in enumerate(world.inputs, world.first_pass + 1):
        yield frame_input(number, given)
        yield from events.get(number, ())
    yield SessionEnd(ts=last_ts, frame_id=world.place.passes)


def _events(world: WorldFilePayload) -> dict[int, list[LogLine]]:
    events: dict[int, list[LogLine]] = {}
    for check in world.checks:
        events.setdefault(check.passes, []).append(FrameCheck(frame_id=check.passes, sha256=check.sha256))
    for change in world.changes:
        ts, at = world.created_at, change.passes
        if change.prompt is not None:
            events.setdefault(at, []).append(SceneEdit(ts=ts, frame_id=at, prompt=change.prompt))
        events.setdefault(at, []).append(ContinuedFrom(ts=ts, frame_id=at, picture=change.picture))
    return events


def read_inputs(members: ZipMembers, name: str, manifest: Manifest, limits: WorldFileLimits) -> StoredInputs:
    """Line by line, so that a log of any length takes no more memory than the limits allow.

    Raises:
        WorldFileError: it is too long, not what the manifest says, or no log of one stretch.
    """
    if manifest.inputs.passes > limits.max_passes:
        raise _too_long(limits)
    digest = hashlib.sha256()
    collector = _Collector(manifest, limits)
    for text in members.lines(name, max_bytes=limits.inputs_bytes, max_line=limits.line_bytes):
        digest.update(text)
        try:
            collector.take(LOG_LINE.validate_json(text))
        except ValidationError as error:
            raise damaged("a line of its inputs cannot be read") from error
    if digest.hexdigest() != manifest.inputs.sha256 or len(collector.columns) != manifest.inputs.passes:
        raise damaged("its inputs were changed")
    return StoredInputs(collector.columns, tuple(collector.changes), tuple(collector.checks))


class _Collector:
    """Reads lines one by one and refuses any that is out of place."""

    def __init__(self, manifest: Manifest, limits: WorldFileLimits) -> None:
        self._manifest = manifest
        self._limits = limits
        self._number = 0 if manifest.base is None else manifest.base.passes
        self._has_begun = False
        self._has_ended = False
        self._prompt: str | None = None  # its picture is in the next line
        self.columns = InputColumns()
        self.changes: list[Continued] = []
        self.checks: list[Check] = []

    def take(self, line: LogLine) -> None:
        if self._has_ended or isinstance(line, SessionStart) == self._has_begun:
            raise damaged("its inputs are out of order")
        if self._prompt is not None and not isinstance(line, ContinuedFrom):
            raise damaged("its inputs are out of order")
        match line:
            case SessionStart():
                self._begin(line)
            case FrameInput():
                self._pass(line)
            case ContinuedFrom(frame_id=at, picture=picture) if at == self._number:
                self.changes.append(Continued(at, picture, self._prompt))
                self._prompt = None
            case SceneEdit(frame_id=at, prompt=prompt) if at == self._number:
                self._prompt = prompt
            case FrameCheck(frame_id=at, sha256=sha256) if at == self._number:
                self.checks.append(Check(at, sha256))
            case SessionEnd(frame_id=at) if at == self._number:
                self._has_ended = True
            case _:
                raise damaged("its inputs hold an event that no world file has")
        if len(self.changes) > self._limits.max_changes or len(self.checks) > _MAX_CHECKS:
            raise _too_long(self._limits)

    def _begin(self, line: SessionStart) -> None:
        self._has_begun = True
        said = (line.model, line.weights_hash, line.rng_seed, line.picture, line.frame_id)
        model = self._manifest.model
        seed = self._manifest.seed.picture
        if said != (model.id, model.weights_hash, self._manifest.rng_seed, seed, self._number):
            raise damaged("its inputs belong to another world")

    def _pass(self, line: FrameInput) -> None:
        self._number += 1
        if line.frame_id != self._number:
            raise damaged("its inputs are out of order")
        if len(self.columns) >= self._limits.max_passes:
            raise _too_long(self._limits)
        self.columns.append(pass_input(line))


def _too_long(limits: WorldFileLimits) -> WorldFileError:
    return WorldFileError(
        WorldFileFault.TOO_LARGE, f"The inputs of this world are longer than {limits.max_passes} passes."
    )
