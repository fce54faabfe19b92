"""Models in the Hugging Face cache on this machine, and their removal."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from services.model_hub.hub_cache import model_folder
from services.model_hub.model_hub import ModelHubError

if TYPE_CHECKING:
    from pathlib import Path

# "--" stands for the slash in the name of a folder, so an id that holds it would name another model's folder.
_MODEL_ID: Final = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")


class LocalModelHub:
    """A `ModelHub` on the folder that Hugging Face libraries share."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir

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
        return model_folder(self._cache_dir, model_id)
