"""The stub itself: an error in it would be taken for one of the client."""

from __future__ import annotations

import pytest
from generation_client import GOOD, KEPT, PROMPT, SAMPLING, Kept, client
from stub_llm import Request, Text, stub

from app.domain.model import ModelUnavailable
from app.engine.model import LanguageModel

pytestmark = pytest.mark.anyio


async def asked(model: LanguageModel, step: str) -> Kept:
    return (await model.complete(step, PROMPT, Kept, SAMPLING, 5)).value


async def test_an_unscripted_step_fails_the_test() -> None:
    async def test() -> None:
        async with stub({"plan": [Text(GOOD)]}) as server, client(server) as model:
            with pytest.raises(ModelUnavailable, match="599: the script has no step 'verify'"):
                await asked(model, "verify")
            assert server.unscripted == ["verify"]

    with pytest.raises(AssertionError, match=r"without a script: \['verify'\]"):
        await test()


async def test_an_error_of_the_test_itself_is_not_hidden_by_unscripted_steps() -> None:
    with pytest.raises(ModelUnavailable, match="599"):
        async with stub({}) as server, client(server) as model:
            await asked(model, "verify")


async def test_the_first_glob_that_matches_counts_and_its_last_reply_repeats() -> None:
    other = GOOD.replace("7", "8")
    script = {"node.answer.*": [Text(GOOD), Text(other)], "node.*": [Text(GOOD)]}
    async with stub(script) as server, client(server) as model:
        years = [(await asked(model, f"node.answer.n{at}")).years for at in range(3)]
        assert await asked(model, "node.round.n1.1") == KEPT
    assert years == [7, 8, 8]
    assert [request.step for request in server.of("node.answer.*")] == [
        "node.answer.n0", "node.answer.n1", "node.answer.n2",
    ]  # fmt: skip


async def test_a_reply_may_be_made_from_the_request() -> None:
    def reply(request: Request) -> Text:
        return Text(GOOD if "lighthouse" in request.messages[-1]["content"] else "no")

    async with stub({"*": [reply]}) as server, client(server) as model:
        assert await asked(model, "plan") == KEPT
