"""What is on this machine of a repository: in a folder of the person's own, or in the Hugging Face cache."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from services.local_models.model_folder import read_mapping
from services.model_hub import safetensors_header
from services.model_hub.hub_cache import CachedModel
from services.model_hub.model_hub import Absent, Damaged, Found, ModelHubError, OnDisk, Partly
from services.model_hub.repository_files import (
    Listing,
    RepositoryFile,
    escapes,
    is_pickle,
    listing_of_disk,
    pickles_alone,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.model_hub.repository import Repository

_WEIGHTS: Final = ".safetensors"
_INDEX: Final = ".safetensors.index.json"  # which file of weights has which tensor

_Sizes: TypeAlias = "Mapping[str, int]"  # bytes of each file, by its path


def find_model(cache_dir: Path, repository: Repository, models_dir: Path | None = None) -> Found:
    """A folder OWNER/NAME in `models_dir` comes first, and is used as it is. Blocks; it never asks the network.

    Weights are checked by their headers: reading all of them would take minutes. A pull compares their contents.
    """
    own = own_folder(models_dir, repository.model_id)
    if own is not None:
        return _look_at_own(own, repository)
    model = CachedModel(cache_dir, repository.model_id)
    commit = model.commit_of(repository.revision)
    if commit is None:
        return Absent()
    listing = read_listing(model, commit)
    if listing is not None:
        return _compare(model, listing, repository)
    snapshot = model.snapshot(commit)
    return _look_at_foreign(snapshot, commit, repository) if snapshot.is_dir() else Absent()


def own_folder(models_dir: Path | None, model_id: str) -> Path | None:
    """The folder of a model that the person who runs the server keeps themselves."""
    own = None if models_dir is None else models_dir.joinpath(*model_id.split("/"))
    return own if own is not None and own.is_dir() else None


def read_listing(model: CachedModel, commit: str) -> Listing | None:
    """What a pull has noted of a commit; None: nothing, or it is damaged."""
    try:
        data = model.listing(commit).read_bytes()
    except OSError:
        return None
    listing = listing_of_disk(model.model_id, data)
    return listing if listing is not None and listing.commit == commit else None


def damage(folder: Path, repository: Repository, paths: Iterable[str]) -> str | None:
    """A sentence about what is wrong with files of a model that are all there; None: nothing is."""
    root = _root_of(folder)
    for path in sorted(paths):
        file = folder / path
        if not file.resolve().is_relative_to(root):
            return f"{path} of {repository.model_id} leads out of the model's folder."
        if path.endswith(_INDEX) and (fault := _fault_of_index(folder, path)):
            return f"{path} of {repository.model_id} {fault}."
        try:
            fault = safetensors_header.what_is_wrong(file) if path.endswith(_WEIGHTS) else None
        except OSError as error:
            fault = f"cannot be read: {error.strerror}"
        if fault is not None:
            return f"{path} of {repository.model_id} {fault}."
    return None


# ----------------------------------------------------------------------------------------------- with a listing


def _compare(model: CachedModel, listing: Listing, repository: Repository) -> Found:
    """What a pull has brought, or is bringing, against what the hub said that there is."""
    try:
        wanted = listing.wanted(repository)
    except ModelHubError as error:
        return Damaged(str(error))
    snapshot = model.snapshot(listing.commit)
    sizes = {file.path: _size(snapshot / file.path) for file in wanted}
    total = sum(file.size for file in wanted)
    for file in wanted:
        if sizes[file.path] not in {None, file.size}:
            return Damaged(f"{file.path} of {model.model_id} has {sizes[file.path]} bytes instead of {file.size}.")
    if None in sizes.values():
        return Partly(sum(come_so_far(model, listing.commit, file) for file in wanted), total)
    wrong = damage(snapshot, repository, sizes)
    return OnDisk(snapshot, listing.commit, total) if wrong is None else Damaged(wrong)


def come_so_far(model: CachedModel, commit: str, file: RepositoryFile) -> int:
    """Bytes of a file that are on this machine already."""
    places = (model.snapshot(commit) / file.path, model.blob(file.blob), model.part(file.blob))
    return min(next((size for place in places if (size := _size(place)) is not None), 0), file.size)


# -------------------------------------------------------------------------------------------- without a listing


def _look_at_foreign(snapshot: Path, commit: str, repository: Repository) -> Found:
    """What another program has downloaded, which has left no list of what there should be."""
    files = _files_of(snapshot)
    wanted = _wanted(files, repository)
    if _lacking(snapshot, wanted, repository):
        return Partly(min(sum(wanted.values()), repository.size_bytes), repository.size_bytes)
    wrong = damage(snapshot, repository, wanted)
    return OnDisk(snapshot, commit, sum(wanted.values())) if wrong is None else Damaged(wrong)


def _look_at_own(folder: Path, repository: Repository) -> Found:
    files = _files_of(folder)
    wanted = _wanted(files, repository)
    lacking = _lacking(folder, wanted, repository)
    if lacking is not None:
        if lacking.endswith(_WEIGHTS) and any(is_pickle(path) for path in files):
            return Damaged(pickles_alone(repository.model_id))
        return Damaged(f"The folder of {repository.model_id} lacks {lacking}. The server does not pull into it.")
    wrong = damage(folder, repository, wanted)
    return OnDisk(folder, None, sum(wanted.values())) if wrong is None else Damaged(wrong)


def _files_of(folder: Path) -> _Sizes:
    """Every file below a folder. Links to folders are not followed."""
    found: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            size = _size(file)
            if size is not None:
                found[file.relative_to(folder).as_posix()] = size
    return found


def _wanted(files: _Sizes, repository: Repository) -> _Sizes:
    return {
        path: size
        for path, size in files.items()
        if path in repository.pickles
        or (not is_pickle(path) and any(fnmatchcase(path, pattern) for pattern in repository.files))
    }


def _lacking(folder: Path, wanted: _Sizes, repository: Repository) -> str | None:
    """A file, or the pattern of files, that is needed and not there."""
    for pattern in (*repository.files, *repository.pickles):
        if not any(fnmatchcase(path, pattern) for path in wanted):
            return pattern
    for path in sorted(wanted):
        if path.endswith(_INDEX):
            for part in _parts_of(folder, path):
                if part not in wanted and not escapes(part):
                    return part
    return None


def _fault_of_index(folder: Path, path: str) -> str | None:
    for part in _parts_of(folder, path):
        if escapes(part):
            return "names weights outside of the model's folder"
        if not (folder / part).is_file():
            return f"names {part}, which is not there"
    return None


def _parts_of(folder: Path, index: str) -> list[str]:
    """The files of weights that an index names, by their paths in the model's folder."""
    told: Any = read_mapping(folder / index).get("weight_map")
    names = cast("dict[str, object]", told).values() if isinstance(told, dict) else ()
    beside = index.rpartition("/")[0]
    return sorted({f"{beside}/{name}" if beside else str(name) for name in names})


def _root_of(folder: Path) -> Path:
    """What the files of a folder may lie in. Those of a snapshot in a cache are links to the model's blobs."""
    resolved = folder.resolve()
    return resolved.parent.parent if resolved.parent.name == "snapshots" else resolved


def _size(file: Path) -> int | None:
    """None: it is not there, or is no file."""
    try:
        return file.stat().st_size if file.is_file() else None
    except OSError:
        return None
