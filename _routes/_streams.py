"""Event streams that end with what their reader has signed in with."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from api_types import JobStreamEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sign_in import Caller


async def until_revoked(caller: Caller, events: AsyncGenerator[JobStreamEvent]) -> AsyncGenerator[JobStreamEvent]:
    """The events as they come; `end` with the reason `revoked` as soon as the caller is signed out."""
    revoked = asyncio.Event()
    caller.revocation.on_revoked(revoked.set)
    ending = asyncio.create_task(revoked.wait())
    async with aclosing(events):
        try:
            while True:
                following = asyncio.create_task(_next(events))
                try:
                    await asyncio.wait({following, ending}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not following.done():
                        following.cancel()
                        await asyncio.wait({following})
                if ending.done():
                    yield JobStreamEvent(event="end", id=None, data={"reason": "revoked"})
                    return
                event = following.result()
                if event is None:
                    return
                yield event
        finally:
            ending.cancel()


async def _next(events: AsyncGenerator[JobStreamEvent]) -> JobStreamEvent | None:
    return await anext(events, None)
