"""That the helper cancels where it says."""

from __future__ import annotations

import asyncio

import pytest

from tests.cancelling import for_each_await


def test_each_await_is_cancelled_once_and_the_last_run_completes() -> None:
    async def main() -> None:
        seen: list[list[str]] = []

        async def work() -> None:
            steps: list[str] = []
            seen.append(steps)
            for step in "abc":
                steps.append(step)
                await asyncio.sleep(0)
            steps.append("done")

        numbers = [number async for number in for_each_await(work)]
        assert numbers == [1, 2, 3]
        assert ["".join(steps) for steps in seen] == ["a", "ab", "abc", "abcdone"]

    asyncio.run(main())


def test_cancelling_again_reaches_the_clean_up() -> None:
    async def main() -> None:
        cleaned: list[bool] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(False)
                await asyncio.sleep(0)
                cleaned[-1] = True

        once, twice = for_each_await(work), for_each_await(work, times=2)
        assert [await anext(once), await anext(twice)] == [1, 1]
        assert cleaned == [True, False]

    asyncio.run(main())


def test_an_error_of_a_run_reaches_the_caller() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def main() -> None:
        runs = for_each_await(fails)
        assert await anext(runs) == 1
        with pytest.raises(ValueError, match=r"^$"):
            await anext(runs)

    asyncio.run(main())
