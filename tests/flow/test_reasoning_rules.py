"""Questions of several hops in the whole service without a language model."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from reasoning_world import HOME, cited, sound

from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
QUESTION = "Who was the teacher of the designer of the Nine Heron Bridge?"
FIRST = "The Nine Heron Bridge was designed by Isaura Venn in 1887."
SECOND = "Isaura Venn learned her trade from Odo Marsh at Callowby."
DOCUMENTS = [
    {"id": "bridge", "title": "Nine Heron Bridge", "text": FIRST},
    {"id": "venn", "title": "Isaura Venn", "text": SECOND},
    {"id": "mill", "title": "Tern Mill", "text": "The Tern Mill was painted by Ada Bell in 1901."},
    {"id": "bell", "title": "Ada Bell", "text": "Ada Bell learned her trade from Jon Reed."},
    {"id": "ferry", "title": "Skarn Ferry", "text": "The Skarn Ferry crosses the lake twice."},
]
TIMES = ("took_ms", "ms")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with running(settings(tmp_path)) as (made, _):
        await post(made, *DOCUMENTS)
        yield made


async def ask(client: Any, question: str = QUESTION, **given: Any) -> dict[str, Any]:
    response = await client.post(f"{HOME}/ask", json={"question": question, **given})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    await sound(client, answer)
    return answer


async def trace_of(client: Any, answer: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await client.get(f"/v1/answers/{answer['id']}/trace")).json()
    return told


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def untimed(value: Any) -> Any:
    """JSON without what no two runs share."""
    if isinstance(value, dict):
        gone = (*TIMES, "id", "created_at") if "created_at" in value else TIMES
        return {name: untimed(one) for name, one in value.items() if name not in gone}
    return [untimed(one) for one in value] if isinstance(value, list) else value


async def test_two_hops_are_cited_though_the_second_shares_no_word(client: Any) -> None:
    assert not words(SECOND) & words(QUESTION)
    answer = await ask(client, reasoning="lag")
    assert answer["status"] == "answered"
    assert cited(answer) == ["bridge", "venn"]
    assert answer["answer"] == f"{FIRST} [1] {SECOND} [2]"
    assert answer["generator"] == "extractive"
    assert answer["usage"]["llm_calls"] == 0


async def test_the_answer_of_an_inner_node_is_not_the_short_answer(client: Any) -> None:
    answer = await ask(client, reasoning="lag")
    first = answer["plan"]["nodes"][0]
    assert (first["answer"], first["status"]) == ("Isaura Venn", "guessed")
    assert answer["short_answer"] != "Isaura Venn"


async def test_auto_splits_what_is_hard_and_nothing_else(client: Any) -> None:
    hard = await ask(client, reasoning="auto")
    assert [node["id"] for node in hard["plan"]["nodes"]] == ["1", "2"]
    assert (await trace_of(client, hard))["gate"]["decision"] == "lag"
    easy = await ask(client, "Who designed the Nine Heron Bridge?", reasoning="auto")
    assert easy["plan"] is None
    assert (await trace_of(client, easy))["gate"]["decision"] == "direct"
    told = await ask(client, reasoning="direct")
    assert told["plan"] is None


async def test_the_trace_holds_gate_plan_rounds_queries_and_channels(client: Any) -> None:
    answer = await ask(client, reasoning="lag")
    trace = await trace_of(client, answer)
    assert trace["mode"] == "lag"
    assert trace["gate"]["features"]["of"] == 2
    assert trace["plan"] == answer["plan"]
    assert trace["plan"]["source"] == "rules"
    first, second = trace["nodes"]
    assert [node["rank"] for node in (first, second)] == [0, 1]
    assert second["bound_text"] == "Who was the teacher of Isaura Venn"
    for node in (first, second):
        assert node["reason"]
        for looked in node["rounds"]:
            assert looked["query"]
            assert looked["why"] == "the sub-question"
            assert {seen["channel"] for seen in looked["channels"]} >= {
                "vector",
                "fulltext",
                "graph",
            }
            assert looked["fused"]
    assert second["rounds"][0]["query"] == second["bound_text"]
    (whole,) = trace["rounds"]
    assert whole["query"] == QUESTION
    assert trace["llm_calls"] == []
    asked = sum(len(node["rounds"]) for node in (first, second)) + 1
    assert trace["budget"]["used"]["store_queries"] == asked


async def test_the_same_request_has_the_same_answer_and_trace(client: Any) -> None:
    answers, traces = [], []
    for _ in range(20):
        answer = await ask(client, reasoning="lag")
        answers.append(untimed(answer))
        traces.append(untimed(await trace_of(client, answer)))
    assert all(answer == answers[0] for answer in answers)
    assert all(trace == traces[0] for trace in traces)


async def test_a_plan_that_a_filter_leaves_nothing_is_unanswerable(client: Any) -> None:
    none = {"field": "part", "op": "eq", "value": "missing"}
    answer = await ask(client, reasoning="lag", filters=none)
    assert answer["status"] == "unanswerable"
    assert {node["status"] for node in answer["plan"]["nodes"]} == {"stopped"}
    reasons = [node["reason"] for node in answer["plan"]["nodes"]]
    assert reasons == ["no_new_evidence", "dependency_failed"]
