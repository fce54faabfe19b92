"""Waiting for changes of the state: none is missed, and nothing overtakes what was said before it."""

from __future__ import annotations

import asyncio
import threading

from handlers.base import StateChanges


def test_a_change_between_the_look_and_the_wait_is_not_missed() -> None:
    async def main() -> None:
        changes, said = StateChanges(), list[str]()
        mark = changes.mark()
        events = asyncio.get_running_loop()

        def change() -> None:
            events.call_soon_threadsafe(said.append, "before")
            changes.announce()

        thread = threading.Thread(target=change)
        thread.start()
        thread.join()
        await asyncio.wait_for(changes.after(mark), 10)
        assert said == ["before"], "what the thread said first has arrived"

    asyncio.run(main())


def test_all_who_wait_are_woken_in_their_order_and_those_who_gave_up_are_not_kept() -> None:
    async def main() -> None:
        changes, woken = StateChanges(), list[int]()

        async def wait(number: int) -> None:
            await changes.after(changes.mark())
            woken.append(number)

        waiting = [asyncio.create_task(wait(number)) for number in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait({waiting[1]})
        await asyncio.to_thread(changes.announce)
        await asyncio.gather(*waiting, return_exceptions=True)
        assert woken == [0, 2, 3]

    asyncio.run(main())


def test_a_loop_that_has_closed_does_not_hold_up_a_change() -> None:
    changes = StateChanges()
    events = asyncio.new_event_loop()
    waiting = events.create_task(changes.after(changes.mark()))
    events.run_until_complete(asyncio.sleep(0))
    events.close()
    changes.announce()
    assert changes.mark() == 1
    assert not waiting.done()
