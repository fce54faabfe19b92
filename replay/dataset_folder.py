"""A data set of many scripts: a folder for each, and a manifest that says what is in it and how it is split."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replay.plan import ReplayError
from services.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from replay.script import Script
    from replay.scripted_run import RunReport

MANIFEST: Final = "dataset.json"
EPISODES: Final = "episodes"
EPISODE: Final = "episode.json"
SCRIPT: Final = "script.json"
FORMAT: Final = "terrarium.dataset"

Part: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of a hundred; the rest is for training."""

    validation: int = 10
    test: int = 10

    def part_of(self, digest: str) -> Part:
        """By the digest of an episode alone: whichever others there are, it stays where it is."""
        drawn = int(digest[:16], 16) * 100 // 16**16
        if drawn < self.test:
            return "test"
        return "validation" if drawn < self.test + self.validation else "train"


class Episode(BaseModel):
    """One script that was played. `source` is the SHA-256 of the script and of what it begins in, `digest` of all its
    frames. It is written last, so that a folder that has it is whole."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    title: str
    part: Part
    source: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    digest: str
    passes: int
    frames: int
    duration_s: float
    first_pass: int
    fps: int
    frames_per_pass: int
    width: int
    height: int
    model: str
    quant: str
    weights_hash: str
    rng_seed: int
    files: dict[str, str]
    versions: dict[str, str]
    machine: str


class DatasetFolder:
    """Every method blocks and raises ReplayError where the folder cannot be read or written."""

    def __init__(self, folder: Path, split: Split) -> None:
        self._folder = folder
        self._split = split

    def find(self, name: str, source: str) -> Episode | None:
        """The episode of that name, if it is whole. Raises: ReplayError, also where it was made from something else."""
        episode = self._read(name)
        if episode is not None and episode.source != source:
            raise ReplayError(
                f"{self._folder} has an episode “{name}” already, made from another script or another beginning. "
                "Choose another folder, or remove that episode."
            )
        return episode

    def begin(self, name: str) -> Path:
        """An empty folder for an episode. What an interrupted run has left there is removed."""
        folder = self.folder_of(name)
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        except OSError as error:
            raise self._fault(error) from error
        return folder

    def complete(self, name: str, source: str, script: Script, report: RunReport, files: dict[str, str]) -> Episode:
        world = report.world
        model = world.model
        episode = Episode(
            name=name,
            title=script.title,
            part=self._split.part_of(source),
            source=source,
            digest=report.digest,
            passes=report.passes,
            frames=report.frames,
            duration_s=report.frames / model.fps,
            first_pass=world.first_pass,
            fps=model.fps,
            frames_per_pass=model.frames_per_pass,
            width=model.width,
            height=model.height,
            model=model.id,
            quant=model.quant,
            weights_hash=model.weights_hash,
            rng_seed=world.rng_seed,
            files=files,
            versions=world.made_with.versions,
            machine=world.made_with.machine,
        )
        folder = self.folder_of(name)
        try:
            write_whole(folder / SCRIPT, script.model_dump_json(indent=2).encode())
            write_whole(folder / EPISODE, episode.model_dump_json(indent=2).encode())
        except OSError as error:
            raise self._fault(error) from error
        return episode

    def write_manifest(self) -> None:
        """Of every whole episode in the folder, by name. The split is that of this run, for all of them."""
        try:
            names = sorted(path.parent.name for path in (self._folder / EPISODES).glob(f"*/{EPISODE}"))
            found = [episode for name in names if (episode := self._read(name)) is not None]
            episodes = [each.model_copy(update={"part": self._split.part_of(each.source)}) for each in found]
            parts = [episode.part for episode in episodes]
            manifest = {
                "format": FORMAT,
                "version": 1,
                "episodes_in": EPISODES,
                "split": {part: parts.count(part) for part in ("train", "validation", "test")},
                "passes": sum(episode.passes for episode in episodes),
                "frames": sum(episode.frames for episode in episodes),
                "duration_s": sum(episode.duration_s for episode in episodes),
                "episodes": [episode.model_dump() for episode in episodes],
            }
            write_whole(self._folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
        except OSError as error:
            raise self._fault(error) from error

    def folder_of(self, name: str) -> Path:
        return self._folder / EPISODES / name

    def _read(self, name: str) -> Episode | None:
        try:
            return Episode.model_validate_json((self.folder_of(name) / EPISODE).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise ReplayError(f"The episode “{name}” in {self._folder} has a damaged {EPISODE}.") from error
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> ReplayError:
        return ReplayError(f"{self._folder} cannot be used: {error.strerror}.")


def source_digest(script: Script, start: bytes) -> str:
    """SHA-256 (hex) of a script and of the file that it begins in."""
    return hashlib.sha256(f"{script.digest} {hashlib.sha256(start).hexdigest()}".encode()).hexdigest()
