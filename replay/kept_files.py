"""The files that are kept of a script that was played, in one folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zipfile import ZIP_STORED, ZipFile

from replay.dataset import Dataset
from replay.film import Film
from replay.plan import ReplayError
from services.files import new_file, write_whole
from services.input_log.pictures import snapshot_hash
from services.picture_decoder.png_pixels import encode_pixels
from services.world_files.archive import write_world
from services.world_files.inputs_member import encode_inputs

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal, TypeAlias

    from replay.plan import ReplayPlan
    from replay.script import Script
    from replay.scripted_run import RunReport
    from replay.sinks import Sink
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_files.world_file import WorldFilePayload

    Role: TypeAlias = Literal["film", "world", "log", "frames"]

FILM: Final = "film.mp4"
WORLD: Final = "end.world"
LOG: Final = "inputs.ndjson"
PACKED: Final = "frames.zip"
_TO_PACK: Final = "to_pack"


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """What `script.keep` names. `is_packed`: frames and actions become one file, and the log stands alone."""

    script: Script
    folder: Path
    video_writer: VideoWriter
    frame_encoder: FrameEncoder
    is_packed: bool = False

    def sinks(self, plan: ReplayPlan) -> list[Sink]:
        """For what is written while the script is played. Raises: ReplayError."""
        has_frames = "frames" in self.script.keep
        sinks: list[Sink] = []
        if "film" in self.script.keep:
            sinks.append(Film(self.folder / FILM, plan, self.video_writer, self.frame_encoder))
        if not self.is_packed:
            sinks.append(Dataset(self.folder, plan, pictures=has_frames))
        elif has_frames:
            sinks.append(Dataset(self.folder / _TO_PACK, plan))
        return sinks

    def complete(self, report: RunReport) -> tuple[tuple[Role, str], ...]:
        """Write the rest; the role and the name of each file, in the order of roles. Raises: ReplayError."""
        made: list[tuple[Role, str]] = []
        keep = self.script.keep
        try:
            if "film" in keep:
                made.append(("film", FILM))
            if "world" in keep:
                _write_world(self.folder / WORLD, report.world)
                made.append(("world", WORLD))
            if "log" in keep:
                _write_log(self.folder / LOG, report.world, has_sides=not self.is_packed)
                made.append(("log", LOG))
            if "frames" in keep and self.is_packed:
                _pack(self.folder / _TO_PACK, self.folder / PACKED)
                made.append(("frames", PACKED))
        except OSError as error:
            raise ReplayError(f"What is kept of the script cannot be written: {error.strerror}.") from error
        return tuple(made)


def _write_world(path: Path, world: WorldFilePayload) -> None:
    with new_file(path.parent) as new:
        write_world(world, new.file)
        new.complete()
        new.move_to(path)


def _write_log(path: Path, world: WorldFilePayload, *, has_sides: bool) -> None:
    """`has_sides`: with the pictures and snapshots beside it that a replay of the log needs."""
    folder = path.parent
    if has_sides:
        scenes = {world.seed.picture} if world.base is None else {world.seed.picture, world.base.scene}
        (folder / "pictures").mkdir(exist_ok=True)
        for name in scenes:
            write_whole(folder / "pictures" / f"{name}.png", encode_pixels(world.pictures[name]))
        if world.base is not None:
            (folder / "snapshots").mkdir(exist_ok=True)
            snapshot = world.base.snapshot
            write_whole(folder / "snapshots" / f"{snapshot_hash(snapshot)}.bin", snapshot.state)
    with new_file(folder) as new:
        new.file.writelines(encode_inputs(world))
        new.complete()
        new.move_to(path)


def _pack(folder: Path, path: Path) -> None:
    with ZipFile(path, "w", ZIP_STORED) as packed:  # pictures are compressed already
        for file in sorted(found for found in folder.rglob("*") if found.is_file()):
            packed.write(file, file.relative_to(folder).as_posix())
    shutil.rmtree(folder)
