"""Follow-up questions that are made to stand alone."""

from __future__ import annotations

import pytest
from step_runs import running, says
from stub_llm import Status

from app.engine.budget import Budget
from app.engine.run import Run
from app.engine.steps.rewrite import standalone

pytestmark = pytest.mark.anyio

TURNS = (("user", "Who designed the Nine Heron Bridge?"), ("assistant", "Isaura Venn. [1]"))


async def test_a_follow_up_stands_alone() -> None:
    told = says(question="When was Isaura Venn born?")
    async with running({"rewrite": [told]}) as (run, server):
        assert await standalone(run, "When was she born?", TURNS) == "When was Isaura Venn born?"
        assert "Nine Heron Bridge" in server.requests[0].messages[-1]["content"]
        assert run.degraded == ()


async def test_without_turns_nothing_is_asked() -> None:
    async with running({}) as (run, server):
        assert await standalone(run, "When was she born?", ()) == "When was she born?"
        assert server.requests == []


async def test_a_model_that_fails_leaves_the_question_as_it_was() -> None:
    async with running({"rewrite": [Status(400)]}) as (run, _):
        assert await standalone(run, "When was she born?", TURNS) == "When was she born?"
        assert any("earlier turns are not read" in one.reason for one in run.degraded)


async def test_an_empty_rewriting_counts_as_none() -> None:
    async with running({"rewrite": [says(question=" ")]}) as (run, _):
        assert await standalone(run, "When was she born?", TURNS) == "When was she born?"
        assert [one.component for one in run.degraded] == ["llm"]


async def test_no_model_says_that_turns_are_not_read() -> None:
    run = Run(Budget())
    assert await standalone(run, "When was she born?", TURNS) == "When was she born?"
    assert [one.reason for one in run.degraded] == ["earlier turns are not read without a model"]
