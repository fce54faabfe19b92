"""Models in the Hugging Face cache on this machine, pulled from a hub that speaks the protocol of Hugging Face.

The requests are the server's own, as it promises more than the package huggingface_hub does: a file that a kill has cut
goes on from its last byte, the token never leaves the hub, and no redirect leads into the server's own network. What
lies in the cache is laid out as that package does, so that both use the same files.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from runtime_config.folder_lock import HELD_BY_ANOTHER, lock_handle
from services.files import write_whole
from services.model_hub.cached_models import come_so_far, find_model, own_folder, read_listing
from services.model_hub.file_pull import LEAST_FREE_BYTES, FilePull, disk_errors_told, pause_or_give_up
from services.model_hub.hub_access import hub_access
from services.model_hub.hub_cache import CachedModel
from services.model_hub.hub_refusals import TryAgainError
from services.model_hub.model_hub import Absent, Damaged, HubFault, ModelHubError, OnDisk, Partly, PullProgress
from services.model_hub.own_loop import on_own_loop
from services.model_hub.repository import is_model_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from runtime_config.hub_config import HubConfig
    from services.model_hub.hub_connection import HubConnection
    from services.model_hub.model_hub import Found
    from services.model_hub.repository import Repository
    from services.model_hub.repository_files import Listing, RepositoryFile

PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
SILENCE_S: Final = 30.0
_TELL_STEPS: Final = 200  # of a pull's bytes: the event loop of the server need not hear of every packet


class HuggingFaceHub:
    """A `ModelHub`. `models_dir` holds models as OWNER/NAME that a person keeps themselves."""

    def __init__(
        self,
        cache_dir: Path,
        config: HubConfig,
        models_dir: Path | None = None,
        *,
        environ: Mapping[str, str],
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        pauses_s: Sequence[float] = PAUSES_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        """`pauses_s` are those between attempts. `silence_s`: how long a hub may send nothing before the next one."""
        self._cache_dir = cache_dir
        self._config = config
        self._models_dir = models_dir
        self._environ = environ
        self._free_bytes = free_bytes
        self._pauses_s = pauses_s
        self._silence_s = silence_s

    def use(self, config: HubConfig, models_dir: Path | None) -> None:
        self._config, self._models_dir = config, models_dir

    def find(self, repository: Repository) -> Found:
        return find_model(self._cache_dir, repository, self._models_dir)

    async def pull(self, repository: Repository, on_progress: Callable[[PullProgress], None]) -> OnDisk:
        events = asyncio.get_running_loop()

        def tell(progress: PullProgress) -> None:
            events.call_soon_threadsafe(on_progress, progress)

        return await on_own_loop(lambda: self._pull(repository, tell), "pull")

    def delete_cached(self, model_id: str) -> bool:
        if not is_model_id(model_id):
            message = "A model id is an owner and a name with a slash between them, such as owner/name."
            raise ModelHubError(HubFault.MALFORMED, message)
        model = CachedModel(self._cache_dir, model_id)
        try:
            if not model.folder.exists() and not model.folder.is_symlink():
                return False
            self._require_own(model)
            with _held(model):
                shutil.rmtree(model.folder)
        except FileNotFoundError:  # somebody else removes it
            return not model.folder.exists()
        except OSError as error:
            reason = error.strerror or "the system refused"
            message = f"The files of {model_id} could not be removed: {reason}."
            raise ModelHubError(HubFault.NOT_REMOVED, message) from error
        return True

    def free_bytes(self) -> int | None:
        folder = self._cache_dir
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            return self._free_bytes(folder)
        except OSError:
            return None

    def _require_own(self, model: CachedModel) -> None:
        """A link, or a junction on Windows, would have us remove files that are not the cache's."""
        folder = model.folder
        if folder.is_symlink() or folder.resolve().parent != self._cache_dir.resolve():
            message = f"{model.model_id} is a link to another folder, so it is not removed from here."
            raise ModelHubError(HubFault.NOT_REMOVED, message)
        if not folder.is_dir():
            message = f"{model.model_id} is not a model folder, so it is not removed."
            raise ModelHubError(HubFault.NOT_REMOVED, message)

    async def _pull(self, repository: Repository, tell: Callable[[PullProgress], None]) -> OnDisk:
        models_dir = self._models_dir
        if own_folder(models_dir, repository.model_id) is not None:
            return _usable(find_model(self._cache_dir, repository, models_dir))
        from services.model_hub.hub_connection import hub_connection

        model = CachedModel(self._cache_dir, repository.model_id)
        with disk_errors_told(model.model_id), _held(model):
            async with hub_connection(hub_access(self._config, self._environ), self._silence_s) as hub:
                listing = await self._listed(hub, model, repository)
                wanted = listing.wanted(repository)
                meter = _Meter(model, listing.commit, wanted, tell)
                self._require_room(model.model_id, meter.missing_bytes)
                files = FilePull(
                    hub,
                    model,
                    listing.commit,
                    pauses_s=self._pauses_s,
                    free_bytes=lambda: self._free_bytes(self._cache_dir),
                    on_bytes=meter.add,
                )
                for file in wanted:
                    await files.bring(file)
                    meter.finish_file()
        return _usable(find_model(self._cache_dir, repository))

    async def _listed(self, hub: HubConnection, model: CachedModel, repository: Repository) -> Listing:
        """The files of the revision. A branch is settled here, once: a later pull goes on with the same commit."""
        commit = model.commit_of(repository.revision)
        listing = None if commit is None else read_listing(model, commit)
        if listing is not None:
            return listing
        failures = 0
        while listing is None:
            try:
                listing = await hub.listing(model.model_id, commit or repository.revision)
            except TryAgainError as error:
                failures += 1
                await pause_or_give_up(error, failures, self._pauses_s)
        if commit not in {None, listing.commit}:
            message = f"The hub answers with another revision of {model.model_id} than was asked for."
            raise ModelHubError(HubFault.BROKEN, message)
        listing.wanted(repository)  # before anything is written
        for folder in (model.blob("x").parent, model.listing("x").parent):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(model.listing(listing.commit), listing.to_json())
        if not repository.is_pinned:
            model.remember_commit(repository.revision, listing.commit)
        return listing

    def _require_room(self, model_id: str, missing_bytes: int) -> None:
        free = self._free_bytes(self._cache_dir)
        short = missing_bytes + LEAST_FREE_BYTES - free
        if missing_bytes and short > 0:
            message = (
                f"{model_id} needs {_in_words(missing_bytes)} more on the disk, beside {_in_words(LEAST_FREE_BYTES)} "
                f"that stay free, and {_in_words(max(0, free))} are free. Make room for {_in_words(short)}."
            )
            raise ModelHubError(HubFault.NO_ROOM, message)


class _Meter:
    """Counts what has come, and tells it in steps."""

    def __init__(
        self, model: CachedModel, commit: str, files: Sequence[RepositoryFile], tell: Callable[[PullProgress], None]
    ) -> None:
        self._tell = tell
        self._total = sum(file.size for file in files)
        self._done = sum(come_so_far(model, commit, file) for file in files)
        self._files, self._done_files = len(files), 0
        self._told = -self._total
        self._tell_now()

    @property
    def missing_bytes(self) -> int:
        return self._total - self._done

    def add(self, size: int) -> None:
        self._done += size
        if abs(self._done - self._told) * _TELL_STEPS >= self._total:
            self._tell_now()

    def finish_file(self) -> None:
        self._done_files += 1
        self._tell_now()

    def _tell_now(self) -> None:
        self._told = self._done
        self._tell(PullProgress(self._done, self._total, self._done_files, self._files))


@contextmanager
def _held(model: CachedModel) -> Generator[None]:
    """One at a time, of all processes that use this cache. Raises: ModelHubError, OSError."""
    model.lock_file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(model.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            lock_handle(handle)
        except OSError as error:
            if error.errno not in HELD_BY_ANOTHER:  # a file system without locks
                raise
            message = f"{model.model_id} is being pulled by another process just now."
            raise ModelHubError(HubFault.IN_USE, message) from error
        yield
    finally:
        os.close(handle)


def _usable(found: Found) -> OnDisk:
    match found:
        case OnDisk():
            return found
        case Damaged(reason):
            raise ModelHubError(HubFault.UNUSABLE, reason)
        case Partly() | Absent():
            raise ModelHubError(HubFault.NOT_KEPT, "Files of the model have been removed while it was pulled.")


def _in_words(size: int) -> str:
    return f"{size / 1000**3:.1f} GB" if size >= 1000**3 else f"{size / 1000**2:.0f} MB"
