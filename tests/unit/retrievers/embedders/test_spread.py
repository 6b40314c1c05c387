from __future__ import annotations

import asyncio

import pytest

from retrievers.embedders.spread import spread

pytestmark = pytest.mark.anyio


async def test_every_item_is_worked_on_and_never_more_than_the_width_at_once() -> None:
    done: list[int] = []
    running = most = 0

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await spread(work, range(20), 3)
    assert sorted(done) == list(range(20))
    assert most == 3


async def test_the_first_error_ends_the_rest_and_comes_bare() -> None:
    begun: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await spread(work, range(20), 3)
    assert begun == [0, 1, 2]
    assert asyncio.all_tasks() == before


async def test_who_cancels_cancels_the_work() -> None:
    ended: list[int] = []

    async def work(item: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    task = asyncio.create_task(spread(work, range(5), 2))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [0, 1]
