"""A prompt writer that writes what it was told to, when it is let."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.prompt_writer.prompt_writer import (
    Instruction,
    PromptWriterError,
    WriterFault,
    WriterReady,
    WriterStatus,
)

if TYPE_CHECKING:
    from services.prompt_writer.prompt_writer import Wish, Written


class FakePromptWriter:
    """`answer` is given to every wish, or `fail` raised; without either the wish itself is the instruction."""

    def __init__(self, *, status: WriterStatus | None = None, answer: Written | None = None) -> None:
        self._status = status or WriterReady("fake-writer")
        self.answer = answer
        self.fail: PromptWriterError | None = None
        self.wishes: list[Wish] = []
        self.prepared = 0

    def status(self) -> WriterStatus:
        return self._status

    async def prepare(self) -> None:
        self.prepared += 1

    async def write(self, wish: Wish) -> Written:
        self.wishes.append(wish)
        await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        return self.answer or Instruction(f"{wish.wish}, written out")


def writer_failure(message: str, fault: WriterFault = WriterFault.FAILED) -> PromptWriterError:
    return PromptWriterError(fault, message)
