"""A repository of a model hub, and the part of it that a model of this server reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HOW_TO_PULL: Final = "Pull it in the Models view of the server's page."
# "--" stands for the slash in the name of a folder, so an id that holds it would name another model's folder.
_MODEL_ID: Final = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_REVISION: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_PATTERN: Final = re.compile(r"(?!.*(?:\.\.|//))[A-Za-z0-9_*?\[][A-Za-z0-9_*?\[\]!./-]{0,199}")


@dataclass(frozen=True, slots=True)
class Repository:
    """What an engine needs of a repository.

    `model_id` is `owner/name`. `files` are glob patterns of the paths that the engine reads, such as
    `transformer/*.safetensors`; a `*` also stands for slashes, as on the hub. `size_bytes` is the size of all of these
    files together. `licence` is an SPDX identifier. `revision` is a commit, or a branch: then the first pull settles
    which commit it means. `is_gated`: the hub gives it only to people who have accepted its terms.

    `pickles` are paths of files in Python's pickle format. No other ones are pulled, because most readers of that
    format run what a file tells them to. An engine that names one reads it with a reader that runs nothing.

    `takes_own_folder`: whoever reads the model looks for a folder of the person's own first. Models that have a setting
    for that folder alone do not.

    Raises:
        ValueError: an id, a revision or a pattern is malformed.
    """

    model_id: str
    files: tuple[str, ...]
    size_bytes: int
    licence: str
    revision: str = "main"
    is_gated: bool = False
    pickles: tuple[str, ...] = ()
    takes_own_folder: bool = True

    def __post_init__(self) -> None:
        if not is_model_id(self.model_id):
            raise ValueError(f"{self.model_id!r:.100} is no model id: it has to be owner/name.")
        if _REVISION.fullmatch(self.revision) is None:
            raise ValueError(f"{self.revision!r:.100} is no revision of {self.model_id}.")
        if not self.files and not self.pickles:
            raise ValueError(f"No files of {self.model_id} are named.")
        for pattern in (*self.files, *self.pickles):
            if _PATTERN.fullmatch(pattern) is None:
                raise ValueError(f"{pattern!r:.100} is no pattern of files of {self.model_id}.")

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return is_commit(self.revision)


def is_model_id(text: str) -> bool:
    return _MODEL_ID.fullmatch(text) is not None


def is_commit(text: str) -> bool:
    return _COMMIT.fullmatch(text) is not None
