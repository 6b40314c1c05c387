"""Streams of the whole service, with its real engine: the same answer in each of its shapes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
DOCUMENTS = [
    {
        "id": "bridge",
        "title": "Nine Heron Bridge",
        "text": "The Nine Heron Bridge was designed by Isaura Venn. It has four piers.",
    },
    {
        "id": "venn",
        "title": "Isaura Venn",
        "text": "Isaura Venn was born in Callowby. She kept bees.",
    },
]
QUESTIONS = (
    "Who designed the Nine Heron Bridge?",
    "Where was the designer of the Nine Heron Bridge born?",
    "How deep is the Marrow Lake?",
)
CHANGING = ("id", "created_at", "usage")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with running(settings(tmp_path)) as (made, _):
        await post(made, *DOCUMENTS)
        yield made


def lasting(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in CHANGING}


@pytest.mark.parametrize("reasoning", ["direct", "auto", "lag"])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_stream_plain_chat_and_kept_answer_are_the_same(
    client: Any, question: str, reasoning: str
) -> None:
    body = {"question": question, "reasoning": reasoning}
    plain = (await client.post(f"{HOME}/ask", json=body)).json()
    streamed = await client.post(f"{HOME}/ask", json={**body, "stream": True})
    told = [
        (block.split("\n")[0].removeprefix("event: "), json.loads(block.split("\ndata: ")[1]))
        for block in streamed.text.split("\n\n")
        if block
    ]
    names = [name for name, _ in told]
    assert names[:2] == ["answer.created", "plan.created"]
    assert names.count("step.started") == names.count("step.completed") >= 1
    assert names[-1] == "answer.completed"
    last = told[-1][1]
    assert lasting(last) == lasting(plain)
    assert "".join(data["text"] for name, data in told if name == "answer.delta") == last["answer"]
    assert [data for name, data in told if name == "citation.added"] == last["citations"]
    assert (await client.get(f"/v1/answers/{last['id']}")).json() == last
    chat = await client.post(
        "/v1/chat/completions",
        json={
            "model": "anabranch",
            "messages": [{"role": "user", "content": question}],
            "anabranch": {"reasoning": reasoning},
        },
    )
    completion = chat.json()
    message = completion["choices"][0]["message"]
    assert message["content"] == plain["answer"]
    assert len(message["annotations"]) == len(plain["citations"])
    assert (plain["status"] == "unanswerable") is (question == QUESTIONS[-1])
    assert lasting({**completion["anabranch"], "answer": message["content"]}) == lasting(plain)
    for annotation in message["annotations"]:
        cited = annotation["file_citation"]
        stored = (await client.get(f"{HOME}/documents/{cited['file_id']}")).json()["text"]
        assert stored[cited["source_start"] : cited["source_end"]] == cited["quote"]
