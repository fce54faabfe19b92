"""The library of models as REST sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from api_types import LibraryModel, LibraryPace, LibraryRepository, LibraryResponse, LibraryState
from error_types import DomainError, ErrorCode
from handlers.library.shelf import EngineModel, SupportModel, find_all
from services.model_hub.model_hub import Absent, Damaged, OnDisk, Partly
from state.app_state_types import EngineFailed, EngineKey, EngineLoading, EngineParked, EngineUnloaded

if TYPE_CHECKING:
    from handlers.engines.pool import EnginePool
    from handlers.library.fit import EngineFits
    from handlers.library.pulls import Pulls
    from handlers.library.removal import ModelRemoval
    from handlers.library.shelf import ModelShelf, ShelfModel
    from services.model_hub.model_hub import Found, ModelHub
    from services.model_hub.repository import Repository
    from services.world_engine.catalogue import CatalogueEntry


_NOT_ON_DEVICE: Final = (EngineUnloaded, EngineLoading, EngineParked, EngineFailed)


class LibraryHandler:
    def __init__(
        self,
        shelf: ModelShelf,
        hub: ModelHub,
        engines: EnginePool,
        pulls: Pulls,
        removal: ModelRemoval,
        fits: EngineFits,
    ) -> None:
        self._shelf = shelf
        self._hub = hub
        self._engines = engines
        self._pulls = pulls
        self._removal = removal
        self._fits = fits

    def list_models(self) -> LibraryResponse:
        """Blocks: it looks at the files of every model."""
        return LibraryResponse(
            models=[self._told_of(model) for model in self._shelf.models()], disk_free_bytes=self._hub.free_bytes()
        )

    def remove(self, model_id: str) -> None:
        """Blocks. Raises: DomainError, there is no such model in the library, or it cannot be removed."""
        if self._shelf.find(model_id) is None:
            raise DomainError(f"There is no model {model_id} in the library.", ErrorCode.UNKNOWN_MODEL)
        self._removal.remove(model_id)

    def size_of(self, entry: CatalogueEntry) -> int | None:
        """Of its files on this machine, none of which may be there. Blocks."""
        if not entry.repositories:
            return entry.size_bytes
        found = find_all(self._hub, entry.repositories)
        return found.size_bytes if isinstance(found, OnDisk) else None

    def _told_of(self, model: ShelfModel) -> LibraryModel:
        found = find_all(self._hub, model.repositories) if model.repositories else None
        is_in_place = isinstance(found, OnDisk) and found.is_in_place
        state = self._state_of(model, found)
        repositories = [_told_of_repository(repository) for repository in model.repositories]
        match model:
            case EngineModel(entry):
                facts = self._fits.facts_of(entry)
                return LibraryModel(
                    id=entry.model_id,
                    kind="engine",
                    title=entry.title,
                    description=entry.description,
                    licence=entry.licence,
                    model_type=entry.model_type,
                    quants=list(entry.quants),
                    placement=entry.placement,
                    size_bytes=_size(found, entry.repositories) if entry.repositories else entry.size_bytes,
                    built_in=not entry.repositories,
                    in_place=is_in_place,
                    use=None,
                    state=state,
                    needs=facts.needs,
                    fit=facts.fit,
                    measured=facts.measured,
                    pace=LibraryPace(frames_per_pass=entry.frames_per_pass, fps=entry.fps, control_ms=entry.control_ms),
                    repositories=repositories,
                )
            case SupportModel():
                return LibraryModel(
                    id=model.model_id,
                    kind="support",
                    title=model.title,
                    description=model.description,
                    licence=model.repository.licence,
                    model_type=model.model_type,
                    quants=[],
                    placement=None,
                    size_bytes=_size(found, model.repositories),
                    built_in=False,
                    in_place=is_in_place or model.own_folder is not None,
                    use=model.use,
                    state=LibraryState(kind="ready") if model.own_folder is not None else state,
                    needs=None,
                    fit=None,
                    measured=None,
                    pace=None,
                    repositories=repositories,
                )
            case _:
                assert_never(model)

    def _state_of(self, model: ShelfModel, found: Found | None) -> LibraryState:
        pull = self._pulls.of(model) if model.repositories else None
        if pull is not None:
            amounts = pull.amounts or {}
            return LibraryState(
                kind="pulling",
                job_id=pull.job.id,
                done_bytes=amounts.get("done_bytes"),
                total_bytes=amounts.get("total_bytes"),
            )
        in_memory = self._state_in_memory(model.entry) if isinstance(model, EngineModel) else None
        on_disk = None if found is None else _state_on_disk(found)
        if in_memory is not None and (in_memory.kind != "failed" or on_disk is None or on_disk.kind == "ready"):
            return in_memory
        if on_disk is not None and on_disk.kind != "ready":
            return on_disk
        if isinstance(model, EngineModel) and model.entry.missing is not None:
            return LibraryState(kind="failed", reason=model.entry.missing)
        return LibraryState(kind="ready")

    def _state_in_memory(self, entry: CatalogueEntry) -> LibraryState | None:
        """Of whichever quantisation has come furthest; None: it is not in memory."""
        states = [self._engines.of(EngineKey(entry.model_id, quant)) for quant in entry.quants]
        failed = next((state for state in states if isinstance(state, EngineFailed)), None)
        if any(not isinstance(state, _NOT_ON_DEVICE) for state in states):
            return LibraryState(kind="loaded")
        if any(isinstance(state, EngineLoading) for state in states):
            return LibraryState(kind="loading")
        if any(isinstance(state, EngineParked) for state in states):
            return LibraryState(kind="parked")
        return None if failed is None else LibraryState(kind="failed", reason=failed.message)


def _state_on_disk(found: Found) -> LibraryState:
    match found:
        case OnDisk():
            return LibraryState(kind="ready")
        case Partly(done, total):
            return LibraryState(kind="partial", done_bytes=done, total_bytes=total)
        case Absent():
            return LibraryState(kind="absent")
        case Damaged(reason):
            return LibraryState(kind="damaged", reason=reason)


def _size(found: Found | None, repositories: tuple[Repository, ...]) -> int:
    """What it takes on the disk, or will take."""
    match found:
        case OnDisk(size_bytes=size) | Partly(total_bytes=size):
            return size
        case _:
            return sum(repository.size_bytes for repository in repositories)


def _told_of_repository(repository: Repository) -> LibraryRepository:
    return LibraryRepository(
        id=repository.model_id,
        revision=repository.revision,
        size_bytes=repository.size_bytes,
        licence=repository.licence,
        gated=repository.is_gated,
    )
