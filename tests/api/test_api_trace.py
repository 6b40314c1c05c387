"""Who may read what of a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from edge_services import ADMIN, READER, Services, serving

pytestmark = pytest.mark.anyio
ASK = "/v1/collections/default/ask"
CALL = {"step": "write", "model": "tiny-writer", "prompt_tokens": 5}
PROMPT = {"system": "Answer.", "user": "a canary of a document"}


@pytest.fixture
async def answer(services: Services) -> str:
    inner = services.ask.ask

    async def ask(*arguments: Any) -> Any:
        made = await inner(*arguments)
        trace = {"mode": "direct", "llm_calls": [{**CALL, "prompt": PROMPT}, CALL]}
        return replace(made, trace=trace)

    services.ask.ask = ask
    async with serving(services, READER) as client:
        return str((await client.post(ASK, json={"question": "x"})).json()["id"])


@pytest.mark.parametrize(
    ("key", "query", "prompts"),
    [
        (READER, "", False),
        (READER, "?detail=full", False),
        (ADMIN, "", False),
        (ADMIN, "?detail=usual", False),
        (ADMIN, "?detail=full", True),
    ],
)
async def test_prompts_are_for_admins_who_ask_for_them(
    services: Services, answer: str, key: str, query: str, prompts: bool
) -> None:
    async with serving(services, key) as client:
        response = await client.get(f"/v1/answers/{answer}/trace{query}")
    assert response.status_code == 200
    assert ("canary" in response.text) is prompts
    first = {**CALL, "prompt": PROMPT} if prompts else CALL
    assert response.json() == {"mode": "direct", "llm_calls": [first, CALL]}


async def test_another_detail_is_422(client: Any, answer: str) -> None:
    response = await client.get(f"/v1/answers/{answer}/trace?detail=all")
    assert response.status_code == 422
    assert response.json()["errors"][0]["at"] == "/query/detail"
