"""What an engine reads of a model repository, and where it was published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repository:
    """The part of a repository that an engine needs on the disk.

    `model_id` is `owner/name`. `files` are glob patterns of the paths that the engine reads, and `size_bytes` is what
    those files take together. `licence` is an SPDX identifier. A `revision` that is a branch is resolved to its
    commit by the pull and kept as the cache's ref; a commit is pinned.
    """

    model_id: str
    files: tuple[str, ...]
    size_bytes: int
    licence: str
    revision: str = "main"
