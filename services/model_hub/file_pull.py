"""One file of a model on its way to the disk: appended to what has come before, compared, and given its name."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from services.model_hub.hub_refusals import TryAgainError
from services.model_hub.model_hub import HubFault, ModelHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from services.model_hub.hub_cache import CachedModel
    from services.model_hub.hub_connection import Body, HubConnection
    from services.model_hub.repository_files import RepositoryFile

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

LEAST_FREE_BYTES: Final = 512 * 1024 * 1024  # of the disk, which the rest of the machine needs as well
_LOOK_EVERY_BYTES: Final = 64 * 1024 * 1024  # at the room that is left
_COUNTS_AS_PROGRESS: Final = 1024 * 1024  # bytes: a hub that sends less in a connection is not waited for without end
_READ: Final = 4 * 1024 * 1024  # bytes


class FilePull:
    """Brings the files of one commit. `free_bytes` says how much room the disk has left.

    `pauses_s` are those between attempts; after as many in a row without progress, the pull is given up. `on_bytes`
    gets how many bytes more are there, or fewer, where some had to be thrown away.
    """

    def __init__(
        self,
        hub: HubConnection,
        model: CachedModel,
        commit: str,
        *,
        pauses_s: Sequence[float],
        free_bytes: Callable[[], int],
        on_bytes: Callable[[int], None],
    ) -> None:
        self._hub = hub
        self._model = model
        self._commit = commit
        self._pauses_s = pauses_s
        self._free_bytes = free_bytes
        self._on_bytes = on_bytes

    async def bring(self, file: RepositoryFile) -> None:
        """Have the file in the snapshot, with the content that its blob's name says.

        What is on the disk counts, whoever has brought it, if its content is right.

        Raises:
            ModelHubError: it does not come, or comes with other content twice.
        """
        shown, blob = self._model.snapshot(self._commit) / file.path, self._model.blob(file.blob)
        here = blob if blob.is_file() else shown
        if here.is_file():
            if here.stat().st_size == file.size and await _has_content(here, file):
                if here is blob:
                    self._model.place(self._commit, file.path, file.blob)
                return
            logger.warning("A file of a model is damaged, and is pulled again", file=file.path)
            self._on_bytes(-min(here.stat().st_size, file.size))
            here.unlink()
        part = self._model.part(file.blob)
        for is_last in (False, True):
            await self._fill(part, file)
            if await _has_content(part, file):
                part.replace(blob)
                self._model.place(self._commit, file.path, file.blob)
                return
            part.unlink()
            self._on_bytes(-file.size)
            if is_last:
                message = f"{file.path} of {self._model.model_id} arrives with another content than the hub says."
                raise ModelHubError(HubFault.BROKEN, message)
            logger.warning("A file of a model arrived damaged, and is pulled again", file=file.path)

    async def _fill(self, part: Path, file: RepositoryFile) -> None:
        """Append until all bytes are there. Each is written as soon as it comes, so that a kill loses none."""
        failures = 0
        with part.open("ab", buffering=0) as opened:
            while (have := opened.seek(0, os.SEEK_END)) < file.size:
                try:
                    async with self._hub.open(self._model.model_id, self._commit, file.path, have) as body:
                        await self._append(opened.fileno(), body, have, file)
                except TryAgainError as error:
                    gained = opened.seek(0, os.SEEK_END) - have
                    failures = 1 if gained >= _COUNTS_AS_PROGRESS else failures + 1
                    await pause_or_give_up(error, failures, self._pauses_s)
            if have > file.size:  # of an earlier attempt, which believed another size
                opened.truncate(file.size)
            os.fsync(opened.fileno())

    async def _append(self, handle: int, body: Body, have: int, file: RepositoryFile) -> None:
        lies = ModelHubError(HubFault.BROKEN, f"The hub contradicts itself about the size of {file.path}.")
        if body.total not in {None, file.size}:
            raise lies
        if body.start != have:  # the hub sends whole files alone
            os.ftruncate(handle, 0)
            self._on_bytes(-have)
            have = 0
        looked_at = have - _LOOK_EVERY_BYTES
        async for chunk in body.chunks:
            if have + len(chunk) > file.size:
                raise lies
            if have - looked_at >= _LOOK_EVERY_BYTES:
                looked_at = have
                self._require_room()
            _write_all(handle, chunk)
            have += len(chunk)
            self._on_bytes(len(chunk))
        if have < file.size:
            raise TryAgainError(HubFault.UNREACHABLE, "The model hub ends files before their end. Pull again later.")

    def _require_room(self) -> None:
        """Files of the server itself need what is left."""
        if self._free_bytes() < LEAST_FREE_BYTES // 2:
            raise no_room(self._model.model_id)


async def pause_or_give_up(error: TryAgainError, failures: int, pauses_s: Sequence[float]) -> None:
    """Wait before the next attempt, or raise what the attempts before it have failed with."""
    if failures > len(pauses_s):
        raise error
    pause_s = max(pauses_s[failures - 1], error.after_s)
    logger.info("A request to the model hub is tried again", reason=str(error), pause_s=pause_s)
    await asyncio.sleep(pause_s)


@contextmanager
def disk_errors_told(model_id: str) -> Generator[None]:
    """Raises: ModelHubError, in place of what the disk refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise no_room(model_id) from error
        reason = error.strerror or "the system refused"
        raise ModelHubError(HubFault.NOT_KEPT, f"The files of {model_id} cannot be written: {reason}.") from error


def no_room(model_id: str) -> ModelHubError:
    message = f"The disk has no room left for {model_id}. Make some, and pull again: it goes on from here."
    return ModelHubError(HubFault.NO_ROOM, message)


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


async def _has_content(path: Path, file: RepositoryFile) -> bool:
    """Whether a file has the content by which the hub knows it. It may be cancelled meanwhile."""
    digest = hashlib.sha256()
    if len(file.blob) == hashlib.sha1(usedforsecurity=False).digest_size * 2:
        digest = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)  # as git does
    with path.open("rb") as opened:
        while data := opened.read(_READ):
            digest.update(data)
            await asyncio.sleep(0)
    return digest.hexdigest() == file.blob
