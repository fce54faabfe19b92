"""Folders that hold no model, or half of one, or a trap: each is refused with a sentence that says what is wrong."""

from __future__ import annotations

import pickle
import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

import torch
import yaml

from engines.waypoint import LoadOptions, ModelFolderError, load_waypoint
from engines.waypoint.config import parse_config
from engines.waypoint.weights import published_shapes
from tests.engines.waypoint.conftest import Folders
from tests.engines.waypoint.published import (
    model_tensors,
    save,
    tiny_1,
    tiny_1_5,
    write_image_autoencoder,
    write_model,
    write_taehv,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("torch")


@pytest.fixture
def copy(waypoint_1_5: Folders, tmp_path: Path) -> Folders:
    """Folders of one's own, to be damaged."""
    for part in (waypoint_1_5.model, waypoint_1_5.vae):
        shutil.copytree(part, tmp_path / part.name)
    return Folders(tmp_path / "model", tmp_path / "vae", waypoint_1_5.config)


def refused(folders: Folders, match: str) -> None:
    with pytest.raises(ModelFolderError, match=match):
        load_waypoint(folders.model, folders.vae, LoadOptions(dtype=torch.float32))


def with_config(folders: Folders, **changes: object) -> Folders:
    told = {name: value for name, value in (folders.config | changes).items() if value != "absent"}
    (folders.model / "config.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    return folders


def with_tensors(folders: Folders, change: Callable[[dict[str, torch.Tensor]], object]) -> Folders:
    tensors = model_tensors(folders.config)
    change(tensors)
    save(folders.model / "model.safetensors", tensors)
    return folders


# ------------------------------------------------------------------------------------------------ files


def test_a_folder_that_is_not_there(copy: Folders) -> None:
    refused(Folders(copy.model / "none", copy.vae, {}), "no model folder")
    refused(Folders(copy.model, copy.vae / "none", {}), "no model folder")


@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors"])
def test_a_missing_file(copy: Folders, name: str) -> None:
    (copy.model / name).unlink()
    refused(copy, f"lacks {name}")


def test_weights_that_are_a_pickle(copy: Folders) -> None:
    for folder, lacks in ((copy.vae, "has no safetensors file"), (copy.model, "lacks model.safetensors")):
        (path,) = folder.glob("*.safetensors")
        path.rename(path.with_suffix(".pth"))
        refused(copy, f"{lacks}.*pickle format, which can run any program")
        path.with_suffix(".pth").rename(path)


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_under_another_name(copy: Folders, protocol: int) -> None:
    (copy.model / "model.safetensors").write_bytes(pickle.dumps({"weights": [1.0] * 100}, protocol))
    refused(copy, "pickle under another name")


def test_a_file_of_torch_under_another_name(copy: Folders) -> None:
    torch.save({"weights": torch.zeros(3)}, copy.model / "model.safetensors")
    refused(copy, "pickle under another name")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file(copy: Folders, kept: int) -> None:
    for path in (copy.model / "model.safetensors", next(copy.vae.iterdir())):
        whole = path.read_bytes()
        path.write_bytes(whole[:kept])
        refused(copy, f"{path.name} is truncated or damaged")
        path.write_bytes(whole)


def test_a_header_that_lies_about_its_length(copy: Folders) -> None:
    path = copy.model / "model.safetensors"
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    refused(copy, "truncated or damaged")


@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors"])
def test_a_link_that_leads_out_of_the_folder(copy: Folders, tmp_path: Path, name: str) -> None:
    (copy.model / name).rename(tmp_path / "elsewhere")
    (copy.model / name).symlink_to(tmp_path / "elsewhere")
    refused(copy, f"{name} is a link that leads out")


def test_links_of_the_hub_s_cache_are_followed(copy: Folders, tmp_path: Path) -> None:
    repository = tmp_path / "models--Overworld--Waypoint"
    snapshot, blobs = repository / "snapshots" / "35acd20e", repository / "blobs"
    blobs.mkdir(parents=True)
    for folder, inside in ((copy.model, snapshot), (copy.vae, snapshot / "vae")):
        inside.mkdir(parents=True)
        for path in folder.iterdir():
            shutil.move(path, blobs / path.name)
            (inside / path.name).symlink_to(blobs / path.name)
    load_waypoint(snapshot, snapshot / "vae", LoadOptions(dtype=torch.float32))


def test_two_autoencoders_in_one_folder(copy: Folders) -> None:
    shutil.copy(next(copy.vae.iterdir()), copy.vae / "another.safetensors")
    refused(copy, "several safetensors files")


# ------------------------------------------------------------------------------------------------ config.yaml


@pytest.mark.parametrize("text", ["", "- 1", "text", "{", "a: [", "\x00", "{a: {b: " * 2000])
def test_a_config_that_is_none(copy: Folders, text: str) -> None:
    (copy.model / "config.yaml").write_text(text, encoding="utf-8")
    refused(copy, r"config\.yaml (is damaged|does not describe)")


def test_a_config_that_is_no_text_or_too_much(copy: Folders) -> None:
    (copy.model / "config.yaml").write_bytes(b"\xff\xfe\xfa")
    refused(copy, "is not YAML")
    (copy.model / "config.yaml").write_text("#" * (2 << 20), encoding="utf-8")
    refused(copy, "far too large")


def test_a_config_that_would_run_a_program(copy: Folders, tmp_path: Path) -> None:
    text = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path / 'ran'}']]"
    (copy.model / "config.yaml").write_text(text, encoding="utf-8")
    refused(copy, "is not YAML")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"d_model": "absent"}, "it lacks d_model"),
        (dict.fromkeys(("height", "width", "n_layers", "channels"), "absent"), "lacks .* and 1 more"),
        ({"width": -4}, "width: -4, which no"),
        ({"n_layers": 10**9}, "n_layers: 1000000000, which"),
        ({"channels": "many"}, "channels: many"),
        ({"patch": [2, 2, 2]}, "patch: "),
        ({"patch": [2, 0.5]}, "patch: 0.5"),
        ({"taehv_ae": "no"}, "taehv_ae: no"),
        ({"base_fps": float("nan")}, "base_fps: "),
        ({"model_type": "waypoint-9"}, "model_type is waypoint-9"),
        ({"moe": True}, "mixture of experts"),
        ({"prompt_conditioning": "magic"}, "is magic"),
        ({"tokens_per_frame": 9}, "not height times width"),
        ({"n_heads": 3}, "n_heads times a multiple of 16"),
        ({"n_heads": 256, "n_kv_heads": 2}, "n_heads times a multiple of 16"),
        ({"n_kv_heads": 3}, "not a multiple of n_kv_heads"),
        ({"scheduler_sigmas": [1.0, 0.5]}, "do not fall to 0"),
        ({"scheduler_sigmas": [0.0]}, "do not fall to 0"),
        ({"scheduler_sigmas": [1.0, 1.0, 0.0]}, "do not fall to 0"),
        ({"global_window": 10}, "not a multiple of global_pinned_dilation"),
        ({"prompt_conditioning": "cross_attention"}, "lacks its period"),
        ({"temporal_compression": 2}, "2 frames in a latent; its autoencoder makes 4"),
    ],
)
def test_a_config_that_no_model_can_have(copy: Folders, changes: dict[str, object], match: str) -> None:
    refused(with_config(copy, **changes), match)


# ------------------------------------------------------------------------------------------------ tensors


def test_a_config_of_other_sizes_than_the_weights(copy: Folders) -> None:
    refused(with_config(copy, mlp_ratio=3), r"has the shape|with the shape \[\d+, \d+\]; this model asks for")


def test_a_tensor_is_missing(copy: Folders) -> None:
    name = "transformer.blocks.3.attn.v_lamb"
    refused(with_tensors(copy, lambda tensors: tensors.pop(name)), f"lacks {name}.*incomplete")


def test_a_tensor_too_many(copy: Folders) -> None:
    refused(with_tensors(copy, lambda tensors: tensors.update(more=torch.zeros(1))), "has more, which this model")


def test_leftovers_of_training_are_ignored(copy: Folders) -> None:
    with_tensors(copy, lambda tensors: tensors.update({"transformer.cond_heads.0.weight": torch.zeros(1)}))
    load_waypoint(copy.model, copy.vae, LoadOptions(dtype=torch.float32))


def test_a_tensor_of_another_shape(copy: Folders) -> None:
    refused(
        with_tensors(copy, lambda tensors: tensors.update({"patchify.weight": torch.zeros(128, 6, 2, 3)})),
        r"patchify.weight with the shape \[128, 6, 2, 3\]; this model asks for \[128, 6, 2, 2\]",
    )


def test_whole_numbers_are_no_weights(copy: Folders) -> None:
    change = {"patchify.weight": torch.zeros(128, 6, 2, 2, dtype=torch.int64)}
    refused(with_tensors(copy, lambda tensors: tensors.update(change)), "where it must have floats")


def test_conditioning_that_is_not_shared(copy: Folders) -> None:
    name = "transformer.blocks.5.mlp_cond_head.cond_proj.1.weight"
    refused(with_tensors(copy, lambda tensors: tensors[name].add_(1)), f"{name} unlike that of block 0")


def test_the_other_generation_s_weights(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", tiny_1())
    vae = write_taehv(tmp_path / "vae", tiny_1_5())
    refused(with_config(Folders(folder, vae, tiny_1_5())), "lacks .*It is incomplete, or of another model")


def test_every_published_tensor_is_known() -> None:
    sizes = {"d_model": 2048, "n_layers": 24, "n_heads": 32, "n_kv_heads": 16, "mlp_ratio": 4, "channels": 32}
    assert len(published_shapes(parse_config(tiny_1_5(**sizes)))) == 393


# ------------------------------------------------------------------------------------------------ autoencoders


def test_an_autoencoder_of_another_kind(copy: Folders, tmp_path: Path) -> None:
    other = write_image_autoencoder(tmp_path / "owl", tiny_1())
    refused(Folders(copy.model, other, {}), "several safetensors files")
    save(tmp_path / "few" / "one.safetensors", {"encoder.0.weight": torch.zeros(8, 12, 3, 3)})
    refused(Folders(copy.model, tmp_path / "few", {}), "lacks .*It is incomplete")
    save(
        tmp_path / "few" / "one.safetensors", {"encoder.0.weight": torch.zeros(0), "decoder.1.weight": torch.zeros(())}
    )
    refused(Folders(copy.model, tmp_path / "few", {}), "lacks .*It is incomplete")


def test_an_autoencoder_of_other_latents(copy: Folders, tmp_path: Path) -> None:
    other = write_taehv(tmp_path / "other", tiny_1_5(channels=7))
    refused(Folders(copy.model, other, {}), r"with the shape \[7, ")


@pytest.fixture
def first(tmp_path: Path) -> Folders:
    config = tiny_1()
    return Folders(write_model(tmp_path / "m", config), write_image_autoencoder(tmp_path / "v", config), config)


@pytest.mark.parametrize("name", ["encoder_conf.yml", "decoder_conf.yml", "encoder.safetensors", "decoder.safetensors"])
def test_a_file_of_the_image_autoencoder_is_missing(first: Folders, name: str) -> None:
    (first.vae / name).unlink()
    refused(first, f"lacks {name}")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"ch_0": "absent"}, "does not describe"),
        ({"channels": 0}, "a size that no"),
        ({"ch_max": 256}, "do not lead from 16 to 256"),
        ({"latent_channels": 4}, "latents of 4 channels; the model's have 8"),
        ({"decoder_blocks_per_stage": [1, 3]}, r"tells of \[1, 3\] blocks by stage; the weights have \[2, 1\]"),
        ({"ch_0": 32}, "the convolution .* with the shape"),
        ({"channels": 4}, "asks for 32 channels in and 4 out|asks for 16 channels in and 4 out"),
    ],
)
def test_a_description_that_does_not_fit(first: Folders, changes: dict[str, object], match: str) -> None:
    path = first.vae / "decoder_conf.yml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))["model"] | changes
    path.write_text(yaml.safe_dump({"model": {k: v for k, v in told.items() if v != "absent"}}), encoding="utf-8")
    refused(first, match)


def test_a_convolution_is_missing_or_unknown(first: Folders) -> None:
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - half typed

    path = first.vae / "encoder.safetensors"
    whole = load_file(path)
    save(path, {name: tensor for name, tensor in whole.items() if "residuals.1" not in name})
    refused(first, "lacks the convolution residuals.1")
    save(path, whole | {"attention.weight": torch.zeros(1)})
    refused(first, "has attention.weight, which this autoencoder does not have")
    norms, directions = (f"conv_in.proj.parametrizations.weight.original{at}" for at in (0, 1))
    for damaged in (
        {name: tensor for name, tensor in whole.items() if name != directions},
        whole | {directions: torch.zeros(3)},
        whole | {norms: torch.zeros(3)},
    ):
        save(path, damaged)
        refused(first, f"{norms} without the {directions}")
