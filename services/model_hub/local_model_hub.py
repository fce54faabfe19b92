"""Models in the Hugging Face cache on this machine, and their removal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from services.model_hub.hub_cache import model_folder
from services.model_hub.model_hub import HubFault, ModelHubError
from services.model_hub.repository import is_model_id

if TYPE_CHECKING:
    from pathlib import Path


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
                raise ModelHubError(
                    HubFault.NOT_REMOVED, f"{model_id} is a link to another folder, so it is not removed from here."
                )
            if not folder.is_dir():
                raise ModelHubError(HubFault.NOT_REMOVED, f"{model_id} is not a model folder, so it is not removed.")
            shutil.rmtree(folder)
        except FileNotFoundError:  # somebody else removes it
            return not folder.exists()
        except OSError as error:
            reason = error.strerror or "the system refused"
            raise ModelHubError(
                HubFault.NOT_REMOVED, f"The files of {model_id} could not be removed: {reason}."
            ) from error
        return True

    def _folder(self, model_id: str) -> Path:
        if not is_model_id(model_id):
            message = "A model id is an owner and a name with a slash between them, such as owner/name."
            raise ModelHubError(HubFault.MALFORMED, message)
        return model_folder(self._cache_dir, model_id)
