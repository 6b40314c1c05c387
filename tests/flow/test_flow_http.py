"""The contract over HTTP with all real parts: FAISS, Tantivy, graph, tables; each kind of truth."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgres import empty_database

from app.main import create_app
from app.server import Stated, opened
from app.settings import Settings

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
KEY = "a-key-for-this-test-only"
BRIDGE = "The Nine Heron Bridge was designed by Isaura Venn. It has four piers."
VENN = "Isaura Venn was the daughter of Tobias Venn, a clockmaker in Callowby."


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def truth(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a new database; empty for the default one in the data directory."""
    if request.param == "sqlite":
        yield ""
        return
    with empty_database() as url:
        yield url


@asynccontextmanager
async def service(folder: Path, truth: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        database_url=truth,
        api_keys=KEY,
        embedder={"use": "hashing"},
    )
    app = create_app(settings)
    async with opened(app) as state:
        transport = httpx.ASGITransport(Stated(app, state))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers, timeout=60
        ) as client:
            yield client


async def put(client: httpx.AsyncClient, *documents: dict[str, Any]) -> dict[str, Any]:
    posted = await client.post(
        f"{HOME}/documents", json={"documents": list(documents)}, params={"wait": 60}
    )
    assert posted.status_code == 202, posted.text
    job: dict[str, Any] = posted.json()["job"]
    assert job["status"] == "succeeded", job
    return job


async def search(client: httpx.AsyncClient, query: str, **given: Any) -> list[dict[str, Any]]:
    found = await client.post(f"{HOME}/search", json={"query": query, **given})
    assert found.status_code == 200, found.text
    hits: list[dict[str, Any]] = found.json()["results"]
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    return hits


async def test_a_document_is_found_by_every_channel_cited_replaced_and_deleted(
    tmp_path: Path, truth: str
) -> None:
    async with service(tmp_path, truth) as client:
        bridge = {"id": "b/1", "title": "Bridge", "text": BRIDGE, "metadata": {"n": 1}}
        job = await put(client, bridge, {"id": "v", "title": "Isaura Venn", "text": VENN})
        assert (job["done"], job["total"]) == (2, 2)
        for channel in ("vector", "fulltext", "graph"):
            hits = await search(client, "Nine Heron Bridge", retrievers=[channel])
            if channel != "graph":
                assert hits[0]["document_id"] == "b/1", channel
                assert set(hits[0]["channels"]) == {channel}
                assert hits[0]["text"] == BRIDGE[hits[0]["start"] : hits[0]["end"]]
        both = await search(client, "Who designed the Nine Heron Bridge?", top_k=2)
        assert len({hit["chunk_id"] for hit in both}) == len(both)
        assert both == await search(client, "Who designed the Nine Heron Bridge?", top_k=2)
        filtered = await search(client, "Nine Heron Bridge", filters={"n": 1})
        assert {hit["document_id"] for hit in filtered} == {"b/1"}

        question = {"question": "Who designed the Nine Heron Bridge?"}
        answer = (await client.post(f"{HOME}/ask", json=question)).json()
        assert answer["status"] == "answered"
        assert answer["citations"]
        texts = {"b/1": BRIDGE, "v": VENN}
        for citation in answer["citations"]:
            stored = texts[citation["document_id"]]
            assert stored[citation["source_start"] : citation["source_end"]] == citation["quote"]
        assert (await client.get(f"/v1/answers/{answer['id']}")).json() == answer
        assert (await client.get(f"/v1/answers/{answer['id']}/trace")).status_code == 200

        assert (await put(client, bridge))["documents"]["unchanged"] == 1
        await put(client, {**bridge, "text": "The Eel Weir was built by Orla Finch."})
        texts = [hit["text"] for hit in await search(client, "Nine Heron Bridge")]
        assert BRIDGE not in texts
        assert (await client.get(f"{HOME}/documents/b%2F1")).json()["version"] == 2
        assert (await client.delete(f"{HOME}/documents/b%2F1")).status_code == 204
        assert (await client.get(f"{HOME}/documents/b%2F1")).status_code == 404
        left = await search(client, "Eel Weir Orla Finch")
        assert {hit["document_id"] for hit in left} <= {"v"}


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path, truth: str) -> None:
    async with service(tmp_path, truth) as client:
        await put(client, {"id": "b", "text": BRIDGE})
        answer = (await client.post(f"{HOME}/ask", json={"question": "Who?"})).json()
        before = await search(client, "Nine Heron Bridge")
    async with service(tmp_path, truth) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert await search(client, "Nine Heron Bridge") == before
        assert (await client.get(f"/v1/answers/{answer['id']}")).json() == answer


async def test_files_of_many_kinds_become_documents(tmp_path: Path, truth: str) -> None:
    files = [
        ("file", ("heron.md", b"# Herons\n\nNine bronze herons stand on the railings.")),
        ("file", ("eels.html", b"<h1>Eels</h1><p>Young eels climb the wet wall.</p>")),
        ("file", ("note.txt", "The mill smells of flour \u00e9.".encode())),
    ]
    async with service(tmp_path, truth) as client:
        sent = await client.post(
            f"{HOME}/files", files=files, data={"id": ["h", "e", "n"]}, params={"wait": 60}
        )
        assert sent.json()["job"]["status"] == "succeeded", sent.text
        for query, document in (("bronze herons", "h"), ("young eels", "e"), ("flour", "n")):
            hit = (await search(client, query, top_k=1))[0]
            stored = (await client.get(f"{HOME}/documents/{document}")).json()
            assert hit["document_id"] == document
            assert stored["text"][hit["start"] : hit["end"]] == hit["text"]


async def test_an_sql_source_answers_and_its_table_list_is_kept(tmp_path: Path, truth: str) -> None:
    database = tmp_path / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "CREATE TABLE boats (name TEXT, toll INTEGER); CREATE TABLE hidden (secret TEXT);"
            "INSERT INTO boats VALUES ('Marigold', 40), ('Marigold', 54), ('Patience', 7);"
            "INSERT INTO hidden VALUES ('canary');"
        )
    async with service(tmp_path / "data", truth) as client:
        body = {"name": "shop", "url": f"sqlite:///{database}", "tables": ["boats"]}
        assert (await client.post(f"{HOME}/sql-sources", json=body)).status_code == 201
        hits = await search(client, "What is the total toll of the boat Marigold?")
        rows = next(hit for hit in hits if hit["sql"])
        assert rows["document_id"] is None
        assert rows["sql"]["rows"] == [[94]]
        for hit in await search(client, "What is the secret in hidden?"):
            assert "canary" not in str(hit)
        missing = {"name": "gone", "url": f"sqlite:///{tmp_path}/none.db"}
        refused = await client.post(f"{HOME}/sql-sources", json=missing)
        assert refused.status_code == 422
        own = {"name": "own", "url": truth or f"sqlite:///{tmp_path}/data/anabranch.db"}
        assert (await client.post(f"{HOME}/sql-sources", json=own)).status_code == 422


async def test_a_collection_comes_and_goes_with_all_it_holds(tmp_path: Path, truth: str) -> None:
    async with service(tmp_path, truth) as client:
        assert (await client.post("/v1/collections", json={"name": "w"})).status_code == 201
        posted = await client.post(
            "/v1/collections/w/documents?wait=60", json={"documents": [{"id": "d", "text": BRIDGE}]}
        )
        job = posted.json()["job"]["id"]
        assert (await client.delete("/v1/collections/w")).status_code == 204
        for path in ("/v1/collections/w", "/v1/collections/w/documents/d", f"/v1/jobs/{job}"):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/v1/collections", json={"name": "w"})).status_code == 201
        again = await client.post("/v1/collections/w/search", json={"query": "Nine Heron Bridge"})
        assert again.json()["results"] == []


async def test_an_empty_collection_answers_without_inventing(tmp_path: Path, truth: str) -> None:
    async with service(tmp_path, truth) as client:
        assert await search(client, "anything at all") == []
        asked = (await client.post(f"{HOME}/ask", json={"question": "What is this?"})).json()
        assert asked["status"] == "unanswerable"
        assert asked["citations"] == []
