"""Deadlines, places, cancellation and retries against a server that misbehaves."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from generation_client import GOOD, KEPT, PROMPT, SAMPLING, Kept, Pauses, client, endpoint
from stub_llm import Hang, Raw, Reset, Status, Text, stub

from app.domain.model import ModelUnavailable, PromptRefused
from app.generation.vllm import ChatModel

pytestmark = pytest.mark.anyio


async def asked(model: ChatModel, seconds: float = 5, step: str = "plan") -> Kept:
    return (await model.complete(step, PROMPT, Kept, SAMPLING, seconds)).value


async def streamed(model: ChatModel, seconds: float = 5) -> list[str]:
    async with model.stream("synth", PROMPT, SAMPLING, seconds) as writing:
        return [piece async for piece in writing]


@pytest.mark.parametrize("call", [asked, streamed])
@pytest.mark.parametrize("reply", [Hang(), Hang(["a"]), Raw([b"x"], stays=True)])
async def test_a_server_that_hangs_costs_no_more_than_the_deadline(call, reply) -> None:
    async with stub({"*": [reply]}) as server, client(server) as model:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match=r"no answer within 1 s"):
            await call(model, 1.0)
        assert 0.9 < time.monotonic() - began < 5
        await asyncio.wait_for(server.requests[0].left.wait(), 1)
    assert len(server.requests) == 1


async def test_time_that_the_reader_takes_counts_but_is_not_interrupted() -> None:
    pace = asyncio.Semaphore(1)
    script = {"*": [Text(pieces=["a", "b"], pace=pace)]}
    async with (
        stub(script) as server,
        client(server) as model,
        model.stream("synth", PROMPT, SAMPLING, 0.1) as writing,
    ):
        assert await anext(writing) == "a"
        await asyncio.sleep(0.2)  # longer than the deadline, and not cut short by it
        with pytest.raises(ModelUnavailable, match="no answer within"):
            await anext(writing)


@pytest.mark.parametrize("call", [asked, streamed])
async def test_a_caller_that_leaves_takes_its_request_along(call) -> None:
    async with stub({"*": [Hang()]}) as server, client(server) as model:
        task = asyncio.create_task(call(model))
        await server.arrived(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.requests[0].left.wait(), 1)


async def test_a_reader_that_is_cancelled_between_pieces_takes_its_request_along() -> None:
    read = asyncio.Event()

    async def reading(model: ChatModel) -> None:
        async with model.stream("synth", PROMPT, SAMPLING, 5) as writing:
            async for _ in writing:
                read.set()

    async with stub({"*": [Hang(["a"])]}) as server, client(server) as model:
        task = asyncio.create_task(reading(model))
        await asyncio.wait_for(read.wait(), 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.requests[0].left.wait(), 1)


async def test_leaving_the_block_of_a_stream_ends_its_request_and_frees_its_place() -> None:
    script = {"synth": [Hang(["a"])], "plan": [Text(GOOD)]}
    async with stub(script) as server, client(server, concurrency=1) as model:
        async with model.stream("synth", PROMPT, SAMPLING, 5) as writing:
            assert await anext(writing) == "a"
        await asyncio.wait_for(server.requests[0].left.wait(), 1)
        assert await asked(model, 1) == KEPT


async def test_no_more_requests_at_once_than_there_are_places() -> None:
    pace = asyncio.Semaphore(0)
    script = {"*": [Text(GOOD, pace=pace)]}
    async with stub(script) as server, client(server, concurrency=2) as model:
        tasks = [asyncio.create_task(asked(model)) for _ in range(6)]
        await server.arrived(2)
        for count in range(6):
            pace.release()
            await server.arrived(min(count + 3, 6))
        assert await asyncio.gather(*tasks) == [KEPT] * 6
    assert server.peak == 2


async def test_waiting_for_a_place_counts_against_the_deadline() -> None:
    async with stub({"*": [Hang()]}) as server, client(server, concurrency=1) as model:
        first = asyncio.create_task(asked(model))
        await server.arrived(1)
        with pytest.raises(ModelUnavailable, match=r"no answer within 0\.1 s"):
            await asked(model, 0.1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert len(server.requests) == 1


async def test_a_pause_between_tries_keeps_no_place() -> None:
    pausing, go_on = asyncio.Event(), asyncio.Event()

    class Held(Pauses):
        async def sleep(self, seconds: float) -> None:
            pausing.set()
            await go_on.wait()

    script = {"busy": [Status(503), Text(GOOD)], "free": [Text(GOOD)]}
    async with stub(script) as server, client(server, Held(), concurrency=1) as model:
        busy = asyncio.create_task(asked(model, step="busy"))
        await asyncio.wait_for(pausing.wait(), 1)
        assert await asked(model, 1, "free") == KEPT
        go_on.set()
        assert await busy == KEPT


@pytest.mark.parametrize("failure", [*map(Status, (429, 500, 502, 503, 504)), Reset()])
async def test_a_passing_failure_is_tried_again(failure: Status | Reset) -> None:
    pauses = Pauses()
    script = {"*": [failure, Text(GOOD)]}
    async with stub(script) as server, client(server, pauses) as model:
        assert await asked(model) == KEPT
    assert pauses.taken == pytest.approx([0.3])


async def test_retries_end() -> None:
    async with stub({"*": [Status(503)]}) as server, client(server, retries=2) as model:
        with pytest.raises(ModelUnavailable, match="answered 503: scripted"):
            await asked(model)
    assert len(server.requests) == 3


async def test_the_pause_is_what_the_server_asks_for_and_a_little() -> None:
    pauses = Pauses()
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    busy = [Status(429, {"Retry-After": "2"}), Status(503, {"Retry-After": then})]
    script = {"*": [*busy, Text(GOOD)]}
    async with stub(script) as server, client(server, pauses, retries=2) as model:
        assert await asked(model, 30) == KEPT
    assert pauses.taken[0] == pytest.approx(2.3)
    assert 1.6 < pauses.taken[1] <= 3.6


async def test_a_server_that_asks_for_more_time_than_is_left_is_not_waited_for() -> None:
    pauses = Pauses()
    script = {"*": [Status(429, {"retry-after": "30"})]}
    async with stub(script) as server, client(server, pauses) as model:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="would be too late"):
            await asked(model, 5)
        assert time.monotonic() - began < 1
    assert (len(server.requests), pauses.taken) == (1, [])


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_request_that_the_server_refuses_is_refused(status: int) -> None:
    reply = Status(status, body='{"error": {"message": "maximum context length is 4096 tokens"}}')
    async with stub({"*": [reply]}) as server, client(server) as model:
        with pytest.raises(PromptRefused, match=f"{status}: maximum context length is 4096"):
            await asked(model)
        with pytest.raises(PromptRefused):
            await streamed(model)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 501])
async def test_a_wrong_key_or_model_is_not_tried_again(status: int) -> None:
    async with stub({"*": [Status(status)]}) as server, client(server) as model:
        with pytest.raises(ModelUnavailable, match=str(status)):
            await asked(model)
    assert len(server.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with stub({"plan": [Text(GOOD)]}) as other, stub({}) as server:
        script = {"plan": [Status(307, {"location": f"{other.url}/chat/completions"})]}
        async with stub(script) as server, client(server) as model:
            with pytest.raises(ModelUnavailable, match="answered 307, a redirect"):
                await asked(model)
    assert other.requests == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"detail": "no such model"}', "503: no such model"),
        ('{"message": "no such model"}', "503: no such model"),
        ('{"error": "no such model"}', "503: no such model"),
        ('{"object": 1}', '503: {"object": 1}'),
        ("plain\n  text", "503: plain text"),
        ("", "503"),
        ("x" * 100_000, "503"),
    ],
)
async def test_what_the_server_says_is_told_in_one_short_line(body: str, told: str) -> None:
    async with stub({"*": [Status(503, body=body)]}) as server, client(server, retries=0) as model:
        with pytest.raises(ModelUnavailable) as raised:
            await asked(model)
    assert str(raised.value) == f"{server.url} answered {told}"


async def test_a_server_that_is_away_is_named() -> None:
    pauses = Pauses()
    away = endpoint("http://127.0.0.1:1/v1", pauses)
    model = ChatModel(away, "some-model")
    with pytest.raises(ModelUnavailable, match="not open"):
        await asked(model)
    await away.open()
    with pytest.raises(ModelUnavailable, match=r"connection to http://127\.0\.0\.1:1/v1 failed: ."):
        await asked(model)
    assert len(pauses.taken) == 1
    await away.close()
    with pytest.raises(ModelUnavailable, match="not open"):
        await asked(model)
