"""The layout of the Hugging Face cache: `models--owner--name/snapshots/<commit>/<files>` and `refs/<branch>`."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.files import write_whole
from services.model_hub.repository import is_commit

if TYPE_CHECKING:
    from collections.abc import Mapping

_PART: Final = ".terrarium-part"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def default_cache_dir(environ: Mapping[str, str]) -> Path:
    """Where Hugging Face libraries keep models, by the environment variables that they read."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return Path(environ[name]).expanduser()
    return home_dir(environ) / "hub"


def home_dir(environ: Mapping[str, str]) -> Path:
    """Where Hugging Face libraries keep what is theirs, such as the token of whoever has signed in."""
    if environ.get("HF_HOME"):
        return Path(environ["HF_HOME"]).expanduser()
    base = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "huggingface"


def model_folder(cache_dir: Path, model_id: str) -> Path:
    """Everything that the cache holds of a model. `model_id` is `owner/name`."""
    return cache_dir / ("models--" + model_id.replace("/", "--"))


def snapshots_folder(cache_dir: Path, model_id: str) -> Path:
    """A folder for each commit of the model that is on this machine, at least in part."""
    return model_folder(cache_dir, model_id) / "snapshots"


def main_snapshot(cache_dir: Path, model_id: str) -> Path | None:
    """The commit that the model's main branch was at when it was downloaded; None if it was not."""
    model = CachedModel(cache_dir, model_id)
    commit = model.commit_of("main")
    return None if commit is None else model.snapshot(commit)


def content_hash(file: Path) -> str:
    """SHA-256 (hex) of a file. Reads it, unless the cache calls it by that hash, which the pull has checked.

    Raises:
        OSError: it cannot be read.
    """
    blob = file.resolve()
    if blob.parent.name == "blobs" and _SHA256.fullmatch(blob.name):
        return blob.name
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class CachedModel:
    """One model of a cache: where its parts lie, and how they get there. Every method blocks."""

    cache_dir: Path
    model_id: str

    @property
    def folder(self) -> Path:
        return model_folder(self.cache_dir, self.model_id)

    @property
    def lock_file(self) -> Path:
        """Held by the one process that pulls or removes the model. It is outside of the folder, which may vanish."""
        return self.cache_dir / ".locks" / self.folder.name / "terrarium.lock"

    def commit_of(self, revision: str) -> str | None:
        """The commit of a revision: itself, or the one that a branch was at when it was pulled; None if it was not."""
        if is_commit(revision):
            return revision
        try:
            commit = self._ref(revision).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return commit if is_commit(commit) else None

    def remember_commit(self, branch: str, commit: str) -> None:
        """Raises: OSError."""
        ref = self._ref(branch)
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_whole(ref, commit.encode())

    def snapshot(self, commit: str) -> Path:
        return self.folder / "snapshots" / commit

    def listing(self, commit: str) -> Path:
        """Where a pull notes which files the commit has, so that what is missing is known without the network."""
        return self.folder / "terrarium" / f"{commit}.json"

    def part(self, blob: str) -> Path:
        """What has come so far of a file, by its name among the blobs."""
        return self.folder / "blobs" / (blob + _PART)

    def blob(self, blob: str) -> Path:
        return self.folder / "blobs" / blob

    def place(self, commit: str, path: str, blob: str) -> None:
        """Show a blob at its path in the snapshot. Where there are no links, it is moved there. Raises: OSError."""
        shown, target = self.snapshot(commit) / path, self.blob(blob)
        shown.parent.mkdir(parents=True, exist_ok=True)
        link = os.path.relpath(target, shown.parent)
        with suppress(OSError):
            if os.readlink(shown) == link:
                return
        new = shown.with_name(f".{shown.name}.new")
        new.unlink(missing_ok=True)
        try:
            new.symlink_to(link)
        except OSError:  # Windows, for people who may not make links
            target.replace(shown)
        else:
            new.replace(shown)

    def _ref(self, branch: str) -> Path:
        return self.folder / "refs" / branch
