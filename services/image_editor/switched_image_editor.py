"""The image model that the settings ask for, which may be another one while the server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_config.authoring_config import AuthoringConfig
    from services.image_editor.image_editor import EditorStatus, ImageEditor, PictureOrder
    from services.memory_planner.model_memory import Placement


class SwitchedImageEditor:
    """A `ConfigurableImageEditor` over the one that `build` makes. `use` is not called while anybody paints."""

    def __init__(self, build: Callable[[AuthoringConfig], ImageEditor], config: AuthoringConfig) -> None:
        self._build = build
        self._wanted = config.images_wanted
        self._editor = build(config)

    def use(self, config: AuthoringConfig) -> None:
        if config.images_wanted == self._wanted:
            return
        before, self._editor = self._editor, self._build(config)
        self._wanted = config.images_wanted
        if before is not self._editor:
            before.close()

    def status(self) -> EditorStatus:
        return self._editor.status()

    def place(self, placement: Placement) -> None:
        self._editor.place(placement)

    async def prepare(self) -> None:
        await self._editor.prepare()

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        return await self._editor.make(order, on_progress)

    def unload(self) -> None:
        self._editor.unload()

    def close(self) -> None:
        self._editor.close()
