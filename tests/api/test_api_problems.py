"""Every error is a problem document, and says what to do."""

from __future__ import annotations

import shutil
from typing import Any

import httpx
import pytest
from edge_services import READER, serving

from app.api.kinds import KINDS

pytestmark = pytest.mark.anyio
SEARCH = "/v1/collections/default/search"
DOCUMENTS = "/v1/collections/default/documents"
JSON = {"content-type": "application/json"}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"/docs/problems/{code}"
    assert body["title"]
    assert body["request_id"] == response.headers["x-request-id"]
    return dict(body)


async def test_an_unknown_route_is_a_problem(client: Any) -> None:
    assert problem(await client.get("/v1/nothing"), 404, "not-found")["instance"] == "/v1/nothing"


async def test_a_wrong_method_names_the_right_one(client: Any) -> None:
    response = await client.put(SEARCH)
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not valid JSON"),
        (b'{"query": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "cannot be read"),
        (b"[1]", "a JSON object is expected"),
        (b'{"query": "x", "quarry": 1}', "/body/quarry: this field is not known here"),
        (b'{"query": "a\\u0000b"}', "NUL character"),
        (b'{"query": "a\\ud800b"}', "lone surrogate"),
        (b'{"query": "a", "\\ud800": 1}', "lone surrogate"),
        (b'{"query": "  "}', "white space"),
        (b'{"query": "x", "top_k": 0}', "/body/top_k"),
        (b'{"query": "x", "top_k": 101}', "/body/top_k"),
        (b'{"query": "x", "top_k": "5"}', "/body/top_k"),
        (b'{"query": "x", "top_k": true}', "/body/top_k"),
        (b'{"query": "x", "retrievers": []}', "/body/retrievers"),
        (b'{"query": "x", "retrievers": ["web"]}', "/body/retrievers/0"),
        (b'{"query": "x", "strategy": "best"}', "/body/strategy"),
    ],
)
async def test_a_malformed_body_is_422_and_says_where(
    client: Any, content: bytes, said: str
) -> None:
    response = await client.post(SEARCH, content=content, headers=JSON)
    assert said in problem(response, 422, "invalid-request")["detail"]


async def test_a_body_of_another_media_type_is_415(client: Any) -> None:
    response = await client.post(SEARCH, content=b"query=x", headers={"content-type": "text/plain"})
    problem(response, 415, "unsupported-media-type")
    response = await client.post("/v1/collections/default/files", json={})
    problem(response, 415, "unsupported-media-type")


async def test_a_body_beyond_the_limit_is_413_even_when_its_length_lies(services: Any) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100

    async with serving(services, limits={"question_bytes": 1000}) as client:
        declared = await client.post(SEARCH, content=b"x" * 2000, headers=JSON)
        problem(declared, 413, "too-large")
        streamed = await client.post(SEARCH, content=chunks(), headers=JSON)
        problem(streamed, 413, "too-large")


async def test_a_question_may_have_8000_characters_and_no_more(client: Any) -> None:
    assert (await client.post(SEARCH, json={"query": "x" * 8000})).status_code == 200
    problem(await client.post(SEARCH, json={"query": "x" * 8001}), 422, "invalid-request")


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        ({"text": ""}, 422, "white space"),
        ({"text": "x", "id": ""}, 422, "/id"),
        ({"text": "x", "id": "y" * 257}, 422, "/id"),
        ({"text": "x", "id": "a\nb"}, 422, "control"),
        ({"text": "x", "id": ".."}, 422, "path"),
        ({"text": "x", "id": "a\ufdd0"}, 422, "noncharacters"),
        ({"text": "x", "metadata": {"a": None}}, 422, "'a'"),
        ({"text": "x", "metadata": {"a": {"b": 1}}}, 422, "'a'"),
        ({"text": "x", "metadata": {"a": [1]}}, 422, "strings only"),
        ({"text": "x", "metadata": {"$title": "y"}}, 422, "no leading `$`"),
        ({"text": "x", "metadata": {"": "y"}}, 422, "1 to 64 characters"),
        ({"text": "x", "metadata": {"k" * 65: "y"}}, 422, "1 to 64 characters"),
        ({"text": "x", "metadata": {"a": "\x00"}}, 422, "NUL"),
        ({"text": "x", "metadata": {"a": "y" * 70_000}}, 413, "METADATA_BYTES"),
        ({"text": "x" * (2 * 1024**2 + 1)}, 413, "TEXT_BYTES"),
        ({"text": "é" * (1024**2 + 1)}, 413, "TEXT_BYTES"),
    ],
)
async def test_unusable_documents_are_refused(
    client: Any, document: dict[str, Any], status: int, said: str
) -> None:
    response = await client.post(DOCUMENTS, json={"documents": [document]})
    code = "too-large" if status == 413 else "invalid-request"
    assert said in problem(response, status, code)["detail"]


async def test_a_number_that_is_none_is_refused_in_metadata(client: Any) -> None:
    content = b'{"documents": [{"text": "x", "metadata": {"n": NaN}}]}'
    response = await client.post(DOCUMENTS, content=content, headers=JSON)
    assert "not finite" in problem(response, 422, "invalid-request")["detail"]


@pytest.mark.parametrize("count", [0, 1001])
async def test_one_to_a_thousand_documents_are_taken(client: Any, count: int) -> None:
    response = await client.post(DOCUMENTS, json={"documents": [{"text": "x"}] * count})
    assert "/body/documents" in problem(response, 422, "invalid-request")["detail"]


async def test_a_thousand_documents_are_taken(client: Any) -> None:
    response = await client.post(DOCUMENTS, json={"documents": [{"text": "x"}] * 1000})
    assert response.status_code == 202


async def test_no_retriever_is_503(client: Any, services: Any) -> None:
    services.search.down = True
    response = await client.post(SEARCH, json={"query": "x"})
    assert "vector: timeout" in problem(response, 503, "no-retriever")["detail"]
    response = await client.post("/v1/collections/default/ask", json={"question": "x"})
    problem(response, 503, "no-retriever")


async def test_storage_that_takes_no_writes_is_503(client: Any, services: Any) -> None:
    services.ingest.broken = True
    response = await client.post(DOCUMENTS, json={"documents": [{"text": "x"}]})
    problem(response, 503, "storage-unavailable")


async def test_an_expected_error_inside_a_task_group_keeps_its_status(
    client: Any, services: Any
) -> None:
    from app.domain.errors import NoEvidence

    async def search(*_: Any) -> None:
        raise ExceptionGroup("group", [ExceptionGroup("inner", [NoEvidence("none")])])

    services.search.search = search
    problem(await client.post(SEARCH, json={"query": "x"}), 503, "no-retriever")


async def test_a_bug_is_500_with_an_empty_detail_and_a_log_entry(
    client: Any, services: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def search(*_: Any) -> None:
        raise ZeroDivisionError("secret inside")

    services.search.search = search
    response = await client.post(SEARCH, json={"query": "x"}, headers={"x-request-id": "abc-1"})
    body = problem(response, 500, "internal")
    assert body["detail"] == ""
    assert body["request_id"] == "abc-1"
    assert "secret inside" not in response.text
    assert any(getattr(r, "fields", {}).get("request_id") == "abc-1" for r in caplog.records)


async def test_a_full_queue_is_429_with_retry_after(services: Any) -> None:
    async with serving(services, limits={"concurrency": 1, "queue": 0}) as client:
        inner = services.search.search

        async def search(*arguments: Any) -> Any:
            again = await client.post(SEARCH, json={"query": "x"})
            assert again.headers["retry-after"] == "2"
            assert problem(again, 429, "overloaded")["retry_after"] == 2
            return await inner(*arguments)

        services.search.search = search
        assert (await client.post(SEARCH, json={"query": "x"})).status_code == 200


async def test_a_key_that_used_up_its_minute_is_429(services: Any) -> None:
    async with serving(services, READER, limits={"rate_per_minute": 2}) as client:
        for _ in range(2):
            assert (await client.get("/v1/collections/default")).status_code == 200
        response = await client.get("/v1/collections/default")
        problem(response, 429, "rate-limited")
        assert 1 <= int(response.headers["retry-after"]) <= 60
    async with serving(services, limits={"rate_per_minute": 2}) as administrator:
        for _ in range(4):
            assert (await administrator.get("/v1/collections/default")).status_code == 200


async def test_a_request_id_that_is_no_identifier_is_replaced(client: Any) -> None:
    response = await client.get("/healthz", headers={"x-request-id": "a b"})
    assert response.headers["x-request-id"] != "a b"


async def test_every_kind_of_problem_has_a_page_without_a_key(services: Any) -> None:
    async with serving(services, None) as client:
        for slug in KINDS:
            page = await client.get(f"/docs/problems/{slug}")
            assert page.status_code == 200
            assert slug in page.text
        problem(await client.get("/docs/problems/none"), 404, "not-found")


async def test_a_nearly_full_disk_takes_no_documents_in_but_deletes(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = {"documents": [{"id": "d", "text": "x"}]}
    assert (await client.post(DOCUMENTS, json=posted)).status_code == 202
    usage = shutil.disk_usage("/")._replace(total=10 * 2**40, free=2**29)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    problem(await client.post(DOCUMENTS, json=posted), 503, "read-only-disk")
    files = await client.post("/v1/collections/default/files", files=[("file", ("a", b"x"))])
    assert "512 MiB" in problem(files, 503, "read-only-disk")["detail"]
    assert (await client.post(SEARCH, json={"query": "x"})).status_code == 200
    assert (await client.delete(f"{DOCUMENTS}/d")).status_code == 204
