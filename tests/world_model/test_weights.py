"""Errors of weights name the file and the remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from world_model.config import MICRO
from world_model.runtime import Runtime, load_runtime
from world_model.weights import GRAPHS, WeightsError, graph_path, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = ("manifest.json", *(graph_path(Path(), name).name for name in GRAPHS))


@pytest.fixture
def folder(micro_folder: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(micro_folder, tmp_path / "weights")


def complaint(folder: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_runtime(folder, GRAPHS)
    assert "export the weights again" in str(caught.value)
    return str(caught.value)


def test_whole_weights_are_read(micro_folder: Path) -> None:
    manifest, graphs = read_weights(micro_folder)
    assert manifest.config == MICRO
    assert tuple(graphs) == GRAPHS
    assert len(manifest.weights_hash) == 64


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert str(folder / name) in (told := complaint(folder))
    assert "missing" in told


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    assert str(folder / name) in (told := complaint(folder))
    assert "damaged" in told


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert str(folder / name) in complaint(folder)


def test_a_flipped_bit_is_found(folder: Path) -> None:
    path = graph_path(folder, "see")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert path.name in complaint(folder)


def test_another_version_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    assert "99" in (told := complaint(folder))
    assert str(path) in told


def _with_odd_sizes(told: dict[str, Any]) -> object:
    told["config"]["height"] = 33
    return told


def _with_an_unknown_size(told: dict[str, Any]) -> object:
    told["config"]["depth"] = 3
    return told


def _in_a_list(told: dict[str, Any]) -> object:
    return [told]


def _of_nothing(_: dict[str, Any]) -> object:
    return None


@pytest.mark.parametrize("damage", [_with_odd_sizes, _with_an_unknown_size, _in_a_list, _of_nothing])
def test_a_damaged_manifest_is_named(folder: Path, damage: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    assert str(path) in (told := complaint(folder))
    assert "damaged" in told


def test_a_graph_that_the_manifest_does_not_know_is_named_where_it_is_needed(folder: Path) -> None:
    path = folder / "manifest.json"
    told = json.loads(path.read_text())
    del told["files"]["walk"]
    path.write_text(json.dumps(told))
    assert "walk.onnx" in complaint(folder)
    assert read_weights(folder, ("start",))[0].config == MICRO


def test_a_file_that_is_not_a_graph_is_named(micro_folder: Path) -> None:
    manifest, graphs = read_weights(micro_folder)
    with pytest.raises(WeightsError, match="'walk'"):
        Runtime(manifest, {**graphs, "walk": b"no graph"})
