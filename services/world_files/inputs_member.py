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
    Prompt,
    SceneEdit,
    SessionEnd,
    SessionStart,
    StartsFrom,
    encode_lines,
    pass_input,
)
from services.input_log.passes import PassReader, encode_passes
from services.input_log.pictures import snapshot_hash
from services.world_files.world_file import (
    FORMAT_VERSION,
    Change,
    Check,
    Continued,
    Prompted,
    WorldFileError,
    WorldFileFault,
    WorldFilePayload,
)
from services.world_files.zip_members import damaged, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.world_files.world_file import Manifest, WorldFileLimits
    from services.world_files.zip_members import ZipMembers

_MAX_CHECKS: Final = 100_000
_PASSES_AT_ONCE: Final = 256


@dataclass(slots=True)
class StoredInputs:
    columns: InputColumns
    changes: tuple[Change, ...]
    checks: tuple[Check, ...]


def encode_inputs(world: WorldFilePayload) -> Iterator[bytes]:
    """The lines of the passes in order, with the events after each.

    Passes are encoded some at a time, so that other threads get their turn in between.
    """
    first, passes = world.first_pass, len(world.inputs)
    events = _events(world)
    yield encode_lines([_start(world), *events.pop(first, ())])
    done = 0
    for at in [*sorted(at for at in events if at <= first + passes), first + passes]:
        while done < at - first:
            stop = min(at - first, done + _PASSES_AT_ONCE)
            yield encode_passes(first + done + 1, world.inputs.rows(done, stop))
            done = stop
        yield encode_lines(events.pop(at, ()))
    yield encode_lines([SessionEnd(ts=world.created_at, frame_id=world.place.passes)])


def _start(world: WorldFilePayload) -> SessionStart:
    base = world.base
    return SessionStart(
        ts=world.inputs[0].ts if len(world.inputs) else world.created_at,
        frame_id=world.first_pass,
        model=world.model.id,
        seed=world.seed.file,
        n_frames=world.model.frames_per_pass,
        has_prompt_conditioning=world.has_prompts,
        seed_target_size=(world.model.height, world.model.width),
        quant=world.model.quant,
        weights_hash=world.model.weights_hash,
        fps=world.model.fps,
        rng_seed=world.rng_seed,
        picture=world.seed.picture,
        starts_from=None if base is None else StartsFrom(snapshot=snapshot_hash(base.snapshot), scene=base.scene),
        versions=world.made_with.versions,
    )


def _events(world: WorldFilePayload) -> dict[int, list[LogLine]]:
    events: dict[int, list[LogLine]] = {}
    for check in world.checks:
        events.setdefault(check.passes, []).append(FrameCheck(frame_id=check.passes, sha256=check.sha256))
    for change in world.changes:
        ts, at = world.created_at, change.passes
        lines = events.setdefault(at, [])
        match change:
            case Continued(picture=picture, prompt=prompt):
                if prompt is not None:
                    lines.append(SceneEdit(ts=ts, frame_id=at, prompt=prompt))
                lines.append(ContinuedFrom(ts=ts, frame_id=at, picture=picture))
            case Prompted(words=words):
                lines.append(Prompt(ts=ts, frame_id=at, prompt=words))
    return events


def read_inputs(members: ZipMembers, name: str, manifest: Manifest, limits: WorldFileLimits) -> StoredInputs:
    """Block by block, so that a log of any length takes no more memory than the limits allow. Other threads get their
    turn between two blocks.

    Raises:
        WorldFileError: it is too long, not what the manifest says, or no log of one stretch.
    """
    if manifest.inputs.passes > limits.max_passes:
        raise _too_long(limits)
    digest = hashlib.sha256()
    collector = _Collector(manifest, limits)
    for block in members.blocks(name, max_bytes=limits.inputs_bytes, max_line=limits.line_bytes):
        digest.update(block)
        collector.take_block(block)
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
        self._pass_reader = PassReader()
        self.columns = InputColumns()
        self.changes: list[Change] = []
        self.checks: list[Check] = []

    def take_block(self, block: bytes) -> None:
        """Whole lines. Passes and their checks are read together, which is most of any file; other lines one by one."""
        is_in_passes = self._has_begun and not self._has_ended and self._prompt is None
        passes = self._pass_reader.read(block, self._number + 1) if is_in_passes else None
        if passes is None:
            for text in block.splitlines(keepends=True):
                self._take_text(text)
            return
        self.columns.append_rows(passes.rows)
        self.checks += [Check(self._number + before, sha256) for before, sha256 in passes.checks]
        self._number += len(passes.rows.ts)
        self._check_limits()

    def _take_text(self, text: bytes) -> None:
        if len(text) > self._limits.line_bytes:
            raise too_large()
        try:
            self._take(LOG_LINE.validate_json(text))
        except ValidationError as error:
            raise damaged("a line of its inputs cannot be read") from error

    def _take(self, line: LogLine) -> None:
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
            case Prompt(frame_id=at, prompt=words) if at == self._number and self._manifest.version > FORMAT_VERSION:
                self.changes.append(Prompted(at, words))
            case SceneEdit(frame_id=at, prompt=prompt) if at == self._number:
                self._prompt = prompt
            case FrameCheck(frame_id=at, sha256=sha256) if at == self._number:
                self.checks.append(Check(at, sha256))
            case SessionEnd(frame_id=at) if at == self._number:
                self._has_ended = True
            case _:
                raise damaged("its inputs hold an event that no world file has")
        self._check_limits()

    def _check_limits(self) -> None:
        if (
            len(self.columns) > self._limits.max_passes
            or sum(isinstance(change, Continued) for change in self.changes) > self._limits.max_changes
            or sum(isinstance(change, Prompted) for change in self.changes) > self._limits.max_changes
            or len(self.checks) > _MAX_CHECKS
        ):
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
        self.columns.append(pass_input(line))


def _too_long(limits: WorldFileLimits) -> WorldFileError:
    return WorldFileError(
        WorldFileFault.TOO_LARGE, f"The inputs of this world are longer than {limits.max_passes} passes."
    )
