"""The log of a running service never holds what it was told: questions, texts, rows, keys."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.observe import configure_logging
from tests.whole import KEY, running, settings

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
WORD, ROW, TITLE, NOTE = "canarytext", "canaryrow", "canarytitle", "canarynote"
ASKED, SECRET, GUESS = "canaryquestion", "canarypassword", "canary-key-that-nobody-has"
CANARIES = (WORD, ROW, TITLE, NOTE, ASKED, SECRET, GUESS, KEY)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """All that the process writes, at the level that says most."""
    said = io.StringIO()
    monkeypatch.setattr("sys.stdout", said)
    configure_logging("debug", "json")
    return said


async def live(client: httpx.AsyncClient, folder: Path) -> list[httpx.Response]:
    """A day of the service: what works, what is refused, what fails."""
    heard: list[httpx.Response] = []

    async def send(method: str, path: str, **given: Any) -> dict[str, Any]:
        response = await client.request(method, path, **given)
        heard.append(response)
        found: dict[str, Any] = response.json() if response.content else {}
        return found

    document = {
        "id": "d",
        "title": TITLE,
        "text": f"The {WORD} was designed by Isaura Venn.",
        "metadata": {"note": NOTE},
    }
    await send("POST", f"{HOME}/documents?wait=60", json={"documents": [document]})
    await send("POST", f"{HOME}/documents", json={"documents": [{**document, "txet": WORD}]})
    await send("POST", f"{HOME}/documents", json={"documents": [{"text": f"{WORD}\x00"}]})
    await send("POST", f"{HOME}/documents", json={"documents": [document, document]})
    await send("POST", f"{HOME}/documents", content=f'{{"{WORD}'.encode())
    files = [
        ("file", (f"{TITLE}.txt", f"A {WORD} in a file.".encode())),
        ("file", (f"{TITLE}.html", f"<script>{WORD}</script>".encode())),
        ("file", (f"{TITLE}.txt", WORD.encode() + bytes(range(128, 256)) * 50)),
    ]
    failed = await send("POST", f"{HOME}/files?wait=60", files=files)
    assert len(failed["job"]["failures"]) == 2
    await send("POST", f"{HOME}/files", files=[("file", (f"{TITLE}.exe", WORD.encode()))])
    await send("POST", f"{HOME}/files", files=[("file", ("a.json", f'{{"{WORD}": '.encode()))])

    shop = {"name": "shop", "url": f"sqlite:///{folder}/shop.db?password={SECRET}"}
    await send("POST", f"{HOME}/sql-sources", json=shop)
    for url in (
        f"postgresql://user:{SECRET}@127.0.0.1:1/shop",
        f"mysql://user:{SECRET}@127.0.0.1:1/shop",
        f"postgresql://user:{SECRET}@127.0.0.1:port/shop",
        f"oracle://user:{SECRET}@127.0.0.1/shop",
        f"{SECRET}",
    ):
        await send("POST", f"{HOME}/sql-sources", json={"name": "none", "url": url})
    await send("GET", f"{HOME}/sql-sources")

    await send("POST", f"{HOME}/search", json={"query": f"{ASKED} {WORD}"})
    await send("POST", f"{HOME}/search", json={"query": f"{ASKED}\x00"})
    await send("POST", f"{HOME}/search", json={"query": "x", "filters": {f"{ASKED} ": 1}})
    rows = await send("POST", f"{HOME}/search", json={"query": "What is the toll of boats?"})
    assert ROW in str(rows)
    asked = await send(
        "POST", f"{HOME}/ask", json={"question": f"Who designed the {WORD}? {ASKED}"}
    )
    assert WORD in str(asked)
    await send("POST", f"{HOME}/ask", json={"question": "What are the names of the boats?"})
    await send("GET", f"/v1/answers/{asked['id']}/trace")
    await send("GET", f"{HOME}/documents/{WORD}")

    made = await send("POST", "/v1/api-keys", json={"scopes": ["read"], "note": NOTE})
    for key in (made["key"], GUESS, f"anb_aaaaaaaa_{GUESS}", KEY + GUESS):
        await send("GET", f"{HOME}/documents/d", headers={"authorization": f"Bearer {key}"})
        await send("DELETE", HOME, headers={"authorization": f"Bearer {key}"})
        await send("GET", f"/v1/jobs?after={key[:20]}", headers={"authorization": key})
    await send("DELETE", f"/v1/api-keys/{made['id']}")
    await send("DELETE", f"{HOME}/documents/d")
    return heard


async def test_no_line_of_the_log_holds_what_the_service_was_told(
    tmp_path: Path, log: io.StringIO
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE boats (name TEXT, toll TEXT)")
        database.execute(f"INSERT INTO boats VALUES ('{ROW}', '{ROW}')")
    async with running(settings(tmp_path / "data")) as (client, _):
        heard = await live(client, tmp_path)
    lines = log.getvalue()
    assert lines.count('"message": "request"') > 30
    for canary in CANARIES:
        assert canary not in lines, next(line for line in lines.split("\n") if canary in line)
    assert "anb_" not in lines
    for response in heard:
        for canary in (SECRET, GUESS, KEY):
            assert canary not in response.text, response.text
    assert sum("anb_" in response.text for response in heard) == 1  # where the key is made
