"""World files as zip archives: a manifest, the inputs, the pictures and the snapshots that the manifest names."""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from services.input_log.pictures import pixels_hash, snapshot_hash
from services.picture_decoder.png_pixels import PixelsError, decode_pixels, encode_pixels
from services.world_engine.world_engine import WorldSnapshot
from services.world_files.inputs_member import encode_inputs, read_inputs
from services.world_files.world_file import (
    FORMAT_NAME,
    FORMAT_VERSION,
    PROMPTED_VERSION,
    InputFacts,
    Manifest,
    MomentFacts,
    PlaceFacts,
    WorldFileError,
    WorldFileFault,
    WorldFileLimits,
    WorldFilePayload,
    WorldMoment,
)
from services.world_files.zip_members import ZipMembers, damaged, open_members

if TYPE_CHECKING:
    from typing import BinaryIO

    from services.world_engine.world_engine import Picture

MANIFEST: Final = "manifest.json"
INPUTS: Final = "inputs.ndjson"
_PICTURE: Final = re.compile(r"pictures/([0-9a-f]{64})\.png")
_SNAPSHOT: Final = re.compile(r"snapshots/([0-9a-f]{64})\.bin")
_LARGE: Final = (
    8 << 20
)  # snapshots of large models are mostly noise: packing them takes half a minute, and saves little
_PIECE: Final = 4 << 20
_WHEN: Final = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same world gives the same bytes


class _Head(BaseModel):
    """The fields that every version of the manifest has."""

    format: str
    version: int


def write_world(world: WorldFilePayload, file: BinaryIO) -> Manifest:
    """Write `world` as one archive. Blocks."""
    with zipfile.ZipFile(file, "w") as archive:
        manifest = manifest_of(world, _add_inputs(archive, world))
        _add(archive, MANIFEST, manifest.model_dump_json(indent=2).encode(), zipfile.ZIP_DEFLATED)
        for name in sorted(_pictures_of(world)):
            _add(archive, f"pictures/{name}.png", encode_pixels(world.pictures[name]), zipfile.ZIP_STORED)
        snapshots = {manifest.place.snapshot: world.place.snapshot}
        if world.base is not None and manifest.base is not None:
            snapshots[manifest.base.snapshot] = world.base.snapshot
        for name, snapshot in sorted(snapshots.items()):
            method = zipfile.ZIP_STORED if snapshot.size > _LARGE else zipfile.ZIP_DEFLATED
            _add(archive, f"snapshots/{name}.bin", snapshot.state, method)
    return manifest


def read_world(file: BinaryIO, limits: WorldFileLimits | None = None) -> WorldFilePayload:
    """Read an archive from anywhere, all of it, and check every part against the manifest. Blocks.

    Raises:
        WorldFileError: whatever is wrong with it.
    """
    limits = limits or WorldFileLimits()
    with open_members(file, limits.max_pictures + 4) as members:
        manifest = read_manifest(members, limits)
        return _Reader(members, manifest, limits).read()


def read_manifest(members: ZipMembers, limits: WorldFileLimits) -> Manifest:
    if MANIFEST not in members.names():
        raise WorldFileError(WorldFileFault.NOT_A_WORLD, "This archive is no world file: it has no manifest.")
    text = members.read(MANIFEST, limits.manifest_bytes)
    try:
        head = _Head.model_validate_json(text)
    except ValidationError as error:
        raise damaged("its manifest cannot be read") from error
    if head.format != FORMAT_NAME:
        raise WorldFileError(WorldFileFault.NOT_A_WORLD, "This archive is something other than a world file.")
    if not FORMAT_VERSION <= head.version <= PROMPTED_VERSION:
        raise WorldFileError(
            WorldFileFault.OTHER_VERSION,
            f"This world file has version {head.version} of the format; this server reads versions {FORMAT_VERSION} "
            f"to {PROMPTED_VERSION}.",
        )
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise damaged(f"its manifest is wrong at “{where[:80]}”") from error


def manifest_of(world: WorldFilePayload, inputs_hash: str) -> Manifest:
    place = _facts(world.place)
    return Manifest(
        version=PROMPTED_VERSION if world.has_prompts else FORMAT_VERSION,
        title=world.title,
        created_at=world.created_at,
        model=world.model,
        rng_seed=world.rng_seed,
        seed=world.seed,
        base=None if world.base is None else _facts(world.base),
        place=PlaceFacts(**place.model_dump(), picture=world.place_picture),
        inputs=InputFacts(sha256=inputs_hash, passes=len(world.inputs)),
        made_with=world.made_with,
        tolerance=world.tolerance,
    )


def _facts(moment: WorldMoment) -> MomentFacts:
    return MomentFacts(passes=moment.passes, snapshot=snapshot_hash(moment.snapshot), scene=moment.scene)


def _pictures_of(world: WorldFilePayload) -> frozenset[str]:
    """The pictures that a replay needs, or a return to the place."""
    return world.scenes if world.place_picture is None else world.scenes | {world.place_picture}


def _add_inputs(archive: zipfile.ZipFile, world: WorldFilePayload) -> str:
    """The SHA-256 of the inputs, which are written part by part: those of many hours are hundreds of megabytes."""
    info, digest = zipfile.ZipInfo(INPUTS, _WHEN), hashlib.sha256()
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w") as member:
        for part in encode_inputs(world):
            digest.update(part)
            member.write(part)
    return digest.hexdigest()


def _add(archive: zipfile.ZipFile, name: str, data: bytes | memoryview, method: int) -> None:
    """Piece by piece, so that nothing large is in memory twice, and other threads get their turn."""
    info, whole = zipfile.ZipInfo(name, _WHEN), memoryview(data)
    info.compress_type, info.file_size = method, len(whole)
    with archive.open(info, "w") as member:
        for begin in range(0, len(whole), _PIECE):
            member.write(whole[begin : begin + _PIECE])


class _Reader:
    def __init__(self, members: ZipMembers, manifest: Manifest, limits: WorldFileLimits) -> None:
        self._members = members
        self._manifest = manifest
        self._limits = limits

    def read(self) -> WorldFilePayload:
        manifest, model = self._manifest, self._manifest.model
        self._check_names()
        inputs = read_inputs(self._members, INPUTS, manifest, self._limits)
        base = None if manifest.base is None else self._moment(manifest.base)
        world = WorldFilePayload(
            title=manifest.title,
            created_at=manifest.created_at,
            model=model,
            rng_seed=manifest.rng_seed,
            seed=manifest.seed,
            base=base,
            place=self._moment(manifest.place),
            place_picture=manifest.place.picture,
            inputs=inputs.columns,
            changes=inputs.changes,
            checks=inputs.checks,
            pictures={},
            made_with=manifest.made_with,
            tolerance=manifest.tolerance,
        )
        first = 0 if base is None else base.passes
        if world.place.passes != first + len(world.inputs):
            raise damaged("its inputs do not lead to its place")
        needed = _pictures_of(world)
        if needed != self._stored(_PICTURE):
            raise damaged("its pictures are not those that it needs")
        if len(needed) * model.width * model.height > self._limits.picture_pixels:
            raise WorldFileError(
                WorldFileFault.TOO_LARGE, "This world file holds more pictures than the server takes in."
            )
        pictures = {name: self._picture(name) for name in needed}
        return replace(world, pictures=pictures)

    def _check_names(self) -> None:
        known = {MANIFEST, INPUTS}
        for name in self._members.names() - known:
            if not (_PICTURE.fullmatch(name) or _SNAPSHOT.fullmatch(name)):
                raise damaged("it has a part that no world has")
        moments = frozenset(m.snapshot for m in (self._manifest.base, self._manifest.place) if m is not None)
        if self._stored(_SNAPSHOT) != moments:
            raise damaged("its snapshots are not those that its manifest names")

    def _stored(self, pattern: re.Pattern[str]) -> frozenset[str]:
        return frozenset(match[1] for name in self._members.names() if (match := pattern.fullmatch(name)))

    def _moment(self, facts: MomentFacts) -> WorldMoment:
        name, limits = f"snapshots/{facts.snapshot}.bin", self._limits
        is_stored = self._members.is_stored(name)
        state = self._members.read(name, limits.stored_snapshot_bytes if is_stored else limits.snapshot_bytes)
        if hashlib.sha256(state).hexdigest() != facts.snapshot:
            raise damaged("a snapshot in it was changed")
        model = self._manifest.model
        return WorldMoment(facts.passes, WorldSnapshot(model.id, model.weights_hash, state), facts.scene)

    def _picture(self, name: str) -> Picture:
        data = self._members.read(f"pictures/{name}.png", self._limits.picture_bytes)
        model = self._manifest.model
        try:
            picture = decode_pixels(data, width=model.width, height=model.height)
        except PixelsError as error:
            raise damaged(str(error)[:1].lower() + str(error)[1:].rstrip(".")) from error
        if pixels_hash(picture) != name:
            raise damaged("a picture in it was changed")
        return picture
