"""Streamed replies from the stub."""

from __future__ import annotations

import asyncio
import json

import pytest
from generation_client import PROMPT, Pauses, client
from stub_llm import Cut, Raw, Reset, Status, Text, stub

from app.domain.model import (
    Completion,
    MalformedReply,
    ModelError,
    ModelUnavailable,
    PromptRefused,
    Sampling,
    Spent,
)
from app.generation.vllm import ChatModel

pytestmark = pytest.mark.anyio

LFD = Sampling(50, extra={"vllm_xargs": {"lfd": 1, "lfd_alpha": 0.1}})


async def written(model: ChatModel, seconds: float = 5) -> tuple[list[str], Completion[str]]:
    async with model.stream("synth", PROMPT, LFD, seconds) as writing:
        return [piece async for piece in writing], writing.so_far()


def event(content: object, **more: object) -> str:
    return "data: " + json.dumps({"choices": [{"delta": {"content": content}, **more}]})


async def test_pieces_come_in_order_and_the_cost_at_the_end() -> None:
    reply = Text(pieces=["Ada ", "", "kept ", "it."], usage=(31, 12))
    async with stub({"synth": [reply]}) as server, client(server) as model:
        pieces, done = await written(model)
    assert pieces == ["Ada ", "kept ", "it."]
    assert done == Completion("Ada kept it.", Spent(1, 31, 12), "some-model", "stop")
    (request,) = server.requests
    assert request.stream
    assert request.body["stream_options"] == {"include_usage": True}
    assert request.vllm_xargs == {"lfd": 1, "lfd_alpha": 0.1}
    assert request.schema is None


async def test_a_piece_is_given_before_the_next_is_written() -> None:
    pace = asyncio.Semaphore(0)
    reply = Text(pieces=["a", "b"], pace=pace)
    async with (
        stub({"synth": [reply]}) as server,
        client(server) as model,
        model.stream("synth", PROMPT, LFD, 5) as writing,
    ):
        pace.release()
        assert await anext(writing) == "a"
        assert writing.so_far().value == "a"
        assert writing.so_far().spent.estimated
        pace.release()
        assert [piece async for piece in writing] == ["b"]
        assert writing.so_far().spent == Spent(1, 7, 3)


async def test_missing_usage_is_estimated() -> None:
    async with stub({"*": [Text("Ada kept it.", usage=None)]}) as server, client(server) as model:
        _, done = await written(model)
    assert done.spent.estimated
    assert done.spent.completion_tokens == 3


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 3, 1_000])
async def test_the_bytes_may_come_in_any_chunks(ending: str, size: int) -> None:
    split = [event("Zoë ")[:-1], "data: }"]  # one event in two lines
    lines = [": warming up", "", *split, "", event("✓"), "", "data: [DONE]", ""]
    content = "".join(line + ending for line in lines).encode()
    reply = Raw([content[at : at + size] for at in range(0, len(content), size)])
    async with stub({"*": [reply]}) as server, client(server) as model:
        assert (await written(model))[0] == ["Zoë ", "✓"]


async def test_done_counts_without_an_empty_line_after_it() -> None:
    reply = Raw([event("a").encode() + b"\n\ndata: [DONE]"])
    async with stub({"*": [reply]}) as server, client(server) as model:
        assert (await written(model))[0] == ["a"]


async def test_what_comes_after_done_is_left_out() -> None:
    reply = Raw([f"{event('a')}\n\ndata: [DONE]\n\n{event('b')}\n\n".encode()])
    async with stub({"*": [reply]}) as server, client(server) as model:
        assert (await written(model))[0] == ["a"]


@pytest.mark.parametrize(
    "reply",
    [
        Cut(["Ada ", "kept"]),
        Cut(["Ada ", "kept"], clean=False),
        Raw([f"{event('Ada ')}\n\n{event('kept')}\n\n{event('', finish_reason='stop')}".encode()]),
    ],
)
async def test_a_stream_that_ends_before_its_end_is_an_error(reply: Cut | Raw) -> None:
    async with (
        stub({"*": [reply]}) as server,
        client(server) as model,
        model.stream("synth", PROMPT, LFD, 5) as writing,
    ):
        assert [await anext(writing), await anext(writing)] == ["Ada ", "kept"]
        with pytest.raises(ModelUnavailable, match=r"broke off|failed"):
            await anext(writing)
        assert writing.so_far().value == "Ada kept"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("no JSON", MalformedReply),
        ("[]", MalformedReply),
        ("{}", MalformedReply),
        ('{"choices": [{"delta": 5}]}', MalformedReply),
        ('{"error": {"message": "boom", "code": 500}}', ModelUnavailable),
        ('{"error": {"message": "too long", "code": 400}}', PromptRefused),
    ],
)
async def test_an_event_that_is_no_piece_is_an_error(data: str, kind: type[ModelError]) -> None:
    reply = Raw([f"{event('a')}\n\ndata: {data}\n\ndata: [DONE]\n\n".encode()])
    async with stub({"*": [reply]}) as server, client(server) as model:
        with pytest.raises(kind):
            await written(model)


async def test_a_stream_without_a_text_is_malformed() -> None:
    async with stub({"*": [Text("")]}) as server, client(server) as model:
        with pytest.raises(MalformedReply, match="without a text"):
            await written(model)


async def test_a_plain_answer_in_place_of_a_stream_is_an_error() -> None:
    plain = Status(200, body='{"choices": []}')
    async with stub({"*": [plain]}) as server, client(server) as model:
        with pytest.raises(ModelUnavailable, match="broke off"):
            await written(model)


async def test_before_the_first_byte_failures_are_tried_again() -> None:
    pauses = Pauses()
    script = {"*": [Status(503, {"retry-after": "2"}), Reset(), Text("a")]}
    async with stub(script) as server, client(server, pauses, retries=2) as model:
        assert (await written(model))[0] == ["a"]
    assert pauses.taken == pytest.approx([2.3, 0.6])


async def test_a_stream_beyond_the_limit_of_size_ends() -> None:
    reply = Text(pieces=["x" * 500] * 20)
    async with stub({"*": [reply]}) as server, client(server, max_bytes=4_000) as model:
        with pytest.raises(MalformedReply, match="more than 4000 bytes"):
            await written(model)


async def test_streams_use_connections_again() -> None:
    async with stub({"*": [Text(pieces=["a", "b"])]}) as server, client(server) as model:
        for _ in range(3):
            await written(model)
    assert server.connections == 1


async def test_a_server_that_does_not_end_after_the_end_costs_only_its_connection() -> None:
    reply = Raw([f"{event('a')}\n\ndata: [DONE]\n\n".encode()], stays=True)
    async with stub({"*": [reply]}) as server, client(server) as model:
        assert (await written(model))[0] == ["a"]
        await asyncio.wait_for(server.requests[0].left.wait(), 1)
