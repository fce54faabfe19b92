"""The files of a commit, as the hub lists them, and which of them a model reads."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, cast

from services.model_hub.model_hub import HubFault, ModelHubError
from services.model_hub.repository import is_commit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.model_hub.repository import Repository

# What Python's unpickler reads, which runs whatever a file tells it to.
_PICKLES: Final = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")
_WEIGHTS: Final = ".safetensors"
_BLOB: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ESCAPES: Final = re.compile(r"(?:^|.*[/\\])\.\.(?:[/\\].*|$)|[/\\].*|[A-Za-z]:.*", re.DOTALL)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_LONGEST_PATH: Final = 400
_LARGEST_FILE: Final = 1 << 42  # bytes
_MOST_FILES: Final = 20_000


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """`blob` names its content: the SHA-256 of a large file, or the SHA-1 under which git knows a small one."""

    path: str
    size: int
    blob: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Every file of one commit."""

    commit: str
    files: tuple[RepositoryFile, ...]

    def wanted(self, repository: Repository) -> tuple[RepositoryFile, ...]:
        """Those that a model reads.

        Raises:
            ModelHubError: some that it needs are missing, or there are weights as pickles alone.
        """
        found: dict[str, RepositoryFile] = {}
        for pattern in (*repository.files, *repository.pickles):
            matching = [file for file in self.files if fnmatchcase(file.path, pattern)]
            usable = [file for file in matching if not is_pickle(file.path) or file.path in repository.pickles]
            if not usable:
                raise ModelHubError(HubFault.UNUSABLE, self._lack(repository.model_id, pattern, matching))
            found |= {file.path: file for file in usable}
        return tuple(sorted(found.values(), key=lambda file: (file.size, file.path)))

    def _lack(self, model_id: str, pattern: str, matching: Sequence[RepositoryFile]) -> str:
        names = [file.path for file in self.files]
        is_for_weights = pattern.endswith(_WEIGHTS)
        if matching or (is_for_weights and any(is_pickle(name) for name in names)):
            return pickles_alone(model_id)
        return f"{model_id} has no {pattern} at this revision, which the server needs of it."

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def is_pickle(path: str) -> bool:
    return path.lower().endswith(_PICKLES)


def pickles_alone(model_id: str) -> str:
    return (
        f"{model_id} has its weights as pickles alone, which may run any program when they are read. "
        "The server reads safetensors."
    )


def listing_of_hub(model_id: str, answer: object) -> Listing:
    """What the hub says of one revision.

    Raises:
        ModelHubError: it makes no sense, or names a file that would lie outside of the model's folder.
    """
    told = _mapping(answer)
    files = told.get("siblings")
    if not isinstance(files, list) or len(cast("list[object]", files)) > _MOST_FILES:
        raise _nonsense(model_id)
    return _checked(model_id, told.get("sha"), [_told_by_hub(each) for each in cast("list[object]", files)])


def listing_of_disk(model_id: str, data: bytes) -> Listing | None:
    """A listing that a pull has noted; None: it is damaged."""
    try:
        told = _mapping(json.loads(data))
        files = cast("list[object]", told["files"])
        return _checked(model_id, told.get("commit"), [_mapping(each) for each in files])
    except (ModelHubError, ValueError, KeyError, TypeError, RecursionError):
        return None


def escapes(path: str) -> bool:
    """Whether a path leaves the folder that it is relative to, on any system."""
    return _ESCAPES.fullmatch(path) is not None


def _told_by_hub(sibling: object) -> Mapping[str, object]:
    told = _mapping(sibling)
    large = _mapping(told.get("lfs"))
    return {
        "path": told.get("rfilename"),
        "size": large.get("size", told.get("size")),
        "blob": large.get("sha256") or told.get("blobId"),
    }


def _checked(model_id: str, commit: object, told: Sequence[Mapping[str, object]]) -> Listing:
    if not isinstance(commit, str) or not is_commit(commit):
        raise _nonsense(model_id)
    files: list[RepositoryFile] = []
    for each in told:
        path, size, blob = each.get("path"), each.get("size"), each.get("blob")
        if not isinstance(path, str) or not isinstance(blob, str) or not isinstance(size, int):
            raise _nonsense(model_id)
        if escapes(path):
            message = f"{model_id} names a file that would lie outside of its folder. It is not pulled."
            raise ModelHubError(HubFault.UNUSABLE, message)
        if _BLOB.fullmatch(blob) is None or not 0 <= size <= _LARGEST_FILE:
            raise _nonsense(model_id)
        if _is_plain(path):  # the others have names that no model needs, and some systems do not take
            files.append(RepositoryFile(path, size, blob))
    if len({file.path.casefold() for file in files}) != len(files):  # on some systems one would overwrite the other
        raise _nonsense(model_id)
    return Listing(commit, tuple(files))


def _is_plain(path: str) -> bool:
    is_clean = len(path) <= _LONGEST_PATH and _FORBIDDEN.search(path) is None
    return is_clean and all(part and part == part.rstrip(" .") for part in path.split("/"))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _nonsense(model_id: str) -> ModelHubError:
    return ModelHubError(HubFault.BROKEN, f"What the hub says of {model_id} makes no sense. Is its address right?")
