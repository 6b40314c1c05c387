"""An application without a socket: its response arrives while it is made."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app.cli.follow import events
from app.cli.in_process import InProcess
from app.cli.session import Unreachable

pytestmark = pytest.mark.anyio
START = {"type": "http.response.start", "status": 200, "headers": [(b"x-name", b"value")]}


class Halting:
    """Sends the first part of its response, then waits to be let on; records how it ended."""

    def __init__(self) -> None:
        self.go_on, self.ended = asyncio.Event(), ""
        self.asked = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.asked = message["body"]
        await send(START)
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        try:
            await self.go_on.wait()
            self.ended = "whole"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        await send({"type": "http.response.body", "body": b"second"})


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=InProcess(app), base_url="http://in-process")


@pytest.fixture
async def halting() -> Halting:
    return Halting()


async def test_a_part_arrives_before_the_next_is_made(halting: Halting) -> None:
    async with client(halting) as made, made.stream("POST", "/", content=b"asked") as response:
        assert (response.status_code, response.headers["x-name"]) == (200, "value")
        parts = response.aiter_raw()
        assert await anext(parts) == b"first "
        assert (halting.asked, halting.ended) == (b"asked", "")
        halting.go_on.set()
        assert b"".join([part async for part in parts]) == b"second"
    assert halting.ended == "whole"


async def test_who_reads_no_further_ends_the_work(halting: Halting) -> None:
    async with client(halting) as made, made.stream("GET", "/"):
        pass
    assert halting.ended == "cancelled"


async def test_a_whole_response_is_as_any(halting: Halting) -> None:
    halting.go_on.set()
    async with client(halting) as made:
        assert (await made.get("/")).text == "first second"


async def test_giving_up_before_an_answer_begins_ends_the_work() -> None:
    entered, ended = asyncio.Event(), asyncio.Event()

    async def silent(*_: Any) -> None:
        entered.set()
        try:
            await asyncio.Future()
        finally:
            ended.set()

    async with client(silent) as made:
        asking = asyncio.create_task(made.get("/"))
        await entered.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert ended.is_set()


@pytest.mark.parametrize("after", [[], [START]])
async def test_what_the_application_raises_is_raised(after: list[dict[str, Any]]) -> None:
    async def broken(_: Any, __: Any, send: Any) -> None:
        for message in after:
            await send(message)
        raise ZeroDivisionError

    async with client(broken) as made:
        with pytest.raises(ZeroDivisionError):
            await made.get("/")


async def test_an_answer_that_breaks_off_is_no_answer() -> None:
    async def short(_: Any, __: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"event: answer.created\ndata: {}\n\n"})

    names = []

    async def follow() -> None:
        async with client(short) as made:
            async for name, _ in events(made, "/", {}):
                names.append(name)

    with pytest.raises(Unreachable, match="before it was complete"):
        await follow()
    assert names == ["answer.created"]
