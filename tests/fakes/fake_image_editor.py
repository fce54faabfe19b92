"""An image editor that paints one colour, step by step, and can be held between two steps."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from services.image_editor.image_editor import (
    EditorReady,
    EditorStatus,
    ImageEditorError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.image_editor.image_editor import PictureOrder

STEPS: Final = 4
_HOLD_LIMIT_S: Final = 30.0  # a test that forgets to let go fails instead of hanging


class FakeImageEditor:
    """`colour` fills the picture. While `hold` was called, `make` waits after its second step, until `release`.

    `cancelled` counts the orders that were given up, `data` replaces the picture file.
    """

    def __init__(self, colour: tuple[int, int, int] = (10, 200, 30), *, status: EditorStatus | None = None) -> None:
        self._status = status or EditorReady("fake-painter")
        self._is_free = threading.Event()
        self._is_free.set()
        self.colour = colour
        self.data: bytes | None = None
        self.fail: ImageEditorError | None = None
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
        return self._status

    async def prepare(self) -> None:
        await asyncio.sleep(0)

    async def make(self, order: PictureOrder, on_progress: Callable[[float], None]) -> bytes:
        self.orders.append(order)
        try:
            for step in range(1, STEPS + 1):
                on_progress(step / STEPS)
                if step == STEPS // 2:
                    await self._wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fail is not None:
            raise self.fail
        return self._paint(order) if self.data is None else self.data

    def close(self) -> None:
        """There is nothing to give back."""

    async def _wait(self) -> None:
        self.entered.set()
        async with asyncio.timeout(_HOLD_LIMIT_S):
            while not self._is_free.is_set():  # noqa: ASYNC110 - set from the thread of the test
                await asyncio.sleep(0.005)

    def _paint(self, order: PictureOrder) -> bytes:
        pixels = np.full((order.height, order.width, 3), self.colour, dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()
