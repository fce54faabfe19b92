"""An image editor that paints one colour, step by step, and can be held between two steps."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from services.image_editor.image_editor import EditorReady, EditorStatus, ImageEditorError
from services.local_models.model_error import ModelFault
from tests.fakes.fake_device import FakeOutOfMemoryError
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.image_editor.image_editor import PictureOrder
    from services.memory_planner.model_memory import Placement
    from tests.fakes.fake_device import FakeModelOnDevice

STEPS: Final = 4
_HOLD_LIMIT_S: Final = deadline_s()  # a test that forgets to let go fails instead of hanging


class FakeImageEditor:
    """`colour` fills the picture. While `hold` was called, `make` waits after its second step, until `release`.

    `cancelled` counts the orders that were given up, `data` replaces the picture file. `model` takes memory for it.
    """

    def __init__(
        self,
        colour: tuple[int, int, int] = (10, 200, 30),
        *,
        status: EditorStatus | None = None,
        model: FakeModelOnDevice | None = None,
    ) -> None:
        self._status = status or EditorReady("fake-painter")
        self._model = model
        self._is_free = threading.Event()
        self._is_free.set()
        self.colour = colour
        self.data: bytes | None = None
        self.fail: ImageEditorError | None = None
        self.fail_status: BaseException | None = None
        self.orders: list[PictureOrder] = []
        self.entered = threading.Event()
        self.cancelled = 0

    def hold(self) -> None:
        self._is_free.clear()
        self.entered.clear()

    def release(self) -> None:
        self._is_free.set()

    def wait_until_held(self) -> None:
        if not self.entered.wait(_HOLD_LIMIT_S):
            raise AssertionError("No picture came to be held.")

    def status(self) -> EditorStatus:
        if self.fail_status is not None:
            raise self.fail_status
        if self._model is None:
            return self._status
        return EditorReady("fake-painter", self._model.is_loaded, self._model.memory)

    def place(self, placement: Placement) -> None:
        if self._model is not None:
            self._model.place(placement)

    async def prepare(self) -> None:
        await asyncio.sleep(0)
        if self._model is not None:
            try:
                self._model.load()
            except FakeOutOfMemoryError as error:
                raise ImageEditorError(ModelFault.OUT_OF_MEMORY, str(error)) from error

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        self.orders.append(order)
        try:
            with nullcontext() if self._model is None else self._model.working():
                await self._run(on_progress)
        except FakeOutOfMemoryError as error:
            raise ImageEditorError(ModelFault.OUT_OF_MEMORY, str(error)) from error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fail is not None:
            raise self.fail
        return self._paint(order) if self.data is None else self.data

    def unload(self) -> None:
        if self._model is not None:
            self._model.unload()

    def close(self) -> None:
        self.unload()

    async def _run(self, on_progress: Callable[[float], None]) -> None:
        for step in range(1, STEPS + 1):
            on_progress(step / STEPS)
            if step == STEPS // 2:
                await self._wait()

    async def _wait(self) -> None:
        self.entered.set()
        give_up_at = time.monotonic() + _HOLD_LIMIT_S  # by the machine's clock, whatever the event loop's says
        while not self._is_free.is_set():
            if time.monotonic() > give_up_at:
                raise AssertionError("The test never let go of the picture.")
            await asyncio.sleep(0.005)

    def _paint(self, order: PictureOrder) -> bytes:
        pixels = np.full((order.height, order.width, 3), self.colour, dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()
