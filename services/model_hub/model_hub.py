"""What a model hub is: model repositories by id, as they lie on this machine."""

from __future__ import annotations

from typing import Protocol


class ModelHubError(RuntimeError):
    """A malformed id, or a model that cannot be removed. `str()` of it is a sentence that names no path."""


class ModelHub(Protocol):
    """Every method blocks. A model id is `owner/name`; anything else raises `ModelHubError`."""

    def delete_cached(self, model_id: str) -> bool:
        """Remove the model from disk; False when it was not there.

        Raises:
            ModelHubError: also when the files cannot be removed.
        """
        ...
