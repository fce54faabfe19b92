"""World files come back as they were written, and bad ones are refused with a reason."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.world_files.archive import INPUTS, MANIFEST, read_world
from services.world_files.world_file import WorldFileError, WorldFileFault, WorldFileLimits
from tests.services.world_files.samples import archive_of, members_of, pack, sample_world, spoiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.world_files.world_file import WorldFilePayload

Members = dict[str, bytes]


def read(data: bytes, limits: WorldFileLimits | None = None) -> WorldFilePayload:
    return read_world(io.BytesIO(data), limits)


def fault_of(data: bytes, limits: WorldFileLimits | None = None) -> WorldFileFault:
    with pytest.raises(WorldFileError) as caught:
        read(data, limits)
    assert caught.value.message.endswith(".")
    return caught.value.fault


@pytest.mark.parametrize("with_base", [False, True])
@pytest.mark.parametrize("passes", [2, 3, 300])
def test_a_world_comes_back_as_it_was(passes: int, with_base: bool) -> None:  # noqa: FBT001 - a parameter of the test
    world = sample_world(passes, with_base=with_base)
    again = read(pack(world))
    assert list(again.inputs) == list(world.inputs)
    assert again.pictures.keys() == world.pictures.keys()
    assert all(np.array_equal(again.pictures[name], picture) for name, picture in world.pictures.items())
    for name in ("title", "created_at", "model", "rng_seed", "seed", "base", "place", "place_picture", "made_with"):
        assert getattr(again, name) == getattr(world, name)
    if passes >= 3:
        assert (again.changes, again.checks) == (world.changes, world.checks)


def test_the_same_world_is_the_same_file() -> None:
    assert pack(sample_world()) == pack(sample_world())


def test_its_inputs_are_a_log_that_others_can_read() -> None:
    lines = [json.loads(line) for line in members_of(pack(sample_world()))[INPUTS].splitlines()]
    assert [line["type"] for line in lines if line["type"] != "frame_check"] == [
        "session_start",
        "frame_input",
        "frame_input",
        "scene_edit",
        "continued_from",
        "frame_input",
        "frame_input",
        "frame_input",
        "session_end",
    ]
    assert {"ts", "frame_id", "model", "seed", "n_frames", "seed_target_size", "has_prompt_conditioning"} <= set(
        lines[0]
    )
    assert set(lines[1]) == {"type", "ts", "frame_id", "buttons", "mouse_dx", "mouse_dy", "client_ts"}
    assert lines[1]["buttons"] == [0x10, 0x57]


# ------------------------------------------------------------------------------------------------- no world


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 1000, b"\x89PNG\r\n\x1a\n" + b"\0" * 100])
def test_a_file_that_is_not_an_archive_is_refused(data: bytes) -> None:
    assert fault_of(data) is WorldFileFault.NOT_A_WORLD


def test_an_archive_of_something_else_is_refused() -> None:
    assert fault_of(archive_of({"word/document.xml": b"<x/>"})) is WorldFileFault.NOT_A_WORLD
    assert fault_of(archive_of({MANIFEST: b'{"format": "other", "version": 1}'})) is WorldFileFault.NOT_A_WORLD


def test_another_version_is_named() -> None:
    def newer(members: Members) -> None:
        manifest = json.loads(members[MANIFEST])
        members[MANIFEST] = json.dumps({**manifest, "version": 7, "unheard_of": True}).encode()

    with pytest.raises(WorldFileError, match="version 7") as caught:
        read(spoiled(newer))
    assert caught.value.fault is WorldFileFault.OTHER_VERSION


# -------------------------------------------------------------------------------------------------- damaged


def _drop(name: str) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        del members[next(key for key in members if key.startswith(name))]

    return change


def _add(name: str) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[name] = b"x"

    return change


def _alter(name: str) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        key = next(key for key in members if key.startswith(name))
        data = bytearray(members[key])
        data[len(data) // 2] ^= 1
        members[key] = bytes(data)

    return change


def _manifest(**changes: object) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[MANIFEST] = json.dumps({**json.loads(members[MANIFEST]), **changes}).encode()

    return change


def _inputs(rewrite: Callable[[list[bytes]], list[bytes]]) -> Callable[[Members], None]:
    """Other inputs, with a manifest that goes with them: only their meaning is wrong."""

    def change(members: Members) -> None:
        members[INPUTS] = b"\n".join(rewrite(members[INPUTS].splitlines())) + b"\n"
        manifest = json.loads(members[MANIFEST])
        manifest["inputs"]["sha256"] = hashlib.sha256(members[INPUTS]).hexdigest()
        members[MANIFEST] = json.dumps(manifest).encode()

    return change


def _replace_line(number: int, **changes: object) -> Callable[[list[bytes]], list[bytes]]:
    def rewrite(lines: list[bytes]) -> list[bytes]:
        line = json.dumps({**json.loads(lines[number]), **changes}).encode()
        return [*lines[:number], line, *lines[number + 1 :]]

    return rewrite


DAMAGE: dict[str, Callable[[Members], None]] = {
    "no inputs": _drop(INPUTS),
    "no picture": _drop("pictures/"),
    "no snapshot": _drop("snapshots/"),
    "a path upwards": _add("../evil.txt"),
    "an absolute path": _add("/etc/cron.d/evil"),
    "a drive": _add("C:\\evil.txt"),
    "a path upwards among the pictures": _add("pictures/../../evil.png"),
    "an unknown member": _add("readme.txt"),
    "a picture too many": _add(f"pictures/{'0' * 64}.png"),
    "a snapshot too many": _add(f"snapshots/{'0' * 64}.bin"),
    "a folder": _add("pictures/"),
    "changed inputs": _alter(INPUTS),
    "a changed picture": _alter("pictures/"),
    "a changed snapshot": _alter("snapshots/"),
    "a manifest that is no JSON": lambda members: members.update({MANIFEST: b"{"}),
    "a manifest without fields": lambda members: members.update(
        {MANIFEST: b'{"format":"terrarium.world","version":1}'}
    ),
    "an unknown field": _manifest(surprise=1),
    "a seed out of range": _manifest(rng_seed=2**40),
    "a title without end": _manifest(title="x" * 5000),
    "no number": _manifest(created_at="soon"),
    "inputs that begin with a pass": _inputs(lambda lines: lines[1:]),
    "inputs that begin twice": _inputs(lambda lines: [lines[0], *lines]),
    "a pass left out": _inputs(lambda lines: [*lines[:2], *lines[3:]]),
    "a pass twice": _inputs(lambda lines: [*lines[:2], *lines[1:]]),
    "inputs after the end": _inputs(lambda lines: [*lines, lines[-2]]),
    "an event that no world has": _inputs(
        lambda lines: [*lines[:2], b'{"type":"reset","ts":1,"frame_id":1}', *lines[2:]]
    ),
    "inputs of another world": _inputs(_replace_line(0, rng_seed=5)),
    "a mouse at infinity": _inputs(_replace_line(1, mouse_dx="Infinity")),
    "a button that is none": _inputs(_replace_line(1, buttons=[-1])),
    "a change to a picture that is not there": _inputs(_replace_line(4, picture="0" * 64)),
    "words twice": _inputs(lambda lines: [*lines[:4], *lines[3:]]),
    "words behind their picture": _inputs(lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]]),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(what: str) -> None:
    assert fault_of(spoiled(DAMAGE[what])) is WorldFileFault.DAMAGED


def test_a_file_cut_short_is_refused_wherever_it_ends() -> None:
    data = pack(sample_world())
    for length in range(0, len(data), 37):
        assert fault_of(data[:length]) in (WorldFileFault.NOT_A_WORLD, WorldFileFault.DAMAGED)


def test_a_member_twice_is_refused() -> None:
    file = io.BytesIO(pack(sample_world()))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(MANIFEST, b"{}")
    assert fault_of(file.getvalue()) is WorldFileFault.DAMAGED


def test_links_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo(MANIFEST)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert fault_of(file.getvalue()) is WorldFileFault.DAMAGED


def test_other_ways_of_packing_are_refused() -> None:
    assert fault_of(archive_of(members_of(pack(sample_world())), zipfile.ZIP_LZMA)) is WorldFileFault.DAMAGED


# ----------------------------------------------------------------------------------------------- too large


def test_a_bomb_is_not_unpacked() -> None:
    """A member unpacks to a thousand times its size. What is read of it is bounded, whatever the directory says."""

    def bomb(members: Members) -> None:
        members[next(name for name in members if name.startswith("snapshots/"))] = b"\0" * 5_000_000

    limits = WorldFileLimits(snapshot_bytes=1_000_000)
    assert fault_of(spoiled(bomb), limits) is WorldFileFault.TOO_LARGE


def test_a_large_snapshot_lies_in_the_file_as_it_is_and_may_be_larger() -> None:
    """Those of large models are hundreds of megabytes of noise. What is not packed cannot be a bomb."""
    state, world = bytes(9 << 20), sample_world()
    place = replace(world.place, snapshot=replace(world.place.snapshot, state=state))
    packed = pack(replace(world, place=place))
    assert len(packed) > len(state)
    assert read(packed, WorldFileLimits(snapshot_bytes=1_000_000)).place.snapshot.state == state
    assert fault_of(packed, WorldFileLimits(stored_snapshot_bytes=1_000_000)) is WorldFileFault.TOO_LARGE


def test_a_bomb_that_lies_about_its_size_is_not_unpacked() -> None:
    def bomb(members: Members) -> None:
        members[next(name for name in members if name.startswith("snapshots/"))] = b"\0" * 5_000_000

    data = bytearray(spoiled(bomb))
    honest, lie = struct.pack("<I", 5_000_000), struct.pack("<I", 100)
    assert data.count(honest) == 2
    data = data.replace(honest, lie)
    assert fault_of(bytes(data)) in (WorldFileFault.DAMAGED, WorldFileFault.TOO_LARGE)


def test_a_picture_that_claims_other_sizes_is_not_decoded() -> None:
    """100,000 x 100,000 pixels in a few bytes: the size is looked at before anything is unpacked."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def bomb(members: Members) -> None:
        head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        png = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
            + chunk(b"IEND", b"")
        )
        members[next(name for name in members if name.startswith("pictures/"))] = png

    assert fault_of(spoiled(bomb)) is WorldFileFault.DAMAGED


def test_a_log_of_ten_million_lines_is_given_up_early() -> None:
    """It is not read to the end, whether the manifest states its length or not."""
    line = b'{"type":"frame_input","ts":1,"frame_id":%d,"buttons":[],"mouse_dx":0,"mouse_dy":0,"client_ts":0}\n'
    limits = WorldFileLimits(max_passes=1000, inputs_bytes=10_000_000)

    def endless(members: Members) -> None:
        start = members[INPUTS].splitlines(keepends=True)[0]
        members[INPUTS] = start + b"".join(line % number for number in range(1, 5000))

    assert fault_of(spoiled(endless), limits) is WorldFileFault.TOO_LARGE
    admits = _manifest(inputs={"sha256": "0" * 64, "passes": 10_000_000})
    assert fault_of(spoiled(admits)) is WorldFileFault.TOO_LARGE
    assert fault_of(spoiled(endless), WorldFileLimits(inputs_bytes=10_000)) is WorldFileFault.TOO_LARGE


def test_a_line_without_end_is_given_up() -> None:
    def long_line(members: Members) -> None:
        members[INPUTS] = b'{"type":"session_start","model":"' + b"x" * 1_000_000

    assert fault_of(spoiled(long_line)) is WorldFileFault.TOO_LARGE


def test_an_archive_of_a_hundred_thousand_members_is_not_listed() -> None:
    members = members_of(pack(sample_world()))
    members.update({f"pictures/{number:064x}.png": b"" for number in range(3000)})
    assert fault_of(archive_of(members)) is WorldFileFault.DAMAGED
    few = members_of(pack(sample_world())) | {f"pictures/{number:064x}.png": b"" for number in range(100)}
    assert fault_of(archive_of(few)) is WorldFileFault.DAMAGED
