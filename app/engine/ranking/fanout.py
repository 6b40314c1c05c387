"""Puts one query to several channels at once; a slow or broken channel costs only its own part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from retrievers.errors import QueryRefused, RetrieverError
from retrievers.protocol import Retriever
from retrievers.types import Evidence, Query

Status = Literal["ok", "timeout", "error", "refused", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one query in one channel."""

    channel: str
    status: Status
    took_s: float
    evidence: tuple[Evidence, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BreakerOptions:
    """When a channel that keeps timing out is left alone for a while."""

    timeouts: int = 5  # in a row
    rest_s: float = 5.0


class Channel:
    """One retriever with its deadline and a circuit breaker over its timeouts."""

    def __init__(
        self,
        name: str,
        retriever: Retriever,
        timeout_s: float,
        breaker: BreakerOptions | None = None,
    ) -> None:
        self.name, self.retriever, self.timeout_s = name, retriever, timeout_s
        self._breaker = breaker or BreakerOptions()
        self._timeouts = 0
        self._resting_until = 0.0

    async def ask(self, query: Query, k: int, within_s: float | None = None) -> Outcome:
        """Search within the smaller of the channel's deadline and `within_s`.

        Anything but a timeout or a `RetrieverError` is a bug and is raised.
        """
        started = time.monotonic()
        if started < self._resting_until:
            return Outcome(self.name, "skipped", 0.0, (), "resting after repeated timeouts")
        limit = self.timeout_s if within_s is None else min(self.timeout_s, within_s)

        def outcome(status: Status, found: Sequence[Evidence] = (), detail: str = "") -> Outcome:
            return Outcome(self.name, status, time.monotonic() - started, tuple(found), detail)

        try:
            async with asyncio.timeout(limit):
                found = await self.retriever.search(query, k)
        except TimeoutError:
            self._timeouts += 1
            if self._timeouts >= self._breaker.timeouts:
                self._resting_until = time.monotonic() + self._breaker.rest_s
                self._timeouts = 0
            return outcome("timeout", detail=f"no answer within {limit:g} s")
        except QueryRefused as error:
            return outcome("refused", detail=str(error))
        except RetrieverError as error:
            return outcome("error", detail=str(error))
        self._timeouts = 0
        return outcome("ok", found)


async def fan_out(
    channels: Sequence[Channel], query: Query, k: int, within_s: float | None = None
) -> list[Outcome]:
    """Ask all channels at once; outcomes in the order of the channels."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(channel.ask(query, k, within_s)) for channel in channels]
    return [task.result() for task in tasks]
