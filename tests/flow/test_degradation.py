"""A lost channel costs its own evidence and is named; only the loss of all is an error."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.whole import post, running, settings

CHANNELS = ("vector", "fulltext", "graph", "sql")
QUESTION = "Who designed the weir at Harrow Mill?"
SEARCH = "/v1/collections/default/search"
ASK = "/v1/collections/default/ask"
WORLD = (
    {"id": "weir", "title": "Harrow Mill", "text": "Ada Finch built the weir at Harrow Mill."},
    {"id": "ada", "title": "Ada Finch", "text": "Ada Finch was an engineer from Port Ellen."},
    {"id": "port", "title": "Port Ellen", "text": "Port Ellen is a harbour town on the coast."},
)  # fmt: skip


def broken(names: tuple[str, ...], how: str) -> dict[str, Any]:
    """Settings under which the named channels are broken."""
    return {
        name: {"use": f"broken_retrievers:{how}{name.capitalize()}", "timeout_s": 0.2}
        for name in names
    }


async def world(client: Any, folder: Path) -> None:
    """Three documents and one table."""
    with sqlite3.connect(folder / "mills.sqlite") as database:
        database.execute("CREATE TABLE mills (id INTEGER PRIMARY KEY, name TEXT, wheels INTEGER)")
        database.execute("INSERT INTO mills (name, wheels) VALUES ('Harrow', 3), ('Ellen', 2)")
    database.close()
    source = {"name": "mills", "url": f"sqlite:///{folder / 'mills.sqlite'}"}
    answer = await client.post("/v1/collections/default/sql-sources", json=source)
    assert answer.status_code == 201, answer.text
    assert (await post(client, *WORLD))["status"] == "succeeded"


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["Hanging", "Failing"])
@pytest.mark.parametrize("lost", CHANNELS)
async def test_one_lost_channel_is_named_and_the_others_answer(
    tmp_path: Path, lost: str, how: str
) -> None:
    chosen = settings(tmp_path / "data", retrievers=broken((lost,), how))
    async with running(chosen) as (client, _):
        await world(client, tmp_path)
        answer = await client.post(SEARCH, json={"query": QUESTION})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert lost in {entry["component"] for entry in body["degraded"]}
        assert {hit["document_id"] for hit in body["results"]} >= {"weir"}
        asked = (await client.post(ASK, json={"question": QUESTION})).json()
        assert lost in {entry["component"] for entry in asked["degraded"]}
        assert asked["citations"]


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["Hanging", "Failing"])
async def test_the_loss_of_every_channel_is_a_503_that_says_so(tmp_path: Path, how: str) -> None:
    chosen = settings(tmp_path / "data", retrievers=broken(CHANNELS, how))
    async with running(chosen) as (client, _):
        await world(client, tmp_path)
        for path, body in ((SEARCH, {"query": QUESTION}), (ASK, {"question": QUESTION})):
            answer = await client.post(path, json=body)
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "no-retriever"


@pytest.mark.anyio
@pytest.mark.parametrize("gone", CHANNELS)
async def test_a_channel_that_is_switched_off_is_no_degradation(tmp_path: Path, gone: str) -> None:
    chosen = settings(tmp_path / "data", retrievers={gone: {"use": "off"}})
    async with running(chosen) as (client, _):
        assert (await post(client, *WORLD))["status"] == "succeeded"
        body = (await client.post(SEARCH, json={"query": QUESTION})).json()
        assert gone not in {entry["component"] for entry in body["degraded"]}
        assert body["results"][0]["document_id"] == "weir"
        seen = {name for hit in body["results"] for name in hit["channels"]}
        assert seen == {"vector", "fulltext", "graph"} - {gone}
        if gone != "graph":
            alone = await client.post(SEARCH, json={"query": QUESTION, "retrievers": ["graph"]})
            assert alone.json()["results"], alone.text


@pytest.mark.anyio
async def test_the_stand_in_for_the_encoder_is_named_in_every_answer(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "data", embedder={"use": "onnx"})
    async with running(chosen) as (client, _):
        await post(client, *WORLD)
        body = (await client.post(SEARCH, json={"query": QUESTION})).json()
        (entry,) = body["degraded"]
        assert entry["component"] == "embedder"
        assert "anabranch models fetch" in entry["reason"]
        ready = (await client.get("/readyz")).json()
        assert ready["status"] == "degraded"
