"""Replies in JSON from the stub."""

from __future__ import annotations

import json

import pytest
from generation_client import GOOD, KEPT, PROMPT, SAMPLING, Kept, client
from stub_llm import Cut, Echo, Raw, Reset, Status, Text, stub

from app.domain.model import (
    MalformedReply,
    ModelUnavailable,
    Prompt,
    PromptRefused,
    Sampling,
    Spent,
)

pytestmark = pytest.mark.anyio


async def test_a_reply_is_read_and_its_cost_is_told() -> None:
    async with stub({"plan": [Text(GOOD, usage=(31, 12))]}) as server, client(server) as model:
        done = await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert done.value == KEPT
    assert done.spent == Spent(1, 31, 12)
    assert (done.model, done.finish) == ("some-model", "stop")


async def test_a_request_has_the_shape_of_the_protocol() -> None:
    sampling = Sampling(77, 0.4, 9, {"vllm_xargs": {"lfd": 1}, "model": "another"})
    async with (
        stub({"*": [Text(GOOD)]}, keep_key=True) as server,
        client(server, key="sk-1") as model,
    ):
        await model.complete("node.answer.n1", PROMPT, Kept, sampling, 5)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.step == "node.answer.n1"
    assert request.vllm_xargs == {"lfd": 1}
    assert request.schema == Kept.model_json_schema()
    assert request.body["response_format"]["type"] == "json_schema"
    assert request.body["response_format"]["json_schema"]["name"] == "Kept"
    assert (request.model, request.n, request.temperature) == ("some-model", 1, 0.4)
    assert (request.body["max_tokens"], request.body["seed"]) == (77, 9)
    assert not request.stream
    assert request.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who keeps the lighthouse?"},
    ]


async def test_without_key_system_and_seed_none_is_sent() -> None:
    async with stub({"*": [Text(GOOD)]}) as server, client(server, key="") as model:
        await model.complete("plan", Prompt("", "Who?"), Kept, SAMPLING, 5)
    (request,) = server.requests
    assert "authorization" not in request.headers
    assert request.messages == [{"role": "user", "content": "Who?"}]
    assert "seed" not in request.body


async def test_a_step_that_no_header_can_hold_is_spelt_otherwise() -> None:
    async with stub({"*": [Text(GOOD)]}) as server, client(server) as model:
        await model.complete("node.answer.a b\r\nX: ü", PROMPT, Kept, SAMPLING, 5)
    assert server.requests[0].step == "node.answer.a_b__X:__"


async def test_a_lone_surrogate_breaks_neither_request_nor_reply() -> None:
    lone = Raw([json.dumps({"choices": [{"message": {"content": "\ud800"}}]}).encode()])
    async with stub({"*": [lone, Text(GOOD)]}) as server, client(server) as model:
        done = await model.complete("plan", Prompt("", "a\ud800"), Kept, SAMPLING, 5)
    assert done.value == KEPT
    assert server.requests[0].messages[0]["content"] == "a\ud800"
    assert server.requests[1].messages[1]["content"] == "\ufffd"


@pytest.mark.parametrize("fenced", [f"```json\n{GOOD}\n```", f"\n```\n{GOOD}```\n", f"  {GOOD}\n"])
async def test_json_in_a_fence_counts(fenced: str) -> None:
    async with stub({"*": [Text(fenced)]}) as server, client(server) as model:
        assert (await model.complete("plan", PROMPT, Kept, SAMPLING, 5)).value == KEPT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("faulty", "told"),
    [
        ("Ada kept it.", "Invalid JSON"),
        ('{"keeper": "Ada"', "Invalid JSON"),
        ('{"keeper": "Ada"}', "years: Field required"),
        ('{"keeper": "Ada", "years": "many"}', "years: Input should be a valid integer"),
        ('{"keeper": "Ada", "years": 7, "more": 1}', "more: Extra inputs are not permitted"),
        ("[" * 5_000, "Invalid JSON"),
    ],
)
async def test_a_faulty_reply_goes_back_with_what_is_wrong(faulty: str, told: str) -> None:
    script = {"plan": [Text(faulty, usage=(10, 2)), Text(GOOD, usage=(20, 3))]}
    async with stub(script) as server, client(server) as model:
        done = await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert done.value == KEPT
    assert done.spent == Spent(2, 30, 5)
    first, second = server.requests
    assert second.messages[:2] == first.messages
    assert [message["role"] for message in second.messages] == [
        "system", "user", "assistant", "user",
    ]  # fmt: skip
    assert second.messages[2]["content"] == faulty[:4_000]
    assert told in second.messages[3]["content"]
    assert second.schema == first.schema


async def test_a_reply_that_was_cut_is_told_to_be_shorter() -> None:
    script = {"*": [Text('{"keeper": "A', finish="length"), Text(GOOD)]}
    async with stub(script) as server, client(server) as model:
        await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert "write less" in server.requests[1].messages[3]["content"]


async def test_many_faults_are_told_in_few_lines() -> None:
    more = json.dumps({f"m{number}": 1 for number in range(50)})
    async with stub({"*": [Text(more), Text(GOOD)]}) as server, client(server) as model:
        await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert "- and 44 more" in server.requests[1].messages[3]["content"]


async def test_only_one_repair_is_tried() -> None:
    script = {"*": [Text("secret words", usage=(10, 2))]}
    async with stub(script) as server, client(server) as model:
        with pytest.raises(MalformedReply, match="does not satisfy Kept") as raised:
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert len(server.requests) == 2
    assert raised.value.spent == Spent(2, 20, 4)
    assert "secret words" not in str(raised.value)


async def test_a_repair_that_fails_tells_what_the_first_reply_cost() -> None:
    script = {"*": [Text("no", usage=(10, 2)), Status(400)]}
    async with stub(script) as server, client(server) as model:
        with pytest.raises(PromptRefused) as raised:
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert raised.value.spent == Spent(1, 10, 2)


async def test_an_echo_of_the_prompt_is_no_answer() -> None:
    async with stub({"*": [Echo()]}) as server, client(server) as model:
        with pytest.raises(MalformedReply):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)


@pytest.mark.parametrize("usage", [None, (-1, 3), (True, 3), ("7", 3), (None, 3), (1.5, 3)])
async def test_missing_usage_is_estimated_and_said_to_be(usage: object) -> None:
    completion = {
        "choices": [{"message": {"content": GOOD}}],
        "usage": usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1]},
    }
    reply = Raw([json.dumps(completion).encode()], "application/json")
    async with stub({"*": [reply]}) as server, client(server) as model:
        done = await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert done.spent.estimated
    assert 10 <= done.spent.prompt_tokens <= 20
    assert 5 <= done.spent.completion_tokens <= 10


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "{}",
        '{"choices": []}',
        '{"choices": {}}',
        '{"choices": [1]}',
        '{"choices": [{"message": []}]}',
        '{"choices": [{"message": [1]}]}',
        '{"choices": [{"message": {"content": null}}]}',
        '{"choices": [{"message": {"content": ""}}]}',
        "[" * 100_000,
    ],
)
async def test_what_is_no_completion_is_malformed_and_not_repaired(body: str) -> None:
    async with stub({"*": [Raw([body.encode()])]}) as server, client(server) as model:
        with pytest.raises(MalformedReply):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"error": {"message": "boom", "code": 500}}', ModelUnavailable),
        ('{"error": {"message": "boom", "code": 429}}', ModelUnavailable),
        ('{"error": "boom"}', ModelUnavailable),
        ('{"error": {"message": "too long", "code": 400}}', PromptRefused),
        ('{"choices": [{"message": {"refusal": "I will not"}}]}', PromptRefused),
    ],
)
async def test_an_error_under_the_status_200_is_an_error(body: str, kind: type[Exception]) -> None:
    async with stub({"*": [Raw([body.encode()])]}) as server, client(server) as model:
        with pytest.raises(kind):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)


async def test_a_reply_that_is_cut_off_or_reset_is_asked_for_again() -> None:
    script = {"*": [Cut(clean=False), Reset(), Text(GOOD)]}
    async with stub(script) as server, client(server, retries=2) as model:
        assert (await model.complete("plan", PROMPT, Kept, SAMPLING, 5)).value == KEPT
    assert len(server.requests) == 3


async def test_a_reply_beyond_the_limit_of_size_is_not_read() -> None:
    script = {"*": [Raw([b"x" * 1_000] * 20)]}
    async with stub(script) as server, client(server, max_bytes=10_000) as model:
        with pytest.raises(MalformedReply, match="more than 10000 bytes"):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)


async def test_a_compressed_reply_is_not_read() -> None:
    script = {"*": [Raw([b"x"], headers={"content-encoding": "gzip"})]}
    async with stub(script) as server, client(server) as model:
        with pytest.raises(MalformedReply, match="compresses"):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_connections_are_used_again() -> None:
    async with stub({"*": [Text(GOOD)]}) as server, client(server) as model:
        for _ in range(3):
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
    assert server.connections == 1
