"""The one door to a model: what passes it, what closes it, what is written down."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel
from stub_llm import Cut, Hang, Script, Status, Text

from app.domain.model import ModelError, Prompt, Spent
from app.engine.budget import Budget
from app.engine.run import Generation, Run
from tests.synthesis import asking

pytestmark = pytest.mark.anyio

PROMPT = Prompt("Be brief.", "Who keeps the lighthouse?")


class Kept(BaseModel):
    keeper: str


GOOD = Text('{"keeper": "Ada"}', usage=(40, 6))


async def streamed(run: Run) -> str | None:
    async with run.stream("synth", PROMPT) as writing:
        return None if writing is None else "".join([piece async for piece in writing])


async def test_a_reply_is_read_paid_and_written_down() -> None:
    async with asking({"node.1": [GOOD]}) as (run, _):
        assert await run.complete("node.1", PROMPT, Kept) == Kept(keeper="Ada")
    [call] = run.calls
    assert (call.step, call.outcome, call.model, call.prompt) == (
        "node.1", "ok", "some-model", PROMPT,
    )  # fmt: skip
    assert call.spent == run.ledger.spent == Spent(1, 40, 6)
    assert (run.ledger.calls, run.ledger.prompt_tokens, run.ledger.completion_tokens) == (1, 40, 6)
    assert run.degraded == ()


async def test_a_faulty_reply_is_repaired_once_and_both_are_paid() -> None:
    script: Script = {"node.1": [Text("no", usage=(40, 2)), GOOD]}
    async with asking(script) as (run, server):
        assert await run.complete("node.1", PROMPT, Kept) == Kept(keeper="Ada")
    assert len(server.requests) == 2
    assert run.ledger.spent == Spent(2, 80, 8)


@pytest.mark.parametrize("reply", [Status(500), Status(401), Text("no JSON"), Cut()])
async def test_a_failing_step_gets_none_and_the_loss_is_named(reply: object) -> None:
    async with asking({"plan": [reply]}) as (run, _):  # type: ignore[list-item]
        assert await run.complete("plan", PROMPT, Kept) is None
    assert run.calls[0].outcome == "failed"
    assert run.calls[0].detail
    [lost] = run.degraded
    assert lost.component == "llm"
    assert lost.reason.startswith("plan: ")


async def test_what_a_server_says_of_a_prompt_it_refuses_goes_to_the_trace_only() -> None:
    refusal = Status(400, body='{"error": {"message": "input: Who keeps the lighthouse?"}}')
    async with asking({"plan": [refusal]}) as (run, _):
        await run.complete("plan", PROMPT, Kept)
    assert "lighthouse" in run.calls[0].detail
    assert "lighthouse" not in run.degraded[0].reason


async def test_two_failures_in_a_row_close_the_door() -> None:
    script: Script = {"a": [Status(401)], "b": [GOOD], "*": [Status(401)]}
    async with asking(script) as (run, server):
        await run.complete("a", PROMPT, Kept)
        assert await run.complete("b", PROMPT, Kept) is not None  # one success opens it again
        await run.complete("c", PROMPT, Kept)
        assert run.thinks
        await run.complete("d", PROMPT, Kept)
        assert not run.thinks
        assert await run.complete("b", PROMPT, Kept) is None
        assert await streamed(run) is None
    assert [request.step for request in server.requests] == ["a", "b", "c", "d"]


async def test_failures_at_the_same_time_close_the_door_too() -> None:
    async with asking({"*": [Status(401)]}) as (run, _):
        await asyncio.gather(*(run.complete(f"node.{n}", PROMPT, Kept) for n in range(3)))
        assert not run.thinks
    assert [call.outcome for call in run.calls] == ["failed"] * 3


async def test_calls_at_the_same_time_leave_the_one_for_the_answer() -> None:
    script: Script = {"node.*": [GOOD], "synth": [Text("Ada.")]}
    async with asking(script, Budget(llm_calls=4)) as (run, server):
        replies = await asyncio.gather(*(run.complete(f"node.{n}", PROMPT, Kept) for n in range(6)))
        assert await streamed(run) == "Ada."
    assert len(server.of("node.*")) == sum(reply is not None for reply in replies) <= 3
    assert run.ledger.calls <= 4
    assert run.limited == ["llm"]
    assert run.degraded == ()


async def test_one_call_is_for_the_answer_alone() -> None:
    script: Script = {"synth": [Text("Ada.")]}
    async with asking(script, Budget(llm_calls=1)) as (run, server):
        assert await run.complete("plan", PROMPT, Kept) is None
        assert await streamed(run) == "Ada."
        assert await run.complete("synth.repair", PROMPT, Kept, writing=True) is None
    assert len(server.requests) == 1
    assert [call.outcome for call in run.calls] == [
        "refused by the budget", "ok", "refused by the budget",
    ]  # fmt: skip


async def test_no_call_asks_nobody_and_loses_nothing() -> None:
    async with asking({}, Budget(llm_calls=0)) as (run, server):
        assert not run.thinks
        assert await run.complete("plan", PROMPT, Kept) is None
        assert await streamed(run) is None
    assert (server.requests, run.calls, run.degraded, run.limited) == ([], [], (), [])


async def test_a_run_without_a_model_asks_nobody() -> None:
    run = Run(Budget())
    assert not run.thinks
    assert await run.complete("plan", PROMPT, Kept) is None
    assert await streamed(run) is None


async def test_a_text_is_streamed_as_the_caller_wants_it() -> None:
    wanted = Generation(max_tokens=77, temperature=0.5, seed=7)
    script: Script = {"synth": [Text(pieces=["Ada ", "keeps it."], usage=(30, 5))]}
    async with asking(script, generation=wanted) as (run, server):
        assert await streamed(run) == "Ada keeps it."
    [request] = server.requests
    assert (request.body["max_tokens"], request.temperature) == (77, 0.5)
    assert (request.body["seed"], request.vllm_xargs) == (7, None)
    assert run.ledger.spent == Spent(1, 30, 5)


async def test_a_caller_that_wants_more_than_the_budget_gets_what_it_holds() -> None:
    async with asking({"synth": [Text("Ada.")]}, generation=Generation(max_tokens=99_999)) as (
        run,
        server,
    ):
        assert await streamed(run) == "Ada."
    assert server.requests[0].body["max_tokens"] == Budget().completion_tokens


async def test_a_stream_that_breaks_raises_and_what_it_cost_is_written_down() -> None:
    async with asking({"synth": [Cut(["Ada "])]}) as (run, _):
        with pytest.raises(ModelError):
            await streamed(run)
    [call] = run.calls
    assert call.outcome == "failed"
    assert call.spent == run.ledger.spent
    assert call.spent.calls == run.ledger.calls == 1
    assert len(run.degraded) == 1


async def test_a_step_is_not_waited_for_longer_than_it_says() -> None:
    async with asking({"synth.repair": [Hang()]}) as (run, _):
        async with asyncio.timeout(5):
            reply = await run.complete("synth.repair", PROMPT, Kept, writing=True, seconds=0.2)
    assert reply is None
    assert "no answer within 0.2 s" in run.calls[0].detail
    assert run.ledger.calls == 0


@pytest.mark.parametrize("streams", [False, True])
async def test_a_cancelled_call_ends_at_the_server_and_counts_as_no_failure(streams: bool) -> None:
    async with asking({"*": [Hang()]}) as (run, server):
        for count in (1, 2):
            call = streamed(run) if streams else run.complete("plan", PROMPT, Kept)
            task = asyncio.ensure_future(call)
            await server.arrived(count)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.requests[-1].left.wait(), 5)
        assert run.thinks
    assert {call.outcome for call in run.calls} == {"cancelled"}
    assert run.degraded == ()


def test_a_loss_is_named_once_and_in_order() -> None:
    run = Run(Budget())
    for reason in ("b", "a", "b"):
        run.degrade("llm", reason)
    run.limit("llm")
    run.limit("llm")
    assert [lost.reason for lost in run.degraded] == ["b", "a"]
    assert run.limited == ["llm"]
