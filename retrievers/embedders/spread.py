"""Many awaitable pieces of work, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def spread(work: Callable[[T], Awaitable[None]], items: Iterable[T], width: int) -> None:
    """Await `work(item)` for every item, at most `width` at once, in order of starting.

    The first error ends the rest and is raised bare, where a task group would wrap it.
    """
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    workers = [asyncio.create_task(worker()) for _ in range(width)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
