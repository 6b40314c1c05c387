"""Texts, files, questions and tables that nobody writes: found, or refused with their reason."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.flow.test_garbage import ASK, BRIDGE, DOCUMENTS, FILES, HOME, JSON, SEARCH, problem
from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
RANDOM = random.Random(7)
PLAIN = ("alpha", "river", "stone", "lamp", "water", "over", "under", "mill")
CONTROLS = "".join(map(chr, [*range(1, 32), *range(127, 160)]))
ODD = "\u202e\u200b\ufeff\uffff"


def signs(count: int) -> str:
    """Han signs in no order."""
    return "".join(chr(RANDOM.randrange(0x4E00, 0x9FA5)) for _ in range(count))


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings(tmp_path_factory.mktemp("data"))) as (client, _):
        assert (await post(client, BRIDGE))["status"] == "succeeded"
        yield client


@pytest.fixture(autouse=True)
async def still_answering(client: httpx.AsyncClient) -> AsyncIterator[None]:
    yield
    began = time.perf_counter()
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert time.perf_counter() - began < 1
    asked = {"query": "Who designed the Nine Heron Bridge?", "retrievers": ["fulltext"]}
    found = await client.post(SEARCH, json=asked)
    assert found.json()["results"][0]["document_id"] == "bridge"


TEXTS = {
    "one word of a megabyte": ("a" * 1_000_000, "aaaaa"),
    "letters without a space": ("".join(RANDOM.choices("abcdefghij", k=300_000)), None),
    "a megabyte without capitals": (" ".join(RANDOM.choices(PLAIN, k=190_000)), "river stone"),
    "nothing but capitals": ("HERON " * 30_000, "heron"),
    "words of one letter": ("x " * 100_000, "x"),
    "full stops": ("." * 300_000, None),
    "questions of marks": ("?! " * 50_000, None),
    "blank lines": ("x\n\n" * 50_000, "x"),
    "Chinese": ("九鹭桥由伊索拉·文恩设计。它有四个桥墩。" * 2_000, "九鹭桥"),
    "Han signs at random": (signs(20_000), None),
    "Thai": ("ประเทศไทยสวยงาม" * 2_000, "ประเทศไทย"),
    "Arabic": ("مرحبا بالعالم " * 5_000, "مرحبا"),
    "families": ("👨‍👩‍👧‍👦" * 5_000, "👨‍👩‍👧‍👦"),
    "marks on one letter": ("z" + "\u0301" * 100_000 + " zither", "zither"),
    "signs that grow eighteenfold": ("\ufdfa" * 20_000, None),
    "every control character": (f"{CONTROLS} kontrol {CONTROLS}{ODD}", "kontrol"),
    "markup": ("<a>" * 50_000 + "<!--" * 1_000, None),
    "links": ("[a](" * 30_000, None),
    "brackets": ("((((" * 50_000, None),
    "quotes": ('"' * 200_000, None),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
async def test_any_text_is_kept_as_it_is_and_found(client: httpx.AsyncClient, name: str) -> None:
    text, query = TEXTS[name]
    job = await post(client, {"id": name, "text": text})
    assert job["status"] == "succeeded", job
    path = f"{DOCUMENTS}/{quote(name, safe='')}"
    assert (await client.get(path)).json()["text"] == text
    only = {"filters": {"$document_id": name}}
    found = await client.post(SEARCH, json={"query": query or text[:50], **only})
    hit = found.json()["results"][0]
    assert hit["document_id"] == name
    assert text[hit["start"] : hit["end"]] == hit["text"]
    answer = (await client.post(ASK, json={"question": query or text[:50], **only})).json()
    for citation in answer["citations"]:
        assert text[citation["source_start"] : citation["source_end"]] == citation["quote"]
    assert (await client.delete(path)).status_code == 204


QUESTIONS = {
    "stop words": "the of and a to in is it",
    "question words": "who what where when why",
    "punctuation": "?!.,;:-_()[]{}",
    "a quotation mark": '"',
    "a star": "*",
    "an engine's syntax": "body:heron OR title:x AND NOT tenant:other^9 ~5 [a TO b] /re.*/",
    "SQL": "'; DROP TABLE boats; -- SELECT * FROM sqlite_master WHERE \"1\"=`1`",
    "markup": "<script>alert(1)</script><!-- ${jndi:ldap://x}",
    "control characters": CONTROLS + ODD,
    "noncharacters": "\uffff\ufffe\U0010ffff",
    "joiners": "\u200d\u200d",
    "one sign": "桥",
    "a family": "👨‍👩‍👧‍👦",
    "numbers of other scripts": "\u0663\u0664 \U0001d7d9\U0001d7da \u00b2 \u00bd \u2167 \u2460",
    "line ends": "a\nb\r\nc\u2028d",
    **{
        f"8,000 characters of {piece[:9]!r}": (piece * 8_000)[:8_000]
        for piece in (
            "x", "heron ", "Heron Bridge ", "Who ", "U.S. ", "a.", "a-", "a'", '"', '"a', "(", "“",
            "“a«", "桥", "\u0301", "\ufdfa", "9", "1,", "and ", "[a](", "<a ", "@.", "- ",
        )
    },
    "8,000 characters of words": " ".join(f"w{n}" for n in range(2_000))[:8_000],
    "8,000 characters of signs": signs(8_000),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
async def test_any_question_is_answered_in_time(client: httpx.AsyncClient, name: str) -> None:
    question = QUESTIONS[name]
    for path, body in ((SEARCH, {"query": question}), (ASK, {"question": question})):
        began = time.perf_counter()
        response = await client.post(path, json=body)
        assert response.status_code == 200, response.text[:500]
        assert time.perf_counter() - began < 2


async def test_a_question_has_its_limits(client: httpx.AsyncClient) -> None:
    for path, word in ((SEARCH, "query"), (ASK, "question")):
        for text in ("x" * 8_001, "\U0001f3d4" * 8_001, "", " \t\n\u00a0", "a\x00b", "a\ud800b"):
            response = await client.post(path, content=json.dumps({word: text}), headers=JSON)
            said = problem(response, 422, "invalid-request")
            assert said["errors"][0]["at"] == f"/body/{word}"


@pytest.mark.parametrize(
    ("document", "status", "at"),
    [
        ({"text": "a\x00b"}, 422, "/text"),
        ({"text": "a\ud800b"}, 422, "/text"),
        ({"text": " \n\u2003"}, 422, "/text"),
        ({"text": "x", "title": "\udfff"}, 422, "/title"),
        ({"text": "x", "title": "t" * 1_001}, 422, "/title"),
        ({"text": "x", "id": "\ud800"}, 422, "/id"),
        ({"text": "x", "id": "a\x7f"}, 422, "/id"),
        ({"text": "x", "id": "."}, 422, "/id"),
        ({"text": "x", "metadata": {"n": 10**400}}, 422, "/metadata"),
        ({"text": "x", "metadata": {"n": 2**63}}, 422, "/metadata"),
        ({"text": "x", "metadata": {"n": {"deep": 1}}}, 422, "/metadata"),
        ({"text": "x", "metadata": {"l": ["a", "\ud800"]}}, 422, "/metadata"),
        ({"text": "x", "metadata": {"l": ["a", 1]}}, 422, "/metadata"),
        ({"text": "x", "metadata": {f"k{n}": n for n in range(9_000)}}, 413, ""),
        ({"text": "x" * (2 * 2**20 + 1)}, 413, ""),
        ({"text": "x", "txet": "y"}, 422, "/txet"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_of_a_thousand_documents_one_that_is_unusable_refuses_all(
    client: httpx.AsyncClient, document: dict[str, Any], status: int, at: str
) -> None:
    before = (await client.get(f"{HOME}/stats")).json()
    good = [{"id": f"good{n}", "text": f"Otter {n} swims."} for n in range(999)]
    content = json.dumps({"documents": [*good, document]})
    response = await client.post(DOCUMENTS, content=content, headers=JSON)
    assert response.status_code == status, response.text
    assert "/body/documents/999" in response.json()["detail"]
    if at:
        assert response.json()["errors"][0]["at"].startswith(f"/body/documents/999{at}")
    assert (await client.get(f"{HOME}/stats")).json() == before


async def test_an_id_may_stand_once_in_a_request(client: httpx.AsyncClient) -> None:
    twins = {"documents": [{"id": "same", "text": "one"}, {"id": "same", "text": "two"}]}
    said = problem(await client.post(DOCUMENTS, json=twins), 422, "invalid-request")
    assert "'same' occurs twice" in said["detail"]
    assert (await client.get(f"{DOCUMENTS}/same")).status_code == 404


async def test_any_id_that_is_taken_is_found_by_its_path(client: httpx.AsyncClient) -> None:
    ids = [
        "a/b", "a%2Fb", "..a", "a b", "ü", "e\u0301", "a?b", "a#b", "%00", "a\\b", "a:cancel", "💥",
        "a" * 256, "\U0001f4a5" * 256, "a\u202eb", " ", "\u00a0", "content", "a/content", "a//b",
        "/", "//", "%", "%zz", "+", "&=", "\ufeffx", "'\"`;--", "{}", "[]", "default",
    ]  # fmt: skip
    job = await post(client, *({"id": each, "text": f"An id: {each}."} for each in ids))
    assert job["documents"] == {"succeeded": len(ids), "failed": 0, "unchanged": 0}
    for each in ids:
        path = f"{DOCUMENTS}/{quote(each, safe='')}"
        found = await client.get(path)
        assert found.status_code == 200, each
        assert found.json()["id"] == each
        assert (await client.get(f"{path}/content?end=5")).json()["text"] == "An id"
        only = {"query": "An id", "filters": {"$document_id": each}, "retrievers": ["vector"]}
        hits = (await client.post(SEARCH, json=only)).json()["results"]
        assert {hit["document_id"] for hit in hits} == {each}
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


def upload(name: str, content: bytes) -> dict[str, Any]:
    return {"files": [("file", ("good.txt", b"Bronze otters.")), ("file", (name, content))]}


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a.txt", b"", 422, "empty_document"),
        ("a.txt", b" \n\t\r\n", 422, "empty_document"),
        ("a.txt", b"a\x00b", 415, "unsupported-media-type"),
        ("a.txt", b"%PDF-1.7 ...", 415, "unsupported-media-type"),
        ("a.md", b"PK\x03\x04....", 415, "unsupported-media-type"),
        ("a.png", b"\x89PNG\r\n", 415, "unsupported-media-type"),
        ("a.html", b"no markup", 415, "unsupported-media-type"),
        ("a.json", b"{", 422, "malformed_json"),
        ("a.json", b"[" * 100_000, 422, "too_complex"),
        ("a.json", b'{"text": NaN}', 422, "malformed_json"),
        ("a.json", b'{"text": "a\\ud800b"}', 422, "invalid-request"),
        ("a.json", b'{"text": "x", "metadata": {"n": 1e400}}', 422, "invalid-request"),
        ("a.json", b'{"text": "x", "metadata": {"n": 1%s}}' % (b"0" * 400), 422, "invalid-request"),
        ("a.json", b'{"text": "x", "metadata": {"n": "%s"}}' % (b"y" * 70_000), 413, "too-large"),
        ("a.json", b'{"text": "x", "id": ".."}', 422, "invalid-request"),
        ("a.json", b'{"text": "x", "id": "a\\ufdd0"}', 422, "invalid-request"),
        ("a.json", b'{"documents": [{"text": "x"}, {"text": ""}]}', 422, "empty_document"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_file_that_is_unusable_at_sight_refuses_the_upload(
    client: httpx.AsyncClient, name: str, content: bytes, status: int, code: str
) -> None:
    before = (await client.get(f"{HOME}/stats")).json()
    problem(await client.post(FILES, **upload(name, content)), status, code)
    assert (await client.get(f"{HOME}/stats")).json() == before


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.html", b"<script>alert(1)</script>", "empty_document"),
        ("a.html", b"<div>" * 50_000 + b"x", "too_complex"),
        ("a.html", b'<!DOCTYPE x [<!ENTITY a "b">]><p>&a;</p>', "xml_entities_refused"),
        ("a.txt", bytes(range(128, 256)) * 50, "unknown_encoding"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_file_that_turns_out_unusable_fails_alone(
    client: httpx.AsyncClient, name: str, content: bytes, code: str
) -> None:
    response = await client.post(f"{FILES}?wait=60", **upload(name, content))
    job = response.json()["job"]
    assert (job["status"], job["error"]["code"]) == ("failed", "some-documents-failed")
    assert job["documents"] == {"succeeded": 1, "failed": 1, "unchanged": 0}
    (failure,) = job["failures"]
    assert failure["problem"]["code"] == code
    page = await client.get(failure["problem"]["type"])
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"<!---->" * 600 + b"x"),
        ("../../etc/a\x01.txt", b"A path for a name."),
        ("a.txt", "Sm\u00f8rrebr\u00f8d".encode("utf-16")),
        ("a.txt", b"\xef\xbb\xbfMarked."),
        ("a.md", b"# " + b"[" * 100_000 + b"\n\n" + b"`" * 100_000),
        ("a.html", b"<p a='" + b"x" * 1_000_000 + b"'>text</p>"),
        ("a.json", b"[" * 90 + b"1" + b"]" * 90),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_odd_files_are_taken_in_time(
    client: httpx.AsyncClient, name: str, content: bytes
) -> None:
    began = time.perf_counter()
    response = await client.post(f"{FILES}?wait=60", **upload(name, content))
    assert response.json()["job"]["status"] == "succeeded", response.text
    assert time.perf_counter() - began < 10


@pytest.fixture
async def tables(client: httpx.AsyncClient, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database that holds what no other test would dare to put into one."""
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(
            """
            CREATE TABLE boats (name TEXT, toll REAL, built DATE, picture BLOB);
            INSERT INTO boats VALUES ('Marigold', 9e999, '2020-01-01', x'00ff');
            INSERT INTO boats VALUES ('Patience', -9e999, '0000-00-00', zeroblob(3000000));
            INSERT INTO boats VALUES (CAST(x'fffe41' AS TEXT), 3, NULL, 1);
            INSERT INTO boats VALUES (CAST(x'eda080' AS TEXT), 4, '9999-12-31', 1);
            INSERT INTO boats VALUES ('nul' || char(0) || 'boat', 5, '', 1);
            CREATE TABLE "we""ird [t]; drop" ("co""l" TEXT, "a b" INTEGER, "" TEXT, "名前" TEXT);
            INSERT INTO "we""ird [t]; drop" VALUES ('x', 1, 'y', 'z');
            CREATE TABLE "" (a TEXT);
            CREATE TABLE logs (line TEXT);
            INSERT INTO logs VALUES (printf('%.*c', 3000000, 'x'));
            CREATE VIEW broken AS SELECT * FROM missing;
            """
        )
    source = {"name": "odd", "url": f"sqlite:///{path}"}
    response = await client.post(f"{HOME}/sql-sources", json=source)
    assert response.status_code == 201, response.text
    yield source["url"]
    assert (await client.delete(f"{HOME}/sql-sources/odd")).status_code == 204


@pytest.mark.parametrize(
    "question",
    [
        "What is the total toll of the boat Marigold?",
        "What is the toll of Patience?",
        "List the names of all boats",
        "What is the picture of Patience?",
        "Show the line of logs",
        "What is the a b of weird?",
        "How many boats were built in the last 9999 years?",
        "How many boats were built in the last 999999999999 days?",
        "boats with toll over " + "9" * 400,
        "boats built between 0000-00-00 and 9999-12-31",
    ],
)
async def test_odd_tables_are_asked_odd_questions(
    client: httpx.AsyncClient, tables: str, question: str
) -> None:
    for path, word in ((SEARCH, "query"), (ASK, "question")):
        response = await client.post(path, json={word: question})
        assert response.status_code == 200, response.text
        assert "\\u0000" not in response.text


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:////nowhere/none.db", "source-unreachable"),
        (f"sqlite:////tmp/{'a' * 300}.db", "source-unreachable"),
        ("sqlite:////", "source-unreachable"),
        ("sqlite://", "sql-refused"),
        ("sqlite:///file:/etc/hostname?mode=rwc&uri=true", "source-unreachable"),
        ("postgresql://127.0.0.1:99999/x", "sql-refused"),
        ("postgresql://127.0.0.1:port/x", "sql-refused"),
        ("postgresql://127.0.0.1:1/", "sql-refused"),
        ("oracle://127.0.0.1/x", "sql-refused"),
        ("a://", "sql-refused"),
        ("sqlite", "invalid-request"),
        ("sqlite:///a\x00b", "invalid-request"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_database_that_cannot_be_asked_is_not_registered(
    client: httpx.AsyncClient, url: str, code: str
) -> None:
    source = {"name": "none", "url": url}
    said = problem(await client.post(f"{HOME}/sql-sources", json=source), 422, code)
    assert "[SQL:" not in said["detail"]
    assert (await client.get(f"{HOME}/sql-sources/none")).status_code == 404
