"""Keeps what is known of a server up to date, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from app.domain.lfd import Probed

FIRST_S = 60.0
"""For a probe as long as none was answered: a cold server is slow."""
_LATER_S = 30.0  # a busy server lets a probe wait like any other request
_AGAIN_S = 10.0  # until the next probe while nothing is known


class Proof(Protocol):
    """What is known of a server's layer-fused decoding."""

    @property
    def last(self) -> Probed:
        """The last probe's result."""
        ...

    @property
    def known(self) -> bool:
        """Whether there was a probe."""
        ...

    async def first(self, seconds: float) -> Probed:
        """The last result; waits so long for the first one."""
        ...


class NoServer:
    """Where no model is configured, nothing has to be asked."""

    last = Probed("absent", "no model server is configured")
    known = True

    async def first(self, seconds: float) -> Probed:
        """At once."""
        return self.last


async def stirred_or_passed(stirred: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stirred.wait()


class Watch:
    """Probes a server at once and again and again, one probe at a time.

    Args:
        probe: Asks the server within so many seconds; never raises.
        every_s: Pause between probes; while nothing is known it is shorter.
        pause: Waits for the event, at most so many seconds.

    Attributes:
        last: The last probe's result.
    """

    def __init__(
        self,
        probe: Callable[[float], Awaitable[Probed]],
        every_s: float,
        pause: Callable[[asyncio.Event, float], Awaitable[None]] = stirred_or_passed,
    ) -> None:
        self.last = Probed("unknown", "the model server was not asked yet")
        self._probe, self._every_s, self._pause = probe, every_s, pause
        self._stirred, self._seen = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        """Whether the first probe is over."""
        return self._seen.is_set()

    async def open(self) -> None:
        """Begin; the first probe is not waited for."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, in the middle of a probe too."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def stir(self) -> None:
        """Probe soon: something speaks against the last result."""
        self._stirred.set()

    async def first(self, seconds: float) -> Probed:
        """The last result; waits so long for the first one."""
        await stirred_or_passed(self._seen, seconds)
        return self.last

    async def _run(self) -> None:
        answered = False
        try:
            while True:
                self._stirred.clear()
                self.last = await self._probe(_LATER_S if answered else FIRST_S)
                self._seen.set()
                unknown = self.last.state == "unknown"
                answered = answered or not unknown
                pause = min(_AGAIN_S, self._every_s) if unknown else self._every_s
                await self._pause(self._stirred, pause)
        finally:
            # However it ends: what nobody watches any more is not proven.
            self.last = Probed("unknown", "the model server is not probed any more")
            self._seen.set()
