"""The contract, row by row, on the application over in-memory services."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio
DOCUMENTS = {"documents": [{"id": "a", "title": "A", "text": "alpha beta", "metadata": {"n": 1}}]}


async def test_a_new_collection_is_created_once(client: Any) -> None:
    made = await client.post("/v1/collections", json={"name": "wiki"})
    assert made.status_code == 201
    assert made.json()["name"] == "wiki"
    assert made.json()["created_at"] == "2026-01-02T03:04:05.000Z"
    assert (await client.post("/v1/collections", json={"name": "wiki"})).status_code == 409
    assert (await client.get("/v1/collections/wiki")).status_code == 200
    assert (await client.delete("/v1/collections/wiki")).status_code == 204
    assert (await client.get("/v1/collections/wiki")).status_code == 404


async def test_posted_documents_are_searchable_and_read_back(client: Any) -> None:
    posted = await client.post("/v1/collections/default/documents", json=DOCUMENTS)
    assert posted.status_code == 202
    job = (await client.get(f"/v1/jobs/{posted.json()['job']['id']}")).json()
    assert job["status"] == "succeeded"
    found = await client.post("/v1/collections/default/search", json={"query": "alpha"})
    assert found.status_code == 200
    body = found.json()
    assert set(body) == {"query", "strategy", "results", "degraded", "took_ms"}
    assert body["results"] == [
        {
            "rank": 1,
            "score": 0.5,
            "document_id": "a",
            "chunk_id": "chk_0",
            "title": "A",
            "text": "alpha beta",
            "start": 0,
            "end": 10,
            "metadata": {"n": 1},
            "channels": {"vector": {"rank": 1, "score": 0.5}},
            "sql": None,
        }
    ]
    stored = (await client.get("/v1/collections/default/documents/a")).json()
    assert stored["text"] == "alpha beta"


async def test_rows_carry_sql_and_null_document_fields(client: Any) -> None:
    found = await client.post("/v1/collections/default/search", json={"query": "rows"})
    hit = found.json()["results"][0]
    assert hit["sql"] == {
        "source": "shop",
        "statement": "SELECT 1",
        "columns": ["n"],
        "rows": [[1]],
        "truncated": False,
    }
    assert hit["document_id"] is None
    assert hit["text"] is None


async def test_a_deleted_document_is_gone(client: Any) -> None:
    await client.post("/v1/collections/default/documents", json=DOCUMENTS)
    assert (await client.delete("/v1/collections/default/documents/a")).status_code == 204
    assert (await client.get("/v1/collections/default/documents/a")).status_code == 404


async def test_an_answer_and_its_trace_are_returned_later(client: Any) -> None:
    await client.post("/v1/collections/default/documents", json=DOCUMENTS)
    asked = await client.post("/v1/collections/default/ask", json={"question": "alpha ?"})
    assert asked.status_code == 200
    answer = asked.json()
    citation = answer["citations"][0]
    assert answer["answer"][citation["start"] : citation["end"]] == citation["quote"]
    assert (await client.get(f"/v1/answers/{answer['id']}")).json() == answer
    assert (await client.get(f"/v1/answers/{answer['id']}/trace")).json() == {"rounds": []}
