"""The Hugging Face cache on this machine: how large a model in it is, and its removal."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.model_hub.model_hub import ModelHubError

if TYPE_CHECKING:
    from collections.abc import Mapping

# "--" stands for the slash in the name of a folder, so an id that holds it would name another model's folder.
_MODEL_ID: Final = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
# The same weights as the other files of its folder, for another library.
_SKIPPED_FILE: Final = "diffusion_pytorch_model.safetensors"


def default_cache_dir(environ: Mapping[str, str]) -> Path:
    """Where Hugging Face libraries keep models, by the environment variables that they read."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return Path(environ[name]).expanduser()
    if environ.get("HF_HOME"):
        return Path(environ["HF_HOME"]).expanduser() / "hub"
    base = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "huggingface" / "hub"


class LocalModelHub:
    """A `ModelHub` that reads the layout of the cache: `models--owner--name/snapshots/<revision>/<files>`.

    The files of a snapshot are links to `blobs/`, or plain files where links are not to be had.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir

    def cached_size(self, model_id: str) -> int | None:
        snapshots = self._folder(model_id) / "snapshots"
        sizes: dict[Path, int] = {}
        try:
            for file in snapshots.rglob("*.safetensors"):
                if file.name != _SKIPPED_FILE and file.is_file():
                    blob = file.resolve()
                    sizes[blob] = blob.stat().st_size
        except OSError:  # removed meanwhile, or not ours to read
            return None
        return sum(sizes.values()) or None

    def delete_cached(self, model_id: str) -> bool:
        folder = self._folder(model_id)
        try:
            if not folder.exists() and not folder.is_symlink():
                return False
            # A link, or a junction on Windows, would have us remove files that are not the cache's.
            if folder.is_symlink() or folder.resolve().parent != self._cache_dir.resolve():
                raise ModelHubError(f"{model_id} is a link to another folder, so it is not removed from here.")
            if not folder.is_dir():
                raise ModelHubError(f"{model_id} is not a model folder, so it is not removed.")
            shutil.rmtree(folder)
        except FileNotFoundError:  # somebody else removes it
            return not folder.exists()
        except OSError as error:
            reason = error.strerror or "the system refused"
            raise ModelHubError(f"The files of {model_id} could not be removed: {reason}.") from error
        return True

    def _folder(self, model_id: str) -> Path:
        if _MODEL_ID.fullmatch(model_id) is None:
            raise ModelHubError("A model id is an owner and a name with a slash between them, such as owner/name.")
        return self._cache_dir / ("models--" + model_id.replace("/", "--"))
