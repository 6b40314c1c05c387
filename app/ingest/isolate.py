"""One broken document must not take its neighbours along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.domain.errors import AnabranchError, StorageUnavailable
from app.store.jobs import LeaseLost
from retrievers.errors import RetrieverError

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 3
PASSING = (RetrieverError, StorageUnavailable)
"""Trouble of the surroundings: no document is to blame, and it may pass."""


async def caught(work: Awaitable[R]) -> R | Exception:
    """The result, or the error as a value; trouble that no item is to blame for is raised.

    Raises:
        RetrieverError: An index or the encoder cannot be used now.
        StorageUnavailable: Nothing can be written now.
        LeaseLost: The work is no longer ours.
    """
    (outcome,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(outcome, (*PASSING, LeaseLost)):
        raise outcome
    if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
        raise outcome
    return outcome


async def isolate(
    items: Sequence[T], work: Callable[[Sequence[T]], Awaitable[Sequence[R]]]
) -> tuple[list[R], list[tuple[T, Exception]]]:
    """Work on all items at once; if that breaks, on each alone, a few times.

    An error that was raised on purpose is not tried again: it would be the same.

    Returns:
        The results, and the items that broke, each with its last error.
    """
    together = await caught(work(items))
    if not isinstance(together, Exception):
        return list(together), []
    results: list[R] = []
    broken: list[tuple[T, Exception]] = []
    for item in items:
        left = ATTEMPTS
        error: Exception | None = None
        if len(items) == 1:
            left, error = left - 1, together
        while left and not isinstance(error, AnabranchError):
            left -= 1
            alone = await caught(work([item]))
            if not isinstance(alone, Exception):
                results.extend(alone)
                error = None
                break
            error = alone
        if error is not None:
            broken.append((item, error))
    return results, broken
