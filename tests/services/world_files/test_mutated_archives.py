"""Archives with bytes changed at random: each is refused with a typed error, or is a whole world still."""

from __future__ import annotations

import io
import random
from contextlib import suppress

import pytest

from services.world_files.archive import read_world
from services.world_files.world_file import WorldFileError, WorldFileLimits
from tests.services.world_files.samples import archive_of, members_of, pack, sample_world

LIMITS = WorldFileLimits(inputs_bytes=1_000_000, picture_bytes=1_000_000, snapshot_bytes=1_000_000)


def mutate(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.randrange(1, 40)]
            case 3:
                changed[at:at] = chance.randbytes(chance.randrange(1, 40))
            case _:
                changed[at : at + 4] = b"\xff" * 4
        if not changed:
            return b""
    return bytes(changed)


def try_to_read(data: bytes) -> None:
    with suppress(WorldFileError):
        world = read_world(io.BytesIO(data), LIMITS)
        assert world.place.passes == world.first_pass + len(world.inputs)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_archives_are_refused_or_whole(seed: int) -> None:
    chance, sound = random.Random(seed), pack(sample_world())
    for _ in range(300):
        try_to_read(mutate(sound, chance))


@pytest.mark.parametrize("seed", range(4))
def test_mutated_members_in_sound_archives_are_refused_or_whole(seed: int) -> None:
    """The archive's checksums are right, and the members themselves are damaged."""
    chance, sound = random.Random(seed), members_of(pack(sample_world()))
    for _ in range(150):
        name = chance.choice(sorted(sound))
        try_to_read(archive_of({**sound, name: mutate(sound[name], chance)}))
