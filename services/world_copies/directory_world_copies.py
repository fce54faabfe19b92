"""Copies of worlds in a folder that servers share: a folder for each, of which only what has changed is written."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.files import disk_errors, write_whole
from services.input_log.pictures import pixels_hash
from services.picture_decoder.png_pixels import PixelsError, decode_pixels, encode_pixels
from services.world_copies.world_copies import WorldCopiesError, WorldCopy
from services.world_engine.world_engine import WorldSnapshot
from services.world_files.world_file import ModelFacts

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_engine.world_engine import Picture

_logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_NAME: Final = re.compile(r"[0-9a-f]{64}")
_Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_FACTS: Final = "facts.json"


class _Facts(BaseModel):
    """Written last; it names the other files of the copy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelFacts
    rng_seed: int
    seed_hash: _Digest
    seed_name: str | None
    picture: _Digest
    scene: _Digest
    words: str
    weights_hash: str
    state: Annotated[str, Field(pattern=r"^[0-9]+\.bin$")]
    passes: int
    passes_made: int
    every_s: float


class DirectoryWorldCopies:
    """A `WorldCopies`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, copy: WorldCopy) -> None:
        with disk_errors("folder of copies", WorldCopiesError):
            own = self._folder / name
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            picture, scene = pixels_hash(copy.picture), pixels_hash(copy.scene)
            pictures = {picture: copy.picture, scene: copy.scene}
            for digest, pixels in pictures.items():
                if not (own / f"{digest}.png").exists():
                    write_whole(own / f"{digest}.png", encode_pixels(pixels))
            seed = own / f"{copy.seed_hash}.seed"
            if not seed.exists():
                write_whole(seed, copy.seed)
            facts = _Facts(
                model=copy.model,
                rng_seed=copy.rng_seed,
                seed_hash=copy.seed_hash,
                seed_name=copy.seed_name,
                picture=picture,
                scene=scene,
                words=copy.words,
                weights_hash=copy.snapshot.weights_hash,
                state=f"{time.time_ns()}.bin",
                passes=copy.passes,
                passes_made=copy.passes_made,
                every_s=copy.every_s,
            )
            write_whole(own / facts.state, copy.snapshot.state)
            write_whole(own / _FACTS, facts.model_dump_json().encode())
            _drop_others(own, {_FACTS, seed.name, facts.state, *(f"{digest}.png" for digest in pictures)})

    def touch(self, name: str) -> None:
        with suppress(OSError):  # then it may be swept too early, and there is nothing to go on from
            (self._folder / name / _FACTS).touch()

    def read(self, name: str) -> WorldCopy | None:
        own = self._folder / name
        if _NAME.fullmatch(name) is None or not own.is_dir():
            return None
        try:
            return _read(own)
        except (OSError, ValidationError, PixelsError) as error:
            _logger.warning("The copy of a world cannot be read", reason=type(error).__name__)
            return None

    def remove(self, name: str) -> None:
        if _NAME.fullmatch(name) is not None:
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def sweep(self, older_s: float) -> None:
        newest = time.time() - older_s
        with suppress(OSError):  # nobody has written a copy yet
            for own in list(self._folder.iterdir()):
                facts = own / _FACTS
                with suppress(OSError):  # somebody else removes it just now
                    if (facts if facts.exists() else own).stat().st_mtime < newest:
                        self.remove(own.name)


def _read(own: Path) -> WorldCopy:
    """Raises: OSError, ValidationError, PixelsError."""
    facts = _Facts.model_validate_json((own / _FACTS).read_bytes())

    def pixels(digest: str) -> Picture:
        data = (own / f"{digest}.png").read_bytes()
        return decode_pixels(data, width=facts.model.width, height=facts.model.height)

    picture = pixels(facts.picture)
    return WorldCopy(
        model=facts.model,
        rng_seed=facts.rng_seed,
        seed=(own / f"{facts.seed_hash}.seed").read_bytes(),
        seed_hash=facts.seed_hash,
        seed_name=facts.seed_name,
        picture=picture,
        scene=picture if facts.scene == facts.picture else pixels(facts.scene),
        words=facts.words,
        snapshot=WorldSnapshot(facts.model.id, facts.weights_hash, (own / facts.state).read_bytes()),
        passes=facts.passes,
        passes_made=facts.passes_made,
        every_s=facts.every_s,
    )


def _drop_others(own: Path, kept: set[str]) -> None:
    for path in list(own.iterdir()):
        if path.name not in kept:
            path.unlink(missing_ok=True)
