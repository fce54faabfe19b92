"""Model folders that are whole, and those that are partial, cut off, renamed, of another revision, or lead out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from services.model_hub.cached_models import find_model
from services.model_hub.model_hub import Absent, Damaged, OnDisk, Partly
from tests.hub.models import MODEL, repository, small_model, weights, write_files

if TYPE_CHECKING:
    from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40
WEIGHTS = "transformer/model.safetensors"
INDEX = "transformer/model.safetensors.index.json"


def cached(cache: Path, files: dict[str, bytes], commit: str = COMMIT, branch: str | None = "main") -> Path:
    """As another program has downloaded it; the snapshot."""
    folder = cache / "models--owner--name"
    snapshot = folder / "snapshots" / commit
    write_files(snapshot, files)
    if branch is not None:
        write_files(folder / "refs", {branch: commit.encode()})
    return snapshot


def own(models: Path, files: dict[str, bytes]) -> Path:
    write_files(models / MODEL, files)
    return models / MODEL


def reason_of_own(tmp_path: Path, files: dict[str, bytes]) -> str:
    own(tmp_path, files)
    found = find_model(tmp_path / "cache", repository(), tmp_path)
    assert isinstance(found, Damaged)
    assert found.reason.endswith(".")
    assert str(tmp_path) not in found.reason
    return found.reason


def test_what_another_program_has_downloaded_is_used(tmp_path: Path) -> None:
    snapshot = cached(tmp_path, small_model())
    size = sum(len(data) for path, data in small_model().items() if path != "README.md")
    assert find_model(tmp_path, repository()) == OnDisk(snapshot, COMMIT, size)
    assert find_model(tmp_path, repository(revision=COMMIT)) == OnDisk(snapshot, COMMIT, size)


def test_another_revision_is_another_model(tmp_path: Path) -> None:
    cached(tmp_path, small_model())
    assert find_model(tmp_path, repository(revision=OTHER)) == Absent()
    assert find_model(tmp_path, repository(revision="next")) == Absent()


@pytest.mark.parametrize("ref", [b"", b"main", b"../../../etc", b"\xff" * 40, b"a" * 39])
def test_a_branch_that_names_no_commit_is_none(tmp_path: Path, ref: bytes) -> None:
    cached(tmp_path, small_model(), branch=None)
    write_files(tmp_path / "models--owner--name" / "refs", {"main": ref})
    assert find_model(tmp_path, repository()) == Absent()


def test_what_another_program_has_not_finished_is_there_in_part(tmp_path: Path) -> None:
    files = small_model()
    del files["config.json"]
    cached(tmp_path, files)
    found = find_model(tmp_path, repository())
    assert isinstance(found, Partly)
    assert 0 < found.done_bytes <= found.total_bytes == repository().size_bytes


def test_weights_that_an_index_names_have_to_be_there(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"w": "model.safetensors", "v": "more.safetensors"}}).encode()
    wanted = repository(files=("*.json", "*.safetensors"))
    snapshot = cached(tmp_path, {**small_model(), INDEX: index})
    assert isinstance(find_model(tmp_path, wanted), Partly)
    write_files(snapshot, {"transformer/more.safetensors": weights(100)})
    assert isinstance(find_model(tmp_path, wanted), OnDisk)


def test_a_folder_of_ones_own_comes_first(tmp_path: Path) -> None:
    cached(tmp_path / "cache", small_model())
    folder = own(tmp_path, small_model())
    found = find_model(tmp_path / "cache", repository(), tmp_path)
    assert isinstance(found, OnDisk)
    assert (found.folder, found.is_in_place) == (folder, True)


@pytest.mark.parametrize("lacking", ["config.json", WEIGHTS])
def test_a_folder_of_ones_own_that_lacks_a_file_says_which(tmp_path: Path, lacking: str) -> None:
    files = small_model()
    renamed = files.pop(lacking)
    files = {"config.json": b"{}", "weights/": b""} if lacking == WEIGHTS else files
    files.pop("weights/", None)
    files["renamed.dat"] = renamed
    reason = reason_of_own(tmp_path, files)
    assert ("config.json" if lacking == "config.json" else "*/*.safetensors") in reason


def test_pickles_are_no_weights(tmp_path: Path) -> None:
    assert "pickles" in reason_of_own(tmp_path, {"config.json": b"{}", "transformer/model.bin": b"x"})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (weights(2000)[:-1], "1 bytes are missing"),
        (weights(2000) + b"x", "1 bytes too many"),
        (b"", "cut off"),
        (b"\x80\x02X" * 100, "cut off"),
        ((20).to_bytes(8, "little") + b"{" * 20, "cannot be read"),
        ((4).to_bytes(8, "little") + b"null", "cannot be read"),
        ((13).to_bytes(8, "little") + b'{"w": [1, 2]}', "contradicts itself"),
    ],
)
def test_weights_that_are_cut_or_are_none_say_so(tmp_path: Path, data: bytes, told: str) -> None:
    reason = reason_of_own(tmp_path, {**small_model(), WEIGHTS: data})
    assert WEIGHTS in reason
    assert told in reason


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "U8", "shape": [4], "data_offsets": [0, 5]},
        {"dtype": "U8", "shape": [-4], "data_offsets": [0, 4]},
        {"dtype": "U8", "shape": [True], "data_offsets": [0, 1]},
        {"dtype": "U8", "shape": [4], "data_offsets": [4, 0]},
        {"dtype": "U8", "shape": [4], "data_offsets": [1, 5]},
        {"dtype": "U8", "shape": 4, "data_offsets": [0, 4]},
        {"dtype": "U8", "shape": [4], "data_offsets": [0, 4, 4]},
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, tensor: dict[str, object]) -> None:
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": tensor}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(5)
    assert "contradicts itself" in reason_of_own(tmp_path, {**small_model(), WEIGHTS: data})


def test_a_type_of_numbers_that_is_newer_than_the_server_is_no_damage(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F6_E3M2", "shape": [4], "data_offsets": [0, 3]}}).encode()
    own(tmp_path, {**small_model(), WEIGHTS: len(header).to_bytes(8, "little") + header + bytes(3)})
    assert isinstance(find_model(tmp_path / "cache", repository(), tmp_path), OnDisk)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = own(tmp_path, small_model())
    outside = tmp_path / "outside.safetensors"
    (folder / WEIGHTS).replace(outside)
    (folder / WEIGHTS).symlink_to(outside)
    found = find_model(tmp_path / "cache", repository(), tmp_path)
    assert isinstance(found, Damaged)
    assert "leads out" in found.reason


def test_a_snapshot_may_be_links_to_the_blobs_of_its_model_alone(tmp_path: Path) -> None:
    snapshot = cached(tmp_path, small_model())
    blobs = tmp_path / "models--owner--name" / "blobs"
    blobs.mkdir()
    (snapshot / WEIGHTS).replace(blobs / "x")
    (snapshot / WEIGHTS).symlink_to(os.path.relpath(blobs / "x", (snapshot / WEIGHTS).parent))
    assert isinstance(find_model(tmp_path, repository()), OnDisk)
    (blobs / "x").replace(tmp_path / "x")
    (snapshot / WEIGHTS).unlink()
    (snapshot / WEIGHTS).symlink_to(tmp_path / "x")
    assert isinstance(find_model(tmp_path, repository()), Damaged)


@pytest.mark.parametrize("part", ["../../other/model.safetensors", "/etc/passwd", "..\\x.safetensors"])
def test_an_index_that_leads_out_of_the_folder_is_refused(tmp_path: Path, part: str) -> None:
    index = json.dumps({"weight_map": {"w": part}}).encode()
    own(tmp_path, {**small_model(), INDEX: index})
    found = find_model(tmp_path / "cache", repository(files=("*.json", "*.safetensors")), tmp_path)
    assert isinstance(found, Damaged)


def test_a_file_in_place_of_a_folder_is_no_model(tmp_path: Path) -> None:
    write_files(tmp_path, {MODEL: b"a file"})
    assert find_model(tmp_path / "cache", repository(), tmp_path) == Absent()
