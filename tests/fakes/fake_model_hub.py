"""A model hub without disk or network, which pulls a model in steps of the test's choice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.model_hub.model_hub import Absent, Found, HubFault, ModelHubError, OnDisk, Partly, PullProgress
from services.model_hub.repository import is_model_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.hub_config import HubConfig
    from services.model_hub.repository import Repository

COMMIT: Final = "c" * 40


@dataclass
class FakeModelHub:
    """`known` are the ids that it can pull; None: every one. `holding`: pulls come to half and wait for `release`.

    `found` is what is there; a test may put anything into it. `refusing` is raised by every pull.
    """

    known: frozenset[str] | None = None
    found: dict[str, Found] = field(default_factory=dict[str, Found])
    refusing: ModelHubError | None = None
    free: int | None = 10**12
    used: list[tuple[HubConfig, Path | None]] = field(default_factory=list[tuple["HubConfig", "Path | None"]])
    holding: bool = False
    pulling: set[str] = field(default_factory=set[str])
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _events: asyncio.AbstractEventLoop | None = None

    def release(self) -> None:
        """From any thread, while a pull waits."""
        self.holding = False
        if self._events is not None and not self._events.is_closed():
            self._events.call_soon_threadsafe(self._released.set)

    def use(self, config: HubConfig, models_dir: Path | None) -> None:
        self.used.append((config, models_dir))

    def find(self, repository: Repository) -> Found:
        return self.found.get(repository.model_id, Absent())

    async def pull(self, repository: Repository, on_progress: Callable[[PullProgress], None]) -> OnDisk:
        model_id, total = repository.model_id, repository.size_bytes
        if self.refusing is not None:
            raise self.refusing
        if self.known is not None and model_id not in self.known:
            raise ModelHubError(HubFault.UNKNOWN, f"The hub has no such model, revision or file of {model_id}.")
        if model_id in self.pulling:
            raise ModelHubError(HubFault.IN_USE, f"{model_id} is being pulled by another process just now.")
        self.pulling.add(model_id)
        try:
            on_progress(PullProgress(total // 2, total, 0, 1))
            if self.holding:
                self.found[model_id] = Partly(total // 2, total)
                self._events = asyncio.get_running_loop()
                await self._released.wait()
            on_progress(PullProgress(total, total, 1, 1))
        finally:
            self.pulling.discard(model_id)
        found = OnDisk(Path("cache") / model_id, COMMIT, total)
        self.found[model_id] = found
        return found

    def delete_cached(self, model_id: str) -> bool:
        if not is_model_id(model_id):
            raise ModelHubError(HubFault.MALFORMED, "A model id is an owner and a name, such as owner/name.")
        if model_id in self.pulling:
            raise ModelHubError(HubFault.IN_USE, f"{model_id} is being pulled by another process just now.")
        return self.found.pop(model_id, None) is not None

    def free_bytes(self) -> int | None:
        return self.free
