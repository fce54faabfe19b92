"""The layout of the Hugging Face cache: `models--owner--name/snapshots/<commit>/<files>` and `refs/<branch>`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def default_cache_dir(environ: Mapping[str, str]) -> Path:
    """Where Hugging Face libraries keep models, by the environment variables that they read."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return Path(environ[name]).expanduser()
    if environ.get("HF_HOME"):
        return Path(environ["HF_HOME"]).expanduser() / "hub"
    base = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "huggingface" / "hub"


def model_folder(cache_dir: Path, model_id: str) -> Path:
    """Everything that the cache holds of a model. `model_id` is `owner/name`."""
    return cache_dir / ("models--" + model_id.replace("/", "--"))


def snapshots_folder(cache_dir: Path, model_id: str) -> Path:
    """A folder for each commit of the model that is on this machine, at least in part."""
    return model_folder(cache_dir, model_id) / "snapshots"


def main_snapshot(cache_dir: Path, model_id: str) -> Path | None:
    """The commit that the model's main branch was at when it was downloaded; None if it was not."""
    try:
        commit = (model_folder(cache_dir, model_id) / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return snapshots_folder(cache_dir, model_id) / Path(commit).name
