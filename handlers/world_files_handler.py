"""Saved worlds: the list, what is brought from elsewhere, what is taken home, and opening one."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING

from api_types import SavedWorldsResponse, SavedWorldSummary
from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.ownership.belongings import owner_id
from handlers.service_errors import service_errors_translated
from services.files import clean_title
from services.input_log.provenance import library_versions, machine_kind
from services.ownership_store.ownership_store import Thing, ThingKind
from services.world_files.archive import read_world
from services.world_files.world_file import TITLE_LENGTH, Origins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from concurrent.futures import Executor
    from pathlib import Path
    from typing import BinaryIO

    from pydantic import JsonValue

    from access_rules import Visitor
    from handlers.ownership.belongings import Belongings
    from handlers.safety_handler import SafetyHandler
    from handlers.session.world import WorldCapture
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.ownership_store.ownership_store import OwnerId
    from services.world_engine.world_engine import Picture
    from services.world_files.world_file import WorldFilePayload
    from services.world_files.world_store import SavedWorldPayload, WorldOrigin, WorldStore


class WorldFilesHandler:
    """World files from anywhere are read whole, and their pictures checked, before they are kept or opened."""

    def __init__(
        self,
        store: WorldStore,
        safety: SafetyHandler,
        belongings: Belongings,
        intake_threads: Executor,
        clock: Clock,
        *,
        max_upload_bytes: Current[int],
    ) -> None:
        self._store = store
        self._safety = safety
        self._belongings = belongings
        self._intake_threads = intake_threads
        self._clock = clock
        self._max_upload_bytes = max_upload_bytes

    @cached_property
    def origins(self) -> Origins:
        """What worlds are made with here."""
        return Origins(versions=library_versions(), machine=machine_kind())

    # ---------------------------------------------------------------------------------------------- the list

    def list_worlds(self, visitor: Visitor) -> SavedWorldsResponse:
        """The visitor's."""
        worlds, is_theirs = self._store.list(), self._belongings.sight(visitor, ThingKind.WORLD)
        names = self._belongings.names_of_owners(visitor, ThingKind.WORLD)
        return SavedWorldsResponse(
            worlds=[_summary(world, names.get(world.id)) for world in worlds if is_theirs(world.id)]
        )

    def file(self, visitor: Visitor, world_id: str) -> tuple[Path, str]:
        """Where the archive lies, and what to call it. Raises: DomainError, there is none."""
        self._require(visitor, world_id)
        return self.file_of_any(world_id)

    def file_of_any(self, world_id: str) -> tuple[Path, str]:
        """`file`, for who has been let in before. Raises: DomainError, there is none."""
        found, path = self._find(world_id), self._store.path(world_id)
        if path is None:
            raise _unknown()
        return path, f"{_file_name(found.title)}.world"

    def thumbnail(self, visitor: Visitor, world_id: str) -> bytes:
        """A JPEG. Raises: DomainError, there is no such world."""
        self._require(visitor, world_id)
        data = self._store.thumbnail(world_id)
        if data is None:
            raise _unknown()
        return data

    async def upload(self, visitor: Visitor, chunks: AsyncIterator[bytes]) -> SavedWorldSummary:
        """Keep a world file that a visitor sends.

        Raises:
            DomainError: it is too large, no world, damaged, shows what may not be shown, or cannot be kept.
        """
        file, most_bytes = io.BytesIO(), self._max_upload_bytes.now
        async for chunk in chunks:
            if file.tell() + len(chunk) > most_bytes:
                limit = most_bytes // (1024 * 1024)
                raise DomainError(f"The world file is larger than {limit} MiB.", ErrorCode.WORLD_TOO_LARGE)
            file.write(chunk)
        return await in_thread(self._intake_threads, lambda: self._keep_upload(owner_id(visitor), file))

    def rename(self, visitor: Visitor, world_id: str, title: str) -> SavedWorldSummary:
        """Raises: DomainError, there is no such world, or the new title cannot be kept."""
        self._require(visitor, world_id)
        with service_errors_translated():
            renamed = self._store.rename(world_id, _title(title))
        if renamed is None:
            raise _unknown()
        return _summary(renamed, self._belongings.names_of_owners(visitor, ThingKind.WORLD).get(world_id))

    def remove(self, visitor: Visitor, world_id: str) -> None:
        """Raises: DomainError, there is no such world, or it cannot be removed."""
        self._require(visitor, world_id)
        with service_errors_translated():
            self._belongings.give_up(visitor, _thing(world_id), lambda: self._remove(world_id))

    def facts_of_any(self, world_id: str) -> Mapping[str, JsonValue]:
        """What a world was made with, for who has been let in before; empty if it is gone or damaged."""
        try:
            with service_errors_translated():
                world = self._store.read(world_id)
        except DomainError:
            return {}
        if world is None:
            return {}
        return {
            "model": world.model.id,
            "quant": world.model.quant,
            "weights_hash": world.model.weights_hash,
            "seed_hash": world.seed.file,
            "rng_seed": world.rng_seed,
            "passes": world.place.passes,
        }

    def ids(self) -> Collection[str]:
        return {world.id for world in self._store.list()}

    # ------------------------------------------------------------------------------------------ for a session

    def save(self, visitor: Visitor, capture: WorldCapture, title: str) -> SavedWorldPayload:
        """Keep a moment of a world that a visitor plays. Blocks.

        Raises:
            DomainError: it cannot be kept.
        """
        named = _title(title or capture.active.seed.name or "")
        with service_errors_translated():
            payload = capture.payload(named, self._clock.wall(), self.origins)
            return self._add(owner_id(visitor), payload, "saved")

    def read(self, visitor: Visitor, world_id: str) -> WorldFilePayload:
        """A saved world, to be played. Blocks, for as long as it takes to judge its pictures.

        Its pictures are judged again, as the policy or the classifier may have changed.

        Raises:
            DomainError: it is unknown, damaged, or shows what may not be shown.
        """
        with service_errors_translated():
            world = self._store.read(world_id) if self._belongings.sees(visitor, _thing(world_id)) else None
        found = self._store.find(world_id)
        if world is None or found is None:
            raise DomainError("This world is not on the server any more.", ErrorCode.WORLD_UNKNOWN)
        return self._checked(world, is_ours=found.origin == "saved")

    # ------------------------------------------------------------------------------------------------ parts

    def _keep_upload(self, owner: OwnerId, file: BinaryIO) -> SavedWorldSummary:
        with service_errors_translated():
            world = self._checked(read_world(file), is_ours=False)
            return _summary(self._add(owner, world.titled(_title(world.title)), "uploaded"), None)

    def _add(self, owner: OwnerId, world: WorldFilePayload, origin: WorldOrigin) -> SavedWorldPayload:
        store = self._store
        return self._belongings.adopt_new(
            owner,
            lambda: store.add(world, origin),
            thing_of=lambda saved: _thing(saved.id),
            undo=lambda saved: store.remove(saved.id),
        )

    def _remove(self, world_id: str) -> None:
        if not self._store.remove(world_id):
            raise _unknown()

    def _require(self, visitor: Visitor, world_id: str) -> None:
        if not self._belongings.sees(visitor, _thing(world_id)):
            raise _unknown()

    def _checked(self, world: WorldFilePayload, *, is_ours: bool) -> WorldFilePayload:
        """The world as far as its pictures pass.

        The pictures that it was made of must pass, as a seed must. The frame seen at its place is another matter: no
        frame is judged in play, and soft frames raise more false alarms than pictures do. So one of a world saved here
        is let through, and one from elsewhere is left out if it does not pass: the world can be played without it.

        `is_ours`: its pictures were checked when it was played here, so that no classifier is needed to open it again.

        Raises:
            DomainError: a picture did not pass.
        """
        scenes = world.without_frame()
        for name, picture in scenes.pictures.items():
            try:
                self._require_safe(name, picture)
            except DomainError as error:
                if not is_ours or error.code is not ErrorCode.SEED_CHECK_FAILED:
                    raise
        frame = world.place_picture
        if is_ours or frame is None:
            return world
        try:
            self._require_safe(frame, world.pictures[frame])
        except DomainError as error:
            if error.code is not ErrorCode.SEED_UNSAFE:
                raise
            return scenes
        return world

    def _require_safe(self, name: str, picture: Picture) -> None:
        self._safety.require(name, picture, "A picture in this world")

    def _find(self, world_id: str) -> SavedWorldPayload:
        found = self._store.find(world_id)
        if found is None:
            raise _unknown()
        return found


def _title(text: str) -> str:
    return clean_title(text, longest=TITLE_LENGTH, otherwise="A world")


def _file_name(title: str) -> str:
    """A title as part of a file name: what no system objects to."""
    kept = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    return " ".join(kept.split()) or "world"


def _unknown() -> DomainError:
    return DomainError("There is no such world.", ErrorCode.WORLD_UNKNOWN)


def _thing(world_id: str) -> Thing:
    return Thing(ThingKind.WORLD, world_id)


def _summary(world: SavedWorldPayload, owner: str | None) -> SavedWorldSummary:
    return SavedWorldSummary(
        id=world.id,
        title=world.title,
        origin=world.origin,
        model=world.model_id,
        passes=world.passes,
        seconds=world.seconds,
        size_bytes=world.size_bytes,
        created_at=world.created_at,
        file_url=f"/api/worlds/{world.id}/file",
        thumbnail_url=f"/api/worlds/{world.id}/thumbnail",
        owner=owner,
    )
