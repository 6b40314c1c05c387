"""Requests that nobody should send: each is refused as documented, and the service goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
SEARCH, ASK, DOCUMENTS, FILES = (
    f"{HOME}/{name}" for name in ("search", "ask", "documents", "files")
)
JSON = {"content-type": "application/json"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
BRIDGE = {"id": "bridge", "text": "The Nine Heron Bridge was designed by Isaura Venn."}
PIECE = b" " * 65_536


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings(tmp_path_factory.mktemp("data"))) as (client, _):
        assert (await post(client, BRIDGE))["status"] == "succeeded"
        yield client


@pytest.fixture(autouse=True)
async def still_answering(client: httpx.AsyncClient) -> AsyncIterator[None]:
    yield
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    found = await client.post(SEARCH, json={"query": "Who designed the Nine Heron Bridge?"})
    assert found.json()["results"][0]["document_id"] == "bridge"


OPENAI_SHAPED = ("/v1/chat/completions", "/v1/models")


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert len(response.content) < 20_000
    return dict(body)


@pytest.mark.parametrize(
    ("path", "limit", "headers"),
    [
        (SEARCH, 2, JSON),
        (ASK, 2, JSON),
        (DOCUMENTS, 32, JSON),
        ("/v1/collections", 2, JSON),
        ("/v1/api-keys", 2, JSON),
        (f"{HOME}/sql-sources", 2, JSON),
    ],
)
async def test_a_body_beyond_its_limit_is_413_and_is_not_read_on(
    client: httpx.AsyncClient, path: str, limit: int, headers: dict[str, str]
) -> None:
    declared = {**headers, "content-length": str(limit * 2**20 + 1)}
    problem(await client.post(path, content=PIECE, headers=declared), 413, "too-large")
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 * 2**20:
            sent += len(PIECE)
            yield PIECE

    said = problem(await client.post(path, content=chunks(), headers=headers), 413, "too-large")
    assert "ANABRANCH_LIMITS__" in said["detail"]
    assert sent <= limit * 2**20 + len(PIECE)


async def test_uploads_have_limits_of_their_own(tmp_path: Path) -> None:
    limits = {"upload_bytes": 300_000, "file_bytes": 100_000, "files": 3}
    async with running(settings(tmp_path, limits=limits)) as (client, _):

        async def upload(*sizes: int) -> httpx.Response:
            files = [
                ("file", (f"{n}.txt", b"heron " * (size // 6))) for n, size in enumerate(sizes)
            ]
            return await client.post(FILES, files=files)

        assert "FILE_BYTES" in problem(await upload(120_000), 413, "too-large")["detail"]
        assert "FILES" in problem(await upload(10, 10, 10, 10), 413, "too-large")["detail"]
        assert "UPLOAD_BYTES" in problem(await upload(150_000, 160_000), 413, "too-large")["detail"]
        assert (await upload(90_000, 90_000, 90_000)).status_code == 202


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\x00",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b'{"query":"x",}',
        b'{"query":"x"}{"query":"y"}',
        b"{'query':'x'}",
        b'{"query":NaN}',
        b'{"query":"x","top_k":1e400}',
        b'{"query":"x","top_k":' + b"9" * 400 + b"}",
        b'{"query":"x","top_k":' + b"9" * 5_000 + b"}",
        b'{"query":"h\xe9ron"}',
        '{"query":"héron"}'.encode("cp500"),
        b"\x1f\x8b\x08\x00" + b"\x00" * 20,
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"query":"x","filters":' + b'{"type":"not","filter":' * 5_000 + b"{}" + b"}" * 5_001,
    ],
    ids=lambda content: repr(content[:30]),
)
@pytest.mark.parametrize("path", [SEARCH, DOCUMENTS, "/v1/collections"])
async def test_what_is_no_json_or_not_the_wanted_one_is_422(
    client: httpx.AsyncClient, path: str, content: bytes
) -> None:
    problem(await client.post(path, content=content, headers=JSON), 422, "invalid-request")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
async def test_json_in_any_unicode_encoding_is_read(
    client: httpx.AsyncClient, encoding: str
) -> None:
    content = json.dumps({"query": "Heron bridge"}).encode(encoding)
    assert (await client.post(SEARCH, content=content, headers=JSON)).status_code == 200


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "/",
        "x" * 9_000,
    ],
)
async def test_json_of_another_name_is_415(client: httpx.AsyncClient, declared: str) -> None:
    headers = {"content-type": declared}
    for path in (SEARCH, DOCUMENTS, "/v1/collections"):
        response = await client.post(path, content=b'{"query":"x"}', headers=headers)
        problem(response, 415, "unsupported-media-type")
    if not declared.startswith("multipart"):
        response = await client.post(FILES, content=b"x", headers=headers)
        problem(response, 415, "unsupported-media-type")


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--y\r\n",
        PART + b"X: " + b"y" * 200_000 + b"\r\n\r\nx\r\n--x--\r\n",
        PART + b"X: y\r\n" * 5_000 + b"\r\nx\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\nx\r\n--x--\r\n',
        PART.replace(b"file", b"files", 1) + b"\r\nx\r\n--x--\r\n",
        PART.replace(b'; filename="a.txt"', b"") + b"\r\nx\r\n--x--\r\n",
        PART
        + b"\r\nx\r\n"
        + b'--x\r\nContent-Disposition: form-data; name="id"\r\n\r\n\r\n--x--\r\n',
    ],
    ids=lambda content: repr(content[-30:]),
)
async def test_a_form_that_is_none_is_422(client: httpx.AsyncClient, content: bytes) -> None:
    problem(await client.post(FILES, content=content, headers=MULTIPART), 422, "invalid-request")


async def test_each_path_names_the_methods_it_has(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        offered = {method.upper() for method in operations}
        others = {"GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "BREW"} - offered
        if path.endswith(":cancel"):
            others.remove("GET")  # of a job whose id ends so
        for method in others:
            response = await client.request(method, path.replace("{collection}", "default"))
            if path in OPENAI_SHAPED:
                told = response.json()["error"]["code"]
                assert (response.status_code, told) == (405, "method-not-allowed"), response.text
            else:
                problem(response, 405, "method-not-allowed")
            assert {*response.headers["allow"].split(", ")} == offered, path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/V1/collections",
        "/v1//collections",
        "/v1/collections/",
        f"{HOME}/",
        f"{HOME}/documents/",
        f"{HOME}/documents/none",
        f"{HOME}/documents/%00",
        f"{HOME}/documents/%FF%FE",
        f"{HOME}/documents/%ED%A0%80",
        f"{HOME}/documents/%F0%9F%92%A5",
        f"{HOME}/documents/" + "a" * 9_000,
        "/v1/collections/DEFAULT",
        "/v1/collections/%00",
        "/v1/collections/default%2f",
        "/v1/collections/" + "a" * 9_000,
        "/v1/jobs/none:cancel",
        "/v1/jobs/%2e%2e",
        "/v1/answers/%0d%0aX-Evil:%201",
        "/docs/assets/..%2f..%2fpages.py",
        "/docs/problems/%3Cscript%3E",
    ],
)
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "query",
    [
        "/v1/jobs?limit=0",
        "/v1/jobs?limit=1e2",
        "/v1/jobs?limit=" + "9" * 400,
        "/v1/jobs?after=",
        "/v1/jobs?after=%00",
        "/v1/jobs?after=%FF%FE",
        "/v1/jobs?after=AAAA",
        "/v1/jobs?after=" + "A" * 3_000,
        "/v1/jobs/none?wait=nan",
        "/v1/jobs/none?wait=inf",
        "/v1/jobs/none?wait=-1",
        f"{HOME}/documents/bridge/content?start=-1",
        f"{HOME}/documents/bridge/content?start=" + "9" * 5_000,
        f"{HOME}/documents/bridge/content?start=%D9%A3",
    ],
)
async def test_parameters_that_are_none_are_422(client: httpx.AsyncClient, query: str) -> None:
    problem(await client.get(query), 422, "invalid-request")


@pytest.mark.parametrize(
    "header",
    [
        ("x-request-id", b"\xff\xfe"),
        ("x-request-id", b"a" * 10_000),
        ("x-request-id", b"a\r"),
        ("traceparent", b"\x00" * 50),
        ("accept", b"application/xml"),
        ("accept-encoding", b"\xff, *;q=x"),
        ("accept-language", b"x" * 10_000),
        ("cookie", b"a=b; " * 5_000),
        ("host", b"\xff<script>"),
        ("if-match", b'"none'),
        ("content-length", b"-1"),
        ("content-length", b"\xb2"),
        ("transfer-encoding", b"gzip, nonsense"),
        ("forwarded", b"for=127.0.0.1;" * 1_000),
    ],
    ids=lambda header: header[0],
)
async def test_headers_of_no_meaning_change_nothing(
    client: httpx.AsyncClient, header: tuple[str, bytes]
) -> None:
    response = await client.get("/v1/collections", headers=[header])
    assert response.status_code == 200
    assert header[1].decode("latin-1") not in response.headers["x-request-id"]


@pytest.mark.parametrize(
    "sent", [b"", b"Bearer", b"Bearer \xff\xfe", b"Bearer " + b"x" * 60_000, b"Basic eDp5", b"\x00"]
)
async def test_a_header_that_holds_no_key_is_401(client: httpx.AsyncClient, sent: bytes) -> None:
    response = await client.get("/v1/collections", headers=[("authorization", sent)])
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "condition",
    [
        [],
        "lang",
        0,
        {"type": "xor", "filters": []},
        {"type": ["eq"], "key": "a", "value": 1},
        {"type": "eq", "key": "a"},
        {"type": "eq", "key": "a", "value": None},
        {"type": "eq", "key": "a b", "value": 1},
        {"type": "eq", "key": "$secret", "value": "x"},
        {"type": "eq", "key": "a", "value": {"a": 1}},
        {"type": "gte", "key": "a", "value": [1]},
        {"type": "exists", "key": "a", "value": "yes"},
        {"type": "eq", "key": "a", "value": 1, "boost": 2},
        {"type": "and", "filters": [{"a": 1}] * 65},
        {"type": "or", "filters": [{f"k{n}": n for n in range(33)}] * 2},
        {"a": "x" * 1_025},
        {"a": ["x"] * 1_001},
        {"a": "x\x00"},
        {"": 1},
        {"\ud800": 1},
    ],
    ids=lambda condition: json.dumps(condition)[:40],
)
async def test_a_filter_that_cannot_be_applied_is_422(
    client: httpx.AsyncClient, condition: object
) -> None:
    for path, word in ((SEARCH, "query"), (ASK, "question")):
        content = json.dumps({word: "Heron", "filters": condition})
        response = await client.post(path, content=content.encode(), headers=JSON)
        assert problem(response, 422, "bad-filter")["errors"][0]["at"].startswith("/body/filters")


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**30, 1.7e308, 5e-324])
async def test_a_filter_may_hold_any_number(client: httpx.AsyncClient, number: float) -> None:
    for condition in ({"n": number}, {"type": "gt", "key": "n", "value": number}, {"n": [number]}):
        response = await client.post(SEARCH, json={"query": "Heron", "filters": condition})
        assert response.status_code == 200, response.text


async def test_unknown_fields_are_named_and_of_thousands_only_the_number(
    client: httpx.AsyncClient,
) -> None:
    for path, known in ((SEARCH, {"query": "x"}), (DOCUMENTS, {"documents": [BRIDGE]})):
        response = await client.post(path, json={**known, "a": 1, "b~/c": 2})
        said = problem(response, 422, "invalid-request")["errors"]
        assert [error["at"] for error in said] == ["/body/a", "/body/b~0~1c"]
        many = {f"field{number}": number for number in range(100_000)}
        problem(await client.post(path, json={**known, **many}), 422, "invalid-request")
    content = {"documents": [{"text": "x", **many}]}
    problem(await client.post(DOCUMENTS, json=content), 422, "invalid-request")
