"""World files to be read, and ways to spoil them."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from services.input_log.columns import InputColumns, PassInput
from services.input_log.pictures import pixels_hash
from services.world_engine.world_engine import ControlPayload, WorldSnapshot
from services.world_files.archive import write_world
from services.world_files.world_file import (
    Check,
    Continued,
    ModelFacts,
    Origins,
    SeedFacts,
    Tolerance,
    WorldFilePayload,
    WorldMoment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.world_engine.world_engine import Picture

WIDTH, HEIGHT = 24, 16


def noise(number: int) -> Picture:
    return np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def sample_world(passes: int = 5, *, with_base: bool = False) -> WorldFilePayload:
    """A world with a change of scene and a check in it; its snapshots mean nothing to any engine."""
    seed, scene, place = noise(1), noise(2), noise(3)
    inputs = InputColumns()
    for number in range(passes):
        buttons = frozenset({0x57} if number % 2 else {0x57, 0x10})
        inputs.append(PassInput(ControlPayload(buttons, 0.1 * number, -1 / 3), 1000.0 + number, 7.25))
    base = WorldMoment(40, WorldSnapshot("fake/world", "f00d", b"base state"), pixels_hash(seed)) if with_base else None
    first = 40 if with_base else 0
    return WorldFilePayload(
        title="Sample",
        created_at=1_700_000_000.5,
        model=ModelFacts(
            id="fake/world", quant="none", weights_hash="f00d", frames_per_pass=2, fps=60, width=WIDTH, height=HEIGHT
        ),
        rng_seed=123,
        seed=SeedFacts(picture=pixels_hash(seed), file=None),
        base=base,
        place=WorldMoment(first + passes, WorldSnapshot("fake/world", "f00d", b"state" * 20), pixels_hash(scene)),
        place_picture=pixels_hash(place),
        inputs=inputs,
        changes=(Continued(first + 2, pixels_hash(scene), "make it night"),),
        checks=(Check(first + 3, "ab" * 32),),
        pictures={pixels_hash(picture): picture for picture in (seed, scene, place)},
        made_with=Origins(versions={"numpy": "2"}, machine="a test"),
        tolerance=Tolerance(),
    )


def pack(world: WorldFilePayload) -> bytes:
    file = io.BytesIO()
    write_world(world, file)
    return file.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def spoiled(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The sample with its members changed."""
    members = members_of(pack(sample_world()))
    change(members)
    return archive_of(members)
