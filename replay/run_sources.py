"""What scripts begin in, on a machine without a server: files, and what lies in the data folder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from replay.dataset_folder import source_digest
from replay.script import FileStart, ScriptError, ScriptFault, SeedStart, WorldStart
from replay.script_start import PictureFile, SavedMoment, start_in_picture, start_in_world
from services.picture_decoder.picture_decoder import PictureError
from services.world_files.archive import read_world
from services.world_files.world_file import ModelFacts, WorldFileError

if TYPE_CHECKING:
    from pathlib import Path

    from replay.script import Script
    from replay.script_start import ScriptStart
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.seed_store.seed_store import SeedStore
    from services.world_engine.catalogue import WorldEngineCatalogue
    from services.world_engine.world_engine import WorldSpec
    from services.world_files.world_file import WorldFilePayload
    from services.world_files.world_store import WorldStore

_ZIP: Final = b"PK\x03\x04"
_LARGEST: Final = 1024 * 1024 * 1024  # bytes of a file that a script begins in

Beginning: TypeAlias = PictureFile | SavedMoment


class RunSources:
    """Every method blocks."""

    def __init__(
        self, seeds: SeedStore, worlds: WorldStore, decoder: PictureDecoder, catalogue: WorldEngineCatalogue
    ) -> None:
        self._seeds = seeds
        self._worlds = worlds
        self._decoder = decoder
        self._catalogue = catalogue

    def find(self, script: Script, folder: Path) -> Source:
        """What the script begins in; paths are from `folder`. Raises: ScriptError."""
        data, passes = self._bytes(script, folder)
        digest = source_digest(script, data)
        if not data.startswith(_ZIP):
            model = script.model or self._model_for(script)
            return Source(PictureFile(data), model, script.quant, digest, self._decoder)
        moment = SavedMoment(_world(data), passes)
        made_with = moment.world.model
        asked = (script.model or made_with.id, script.quant or made_with.quant)
        if asked != (made_with.id, made_with.quant):
            message = f"This world was made by {made_with.id} as “{made_with.quant}”, and cannot be played by another."
            raise ScriptError(ScriptFault.OTHER_ENGINE, message)
        return Source(moment, *asked, digest, self._decoder)

    def _bytes(self, script: Script, folder: Path) -> tuple[bytes, int | None]:
        try:
            match script.start:
                case SeedStart(hash=seed_hash):
                    data = self._seeds.read(seed_hash)
                    if data is None:
                        raise _unknown(f"There is no picture {seed_hash[:12]}… in the gallery of this data folder.")
                    return data, None
                case WorldStart(id=world_id, passes=passes):
                    path = self._worlds.path(world_id)
                    if path is None:
                        raise _unknown(f"There is no saved world “{world_id[:40]}” in this data folder.")
                    return _file(path), passes
                case FileStart(path=named, passes=passes):
                    return _file(folder / named), passes
                case _:
                    assert_never(script.start)
        except OSError as error:
            raise _unknown(f"What the script begins in cannot be read: {error.strerror}.") from error

    def _model_for(self, script: Script) -> str:
        found = self._seeds.find(script.start.hash) if isinstance(script.start, SeedStart) else None
        return self._catalogue.best_for(None if found is None else found.view_of).model_id


@dataclass(frozen=True, slots=True)
class Source:
    """What a script begins in, and which engine plays it. `quant` None: the engine's first one."""

    beginning: Beginning
    model: str
    quant: str | None
    digest: str
    decoder: PictureDecoder

    def start(self, script: Script, spec: WorldSpec, quant: str) -> ScriptStart:
        """Raises: ScriptError, the picture is none, or the world was made with other weights."""
        model = ModelFacts.of(spec, quant)
        match self.beginning:
            case PictureFile(data) as file:
                try:
                    picture = self.decoder.decode(data, width=spec.width, height=spec.height)
                except PictureError as error:
                    raise _unknown(error.message) from error
                return start_in_picture(file, script.rng_seed, model, picture)
            case SavedMoment() as moment:
                return start_in_world(moment, model)
            case _:
                assert_never(self.beginning)


def _file(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise _unknown(f"{path.name} is too large for what a script begins in.")
    return path.read_bytes()


def _world(data: bytes) -> WorldFilePayload:
    try:
        return read_world(io.BytesIO(data))
    except WorldFileError as error:
        raise _unknown(error.message) from error


def _unknown(message: str) -> ScriptError:
    return ScriptError(ScriptFault.START_UNKNOWN, message)
