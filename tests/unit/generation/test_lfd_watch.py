"""What is known of a server is kept up to date, one probe at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.domain.lfd import Probed
from app.generation.watch import FIRST_S, Watch

pytestmark = pytest.mark.anyio


@dataclass
class Server:
    """Probes that end when they are told to, and pauses that are only written down."""

    answers: asyncio.Queue[Probed] = field(default_factory=asyncio.Queue)
    asked: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    pauses: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    now: int = 0
    peak: int = 0

    async def probe(self, seconds: float) -> Probed:
        self.now += 1
        self.peak = max(self.peak, self.now)
        self.asked.put_nowait(seconds)
        try:
            return await self.answers.get()
        finally:
            self.now -= 1

    async def pause(self, stirred: asyncio.Event, seconds: float) -> None:
        self.pauses.put_nowait(seconds)
        waiting = [asyncio.ensure_future(each.wait()) for each in (stirred, self.passed)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        self.passed.clear()

    def says(self, state: str) -> None:
        self.answers.put_nowait(Probed(state))  # type: ignore[arg-type]  # a state


@asynccontextmanager
async def watching(server: Server, every_s: float = 300) -> AsyncIterator[Watch]:
    watch = Watch(server.probe, every_s, server.pause)
    await watch.open()
    try:
        yield watch
    finally:
        await watch.close()


async def test_the_first_probe_is_not_waited_for_and_then_it_is_known() -> None:
    server = Server()
    async with watching(server) as watch:
        assert (watch.last.state, watch.known) == ("unknown", False)
        assert await server.asked.get() == FIRST_S
        asking = [asyncio.create_task(watch.first(60)) for _ in range(5)]
        server.says("on")
        assert [(await one).state for one in asking] == ["on"] * 5
        assert watch.known
        assert (await watch.first(0)).state == "on"


async def test_who_waits_for_the_first_probe_does_so_for_a_while_only() -> None:
    async with watching(Server()) as watch:
        assert (await watch.first(0.01)).state == "unknown"


async def test_a_server_is_probed_again_after_the_interval_with_less_patience() -> None:
    server = Server()
    async with watching(server, 120) as watch:
        server.says("absent")
        await server.asked.get()
        assert await server.pauses.get() == 120
        server.passed.set()
        assert await server.asked.get() == 30
        server.says("on")
        await server.pauses.get()
        assert watch.last.state == "on"


async def test_a_server_of_which_nothing_is_known_is_probed_sooner_and_patiently() -> None:
    server = Server()
    async with watching(server, 120):
        server.says("unknown")
        await server.asked.get()
        assert await server.pauses.get() == 10
        server.passed.set()
        assert await server.asked.get() == FIRST_S  # none was answered yet


async def test_whoever_speaks_against_the_last_result_has_it_probed_at_once_and_once() -> None:
    server = Server()
    async with watching(server) as watch:
        server.says("on")
        await server.asked.get()
        await server.pauses.get()
        for _ in range(9):
            watch.stir()
        await server.asked.get()
        for _ in range(9):
            watch.stir()  # while the probe is under way: once more
        server.says("absent")
        await server.asked.get()
        server.says("absent")
        for _ in range(2):
            await server.pauses.get()
        assert server.asked.empty()
        assert server.peak == 1
        assert watch.last.state == "absent"


async def test_closing_ends_a_probe_that_is_under_way() -> None:
    server = Server()
    watch = Watch(server.probe, 300)
    await watch.open()
    await server.asked.get()
    await watch.close()
    assert server.now == 0
    await watch.close()


async def test_without_a_trigger_of_tests_it_waits_for_the_time_or_the_stir() -> None:
    server = Server()
    watch = Watch(server.probe, 0.01)
    await watch.open()
    for _ in range(3):
        await server.asked.get()
        server.says("on")
    await watch.close()


async def test_what_is_watched_no_more_is_not_proven() -> None:
    server = Server()
    async with watching(server, 120) as watch:
        server.says("on")
        await server.pauses.get()
        assert watch.last.state == "on"
    assert watch.last.state == "unknown"
