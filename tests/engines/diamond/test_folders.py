"""Folders that hold no model, or half of one, or a trap: each is refused with a sentence that says what is wrong."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch
import yaml

from engines.diamond import ModelFolderError, load_diamond
from engines.diamond.config import read_config
from engines.diamond.loading import published_shapes
from tests.engines.diamond.published import (
    Config,
    model_tensors,
    published_agent,
    published_env,
    tiny_agent,
    tiny_env,
    write_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("torch")

WEIGHTS = "model/csgo.pt"
AGENT = "config/agent/csgo.yaml"
ENV = "config/env/csgo.yaml"


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """One's own, to be damaged."""
    shutil.copytree(tiny_folder, tmp_path / "model")
    return tmp_path / "model"


def refused(folder: Path, match: str) -> None:
    with pytest.raises(ModelFolderError, match=match):
        load_diamond(folder)


def with_config(folder: Path, name: str, change: Callable[[Config], object]) -> Path:
    told = tiny_agent() if name == AGENT else tiny_env()
    change(told)
    (folder / name).write_text(yaml.safe_dump(told), encoding="utf-8")
    return folder


def with_tensors(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    tensors: dict[str, Any] = dict(model_tensors(tiny_agent(), tiny_env()))
    change(tensors)
    torch.save(tensors, folder / WEIGHTS)
    return folder


# ------------------------------------------------------------------------------------------------ pickles


class _Program:
    """What a pickle can hold: it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self._path), "w")


def test_a_program_in_the_weights_is_not_run(folder: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    with_tensors(folder, lambda tensors: tensors.update({"denoiser.inner_model.more": _Program(trap)}))
    refused(folder, "program")
    assert not trap.exists()
    with zipfile.ZipFile(folder / WEIGHTS) as archive:  # and it would have been, by another reader
        text = archive.read("csgo/data.pkl")
    assert str(trap).encode() in text


def test_a_pickle_without_tensors_is_not_run(folder: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    (folder / WEIGHTS).write_bytes(pickle.dumps(_Program(trap)))
    refused(folder, "truncated or damaged")
    assert not trap.exists()
    pickle.loads((folder / WEIGHTS).read_bytes()).close()
    assert trap.exists()


def test_a_compressed_archive_is_not_read(folder: Path) -> None:
    """It could be a thousand times larger in memory."""
    path = folder / WEIGHTS
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    refused(folder, "not a file that torch.save writes")


def test_older_formats_are_refused(folder: Path) -> None:
    torch.save(model_tensors(tiny_agent(), tiny_env()), folder / WEIGHTS, _use_new_zipfile_serialization=False)
    refused(folder, "truncated or damaged")


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("name", [WEIGHTS, AGENT, ENV])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, f"lacks {name}")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "none", "no model folder")


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_truncated_weights(folder: Path, kept: float) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    refused(folder, "truncated or damaged")


def test_links(folder: Path, tmp_path: Path) -> None:
    """One out of the folder is refused; the hub's cache has links from its snapshots to its blobs."""
    elsewhere = tmp_path / "elsewhere.pt"
    (folder / WEIGHTS).rename(elsewhere)
    (folder / WEIGHTS).symlink_to(elsewhere)
    refused(folder, "leads out")
    cache = tmp_path / "models--eloialonso--diamond"
    (cache / "blobs").mkdir(parents=True)
    elsewhere.rename(cache / "blobs" / "9a56")
    shutil.move(folder, cache / "snapshots" / "5d4a" / "csgo")
    linked = cache / "snapshots" / "5d4a" / "csgo" / WEIGHTS
    linked.unlink()
    linked.symlink_to(cache / "blobs" / "9a56")
    assert load_diamond(linked.parents[1]).config.height == 30


# ------------------------------------------------------------------------------------------------ tensors


def test_tensors_of_another_model(folder: Path) -> None:
    name = "upsampler.inner_model.conv_in.weight"
    refused(with_tensors(folder, lambda tensors: tensors.pop(name)), f"lacks {name}")
    refused(with_tensors(folder, lambda tensors: tensors.update({"actor.weight": torch.zeros(1)})), "has actor.weight")
    refused(with_tensors(folder, lambda tensors: tensors.update({name: torch.zeros(1, 2)})), r"the shape \[1, 2\]")
    refused(with_tensors(folder, lambda tensors: tensors.update({name: torch.zeros(1).int()})), "no tensor of floats")
    refused(with_tensors(folder, lambda tensors: tensors.update({name: torch.eye(3).to_sparse()})), "no tensor of")
    refused(with_tensors(folder, lambda tensors: tensors.update({name: "text"})), "no tensor of floats")


def test_something_else_than_a_table(folder: Path) -> None:
    torch.save([torch.zeros(1)], folder / WEIGHTS)
    refused(folder, "no table")


# ------------------------------------------------------------------------------------------------ configs


@pytest.mark.parametrize("content", ["a: [", "- 1", "\x00", "a: &a [*a]\nb: !!python/object:os.system {}"])
def test_a_config_that_is_none(folder: Path, content: str) -> None:
    (folder / AGENT).write_text(content, encoding="utf-8")
    refused(folder, AGENT)


def test_a_config_that_is_far_too_large(folder: Path) -> None:
    (folder / AGENT).write_text("#" * (2 << 20), encoding="utf-8")
    refused(folder, "far too large")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("channels", [32, 32], "not of one number"),
        ("channels", [32, 40, 64], "multiples of 32"),
        ("channels", [32, -32, 64], "channels"),
        ("channels", "many", "channels"),
        ("depths", [2, 1, True], "depths"),
        ("attn_depths", [0, 0, 2], "attn_depths"),
        ("attn_depths", [None], "attn_depths"),
        ("attn_depths", [[0]], "attn_depths"),
        ("img_channels", 1, "red, green"),
        ("cond_channels", 6, "cond_channels"),
        ("num_steps_conditioning", 0, "num_steps_conditioning"),
        ("num_steps_conditioning", 1 << 40, "num_steps_conditioning"),
    ],
)
def test_a_network_that_cannot_be(folder: Path, field: str, value: object, says: str) -> None:
    refused(with_config(folder, AGENT, lambda told: told["denoiser"]["inner_model"].update({field: value})), says)


@pytest.mark.parametrize(
    ("part", "field", "value", "says"),
    [
        ("denoiser", "upsampling_factor", 5, "denoiser enlarges"),
        ("denoiser", "noise_previous_obs", False, "noise_previous_obs"),
        ("denoiser", "noise_previous_obs", "yes", "noise_previous_obs"),
        ("denoiser", "sigma_data", float("nan"), "sigma_data"),
        ("denoiser", "sigma_data", 0, "sigma_data"),
        ("denoiser", "inner_model", None, "inner_model"),
        ("upsampler", "upsampling_factor", None, "no upsampling_factor"),
        ("upsampler", "upsampling_factor", 7, "multiple of upsampling_factor"),
    ],
)
def test_a_model_that_cannot_be(folder: Path, part: str, field: str, value: object, says: str) -> None:
    refused(with_config(folder, AGENT, lambda told: told[part].update({field: value})), says)


def test_frames_and_actions_that_cannot_be(folder: Path) -> None:
    refused(with_config(folder, ENV, lambda told: told.update(num_actions=18)), "18 actions")
    refused(with_config(folder, ENV, lambda told: told["train"].update(size=[30])), "a height and a width")
    refused(with_config(folder, ENV, lambda told: told.pop("train")), "lacks train")


def test_the_published_sizes_make_a_file_of_the_published_size(tmp_path: Path) -> None:
    """1.53 GB in single precision. No weights are made, only shapes."""
    config = read_config(write_config(tmp_path, published_agent(), published_env()))
    shapes = published_shapes(config)
    assert config.small_size == (30, 56)
    assert 4 * sum(torch.Size(shape).numel() for shape in shapes.values()) == 1_526_570_008
