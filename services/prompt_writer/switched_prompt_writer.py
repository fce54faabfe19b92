"""The prompt writer that the settings ask for, which may be another one while the server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import AuthoringConfig
    from services.memory_planner.model_memory import Placement
    from services.prompt_writer.prompt_writer import PromptWriter, WriterRequest, WriterStatus, Written


class SwitchedPromptWriter:
    """A `ConfigurablePromptWriter` over the one that `build` makes. `use` is not called while anybody writes."""

    def __init__(self, build: Callable[[AuthoringConfig], PromptWriter], config: AuthoringConfig) -> None:
        self._build = build
        self._wanted = config.writer_wanted
        self._writer = build(config)

    def use(self, config: AuthoringConfig) -> None:
        if config.writer_wanted == self._wanted:
            return
        before, self._writer = self._writer, self._build(config)
        self._wanted = config.writer_wanted
        if before is not self._writer:
            before.close()

    def status(self) -> WriterStatus:
        return self._writer.status()

    def place(self, placement: Placement) -> None:
        self._writer.place(placement)

    async def prepare(self) -> None:
        await self._writer.prepare()

    async def write(self, request: WriterRequest) -> Written:
        return await self._writer.write(request)

    def unload(self) -> None:
        self._writer.unload()

    def close(self) -> None:
        self._writer.close()
