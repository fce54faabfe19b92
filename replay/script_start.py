"""Where a script begins: in a picture, or at a moment of a saved world."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.script import ScriptError, ScriptFault
from services.input_log.columns import InputColumns
from services.input_log.pictures import pixels_hash
from services.world_files.world_file import ModelFacts, Prompted, WorldFilePayload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from services.world_engine.world_engine import Picture, WorldSpec
    from services.world_files.world_file import Change, WorldMoment

    Decode: TypeAlias = Callable[[bytes, WorldSpec], Picture]
    """The picture of a file at the size of an engine."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    data: bytes

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class SavedMoment:
    """A saved world after so many passes of it; None: where it was saved."""

    world: WorldFilePayload
    passes: int | None = None

    def __post_init__(self) -> None:
        """Raises: ScriptError, the file does not lead through that moment."""
        first, last = self.world.first_pass, self.world.place.passes
        if self.passes is not None and not first <= self.passes <= last:
            message = f"This saved world has the moments of {first} to {last} passes, and none of {self.passes}."
            raise ScriptError(ScriptFault.MOMENT_UNKNOWN, message)


@dataclass(frozen=True, slots=True)
class ScriptStart:
    """Where the world is entered (`base`; None: at its seed), and the way from there to where the script begins.

    `seed` and the scene of `base` are names of `pictures`. `words` steer the world where the script begins, `shown` is
    what was seen there, if that is known without playing the way.
    """

    model: ModelFacts
    rng_seed: int
    seed: str
    seed_file: str | None
    base: WorldMoment | None
    way: InputColumns
    changes: tuple[Change, ...]
    words: str
    shown: Picture | None
    pictures: Mapping[str, Picture]

    @property
    def first_pass(self) -> int:
        return 0 if self.base is None else self.base.passes


def start_in_picture(file: PictureFile, rng_seed: int, model: ModelFacts, picture: Picture) -> ScriptStart:
    """`picture` is what is in the file, at the size of the engine."""
    name = pixels_hash(picture)
    return ScriptStart(
        model=model,
        rng_seed=rng_seed,
        seed=name,
        seed_file=file.hash,
        base=None,
        way=InputColumns(),
        changes=(),
        words="",
        shown=picture,
        pictures={name: picture},
    )


def start_in_world(moment: SavedMoment, model: ModelFacts) -> ScriptStart:
    """Raises: ScriptError, the world was made by another engine than `model`, or with other weights."""
    world = moment.world
    require_engine_of(world, model)
    passes = world.place.passes if moment.passes is None else moment.passes
    before = tuple(change for change in world.changes if change.passes <= passes)
    is_end = passes == world.place.passes
    way = InputColumns()
    if not is_end:
        way.extend(world.inputs, 0, passes - world.first_pass)
    shown = world.pictures.get(world.place_picture or "") if is_end else None
    return ScriptStart(
        model=model,
        rng_seed=world.rng_seed,
        seed=world.seed.picture,
        seed_file=world.seed.file,
        base=world.place if is_end else world.base,
        way=way,
        changes=() if is_end else before,
        words=next((change.words for change in reversed(before) if isinstance(change, Prompted)), ""),
        shown=shown,
        pictures=world.pictures,
    )


def require_engine_of(world: WorldFilePayload, model: ModelFacts) -> None:
    """Raises: ScriptError."""
    made_with = world.model
    if (made_with.id, made_with.quant) != (model.id, model.quant):
        message = f"This world was made by {made_with.id} as “{made_with.quant}”, and cannot be played by {model.id}."
        raise ScriptError(ScriptFault.OTHER_ENGINE, message)
    if made_with != model:
        message = f"This world was made with other weights of {made_with.id} than are here, and would differ."
        raise ScriptError(ScriptFault.OTHER_ENGINE, message)
