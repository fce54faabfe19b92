"""Models in the cache are found where the libraries keep them, and removed without touching anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime_config.hub_config import HubConfig
from services.model_hub.hub_access import HubAccess, hub_access
from services.model_hub.hub_cache import default_cache_dir
from services.model_hub.hugging_face_hub import HuggingFaceHub
from services.model_hub.model_hub import ModelHubError


def hub_on(cache: Path) -> HuggingFaceHub:
    return HuggingFaceHub(cache, HubConfig(), environ={})


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
    hub = hub_on(tmp_path)
    assert hub.delete_cached("owner/name")
    assert not hub.delete_cached("owner/name")
    assert [path.name for path in tmp_path.iterdir() if path.name != ".locks"] == ["models--owner--other"]
    assert not hub_on(tmp_path / "missing").delete_cached("owner/name")


def test_a_link_in_the_cache_is_never_followed(tmp_path: Path) -> None:
    cache, outside = tmp_path / "cache", tmp_path / "outside"
    cache.mkdir()
    cache_model(outside, "precious", {"model.safetensors": 100})
    (cache / "models--owner--name").symlink_to(outside / "precious")
    with pytest.raises(ModelHubError) as caught:
        hub_on(cache).delete_cached("owner/name")
    assert str(tmp_path) not in str(caught.value)
    assert (outside / "precious" / "blobs").exists()


def test_a_cache_that_is_itself_a_link_works(tmp_path: Path) -> None:
    cache_model(tmp_path / "real", "models--owner--name", {"model.safetensors": 100})
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    assert hub_on(tmp_path / "cache").delete_cached("owner/name")


def test_the_cache_is_where_the_libraries_keep_it() -> None:
    home = Path("~/.cache/huggingface/hub").expanduser()
    assert default_cache_dir({}) == home
    assert default_cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/huggingface/hub")
    assert default_cache_dir({"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}) == Path("/h/hub")
    several = {"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}
    assert default_cache_dir(several) == Path("/old")
    assert default_cache_dir({**several, "HF_HUB_CACHE": "~/new"}) == Path("~/new").expanduser()
    assert default_cache_dir({"HF_HUB_CACHE": ""}) == home


def test_the_token_of_the_environment_stays_with_the_hub_of_the_environment(tmp_path: Path) -> None:
    signed_in = {"HF_HOME": str(tmp_path)}
    hugging_face = "https://huggingface.co"
    assert hub_access(HubConfig(), signed_in) == HubAccess(hugging_face, None)
    (tmp_path / "token").write_text("from-a-file\n")
    assert hub_access(HubConfig(), signed_in) == HubAccess(hugging_face, "from-a-file")
    given = {**signed_in, "HF_TOKEN": "from-a-variable", "HF_ENDPOINT": "https://mirror.example/"}
    assert hub_access(HubConfig(), given) == HubAccess("https://mirror.example", "from-a-variable")
    assert hub_access(HubConfig(token="set"), given) == HubAccess("https://mirror.example", "set")
    assert hub_access(HubConfig("https://other.example"), given) == HubAccess("https://other.example", None)
    assert hub_access(HubConfig("https://other.example", "set"), given).token == "set"
    assert "from-a-variable" not in repr(hub_access(HubConfig(), given))


def test_a_file_that_holds_no_token_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_bytes(b"two words\r\nX-Header: 1")
    assert hub_access(HubConfig(), {"HF_HOME": str(tmp_path), "HF_TOKEN_PATH": str(file)}).token is None
