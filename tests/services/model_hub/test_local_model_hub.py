"""Models in the cache are removed without touching anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.model_hub.hub_cache import default_cache_dir
from services.model_hub.local_model_hub import LocalModelHub
from services.model_hub.model_hub import ModelHubError


def cache_model(cache: Path, folder: str, files: dict[str, int], *, revision: str = "abc") -> None:
    """A model as the hub's libraries lay it out: blobs, and links to them."""
    blobs, snapshot = cache / folder / "blobs", cache / folder / "snapshots" / revision
    for name, size in files.items():
        blob, link = blobs / f"{name.replace('/', '_')}-{size}", snapshot / name
        blob.parent.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(bytes(size))
        link.symlink_to(os.path.relpath(blob, link.parent))


def test_a_model_is_removed_whole_and_alone(tmp_path: Path) -> None:
    cache_model(tmp_path, "models--owner--name", {"model.safetensors": 100})
    cache_model(tmp_path, "models--owner--other", {"model.safetensors": 100})
    hub = LocalModelHub(tmp_path)
    assert hub.delete_cached("owner/name")
    assert not hub.delete_cached("owner/name")
    assert [path.name for path in tmp_path.iterdir()] == ["models--owner--other"]
    assert not LocalModelHub(tmp_path / "missing").delete_cached("owner/name")


def test_a_link_in_the_cache_is_never_followed(tmp_path: Path) -> None:
    cache, outside = tmp_path / "cache", tmp_path / "outside"
    cache.mkdir()
    cache_model(outside, "precious", {"model.safetensors": 100})
    (cache / "models--owner--name").symlink_to(outside / "precious")
    with pytest.raises(ModelHubError) as caught:
        LocalModelHub(cache).delete_cached("owner/name")
    assert str(tmp_path) not in str(caught.value)
    assert (outside / "precious" / "blobs").exists()


def test_a_cache_that_is_itself_a_link_works(tmp_path: Path) -> None:
    cache_model(tmp_path / "real", "models--owner--name", {"model.safetensors": 100})
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    assert LocalModelHub(tmp_path / "cache").delete_cached("owner/name")


@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "name",
        "/name",
        "owner/",
        "owner/name/more",
        "../name",
        "owner/..",
        "owner/...",
        "./name",
        "owner\\name",
        "owner/na\\me",
        "owner/..\\..\\name",
        "C:/name",
        "owner/name\n",
        "owner/na me",
        "owner/a..b",
        "owner--x/name",
        "owner/-name",
        "owner/名",
        "owner/" + "a" * 200,
        "owner/name\0",
    ],
)
def test_anything_else_is_no_model_id(tmp_path: Path, model_id: str) -> None:
    hub = LocalModelHub(tmp_path)
    with pytest.raises(ModelHubError) as caught:
        hub.delete_cached(model_id)
    assert str(caught.value).endswith(".")


def test_the_cache_is_where_the_libraries_keep_it() -> None:
    home = Path("~/.cache/huggingface/hub").expanduser()
    assert default_cache_dir({}) == home
    assert default_cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/huggingface/hub")
    assert default_cache_dir({"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}) == Path("/h/hub")
    several = {"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}
    assert default_cache_dir(several) == Path("/old")
    assert default_cache_dir({**several, "HF_HUB_CACHE": "~/new"}) == Path("~/new").expanduser()
    assert default_cache_dir({"HF_HUB_CACHE": ""}) == home
