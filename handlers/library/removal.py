"""Removes models from the disk, unless something needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from handlers.library.shelf import EngineModel, SupportModel
from handlers.service_errors import service_errors_translated
from services.model_hub.model_hub import OnDisk
from state.app_state_types import (
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineParked,
    EngineParking,
    EngineUnloaded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.engines.pool import EnginePool
    from handlers.library.pulls import Pulls
    from handlers.library.shelf import ModelShelf, ShelfModel
    from services.model_hub.model_hub import ModelHub
    from services.model_hub.repository import Repository
    from services.world_engine.catalogue import CatalogueEntry


class ModelRemoval:
    def __init__(
        self,
        shelf: ModelShelf,
        hub: ModelHub,
        engines: EnginePool,
        pulls: Pulls,
        *,
        after: Callable[[], None],
    ) -> None:
        """`after` blocks, and is called when files of a model may have gone."""
        self._shelf = shelf
        self._hub = hub
        self._engines = engines
        self._pulls = pulls
        self._after = after

    def remove(self, model_id: str) -> None:
        """Remove a model of the library, or any other that is in the cache. Nothing happens where it is not there.

        Raises:
            DomainError: it is part of the server, or in use, no model id, or its files cannot be removed.
        """
        model = self._shelf.find(model_id)
        if model is not None and not model.repositories:
            raise DomainError(f"{model_id} is part of the server and cannot be removed.", ErrorCode.MODEL_BUILT_IN)
        # Some file systems know one folder by names in either case.
        ids = {model_id} if model is None else {repository.model_id for repository in model.repositories}
        folded = {each.casefold() for each in ids}
        for user, repository in self._users_of(folded):
            self._require_free(user, repository)
        try:
            with service_errors_translated():
                for each in sorted(ids):
                    self._hub.delete_cached(each)
        finally:
            self._after()

    def _users_of(self, folded: set[str]) -> Iterator[tuple[ShelfModel, Repository]]:
        """Every model that has one of these repositories, and which."""
        for model in self._shelf.models():
            for repository in model.repositories:
                if repository.model_id.casefold() in folded:
                    yield model, repository

    def _require_free(self, model: ShelfModel, repository: Repository) -> None:
        name = repository.model_id
        if self._pulls.of(model) is not None:
            raise _in_use(f"{name} is being pulled, so it is not removed. Cancel the pull first.")
        match model:
            case SupportModel(use=str(use)):
                raise _in_use(f"{name} {use}, so it is not removed.")
            case EngineModel(entry):
                self._require_unloaded(entry, name)
            case SupportModel(helps=str(helps)):
                helped = self._shelf.find(helps)
                if isinstance(helped, EngineModel) and isinstance(self._hub.find(repository), OnDisk):
                    self._require_unloaded(helped.entry, name)
            case SupportModel():
                pass
        found = self._hub.find(repository)
        if isinstance(found, OnDisk) and found.is_in_place:
            raise _in_use(f"{name} is a folder of your own, which the server leaves as it is.")

    def _require_unloaded(self, entry: CatalogueEntry, name: str) -> None:
        for quant in entry.quants:
            state = self._engines.of(EngineKey(entry.model_id, quant))
            if isinstance(state, EngineLoading):
                raise _in_use(f"{entry.title} is being loaded, so {name} is not removed.")
            if isinstance(state, EngineParking | EngineParked):
                raise _in_use(f"{entry.title} is ready in memory, so {name} is not removed. Unload it first.")
            if not isinstance(state, EngineUnloaded | EngineFailed):
                raise _in_use(f"{entry.title} is loaded, so {name} is not removed. Unload it first.")


def _in_use(message: str) -> DomainError:
    return DomainError(message, ErrorCode.MODEL_IN_USE)
