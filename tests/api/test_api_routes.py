"""What each route adds to the contract."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from edge_services import READER, THEN, Proven, lfd, serving

from app.domain.hit import Degraded
from app.domain.lfd import Lfd, Probed
from app.engine.run import Generation
from retrievers.filters import Compare
from retrievers.protocol import Health

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
POSTED = {"documents": [{"id": "d", "text": "alpha beta", "metadata": {"lang": "en"}}]}


@pytest.mark.parametrize(
    "document_id", ["a/b", "%2F", "é ü", "a+b?c#d", "..a", "/", "a//b", "'\"<"]
)
async def test_any_id_comes_back_under_its_percent_encoded_path(
    client: Any, document_id: str
) -> None:
    from urllib.parse import quote

    await client.post(f"{HOME}/documents", json={"documents": [{"id": document_id, "text": "x"}]})
    path = f"{HOME}/documents/{quote(document_id, safe='')}"
    assert (await client.get(path)).json()["id"] == document_id
    assert (await client.get(f"{path}/content")).json()["text"] == "x"
    assert (await client.delete(path)).status_code == 204


async def test_a_document_without_an_id_gets_one(client: Any, services: Any) -> None:
    await client.post(f"{HOME}/documents", json={"documents": [{"text": "x"}]})
    assert services.ingest.received[0].id.startswith("doc_")


async def test_the_stored_text_is_exactly_what_was_posted(client: Any) -> None:
    text = "  a\r\n\tb\u00e9\U0001f600 \n"
    await client.post(f"{HOME}/documents", json={"documents": [{"id": "d", "text": text}]})
    found = await client.get(f"{HOME}/documents/d")
    assert found.json()["text"] == text
    assert found.headers["etag"] == '"1"'
    part = await client.get(f"{HOME}/documents/d/content", params={"start": 4, "end": 7})
    assert part.json() == {"text": text[4:7], "start": 4, "end": 7}


async def test_files_become_documents_that_remember_their_names(client: Any, services: Any) -> None:
    files = [("file", ("a.txt", b"alpha")), ("file", ("b.txt", b"beta"))]
    response = await client.post(f"{HOME}/files", files=files)
    assert response.status_code == 202
    assert response.json()["job"]["total"] == 2
    first, second = services.ingest.received
    assert (first.title, first.content) == ("a.txt", b"alpha")
    assert first.id.startswith("doc_")
    assert first.id != second.id


async def test_files_may_bring_their_ids(client: Any, services: Any) -> None:
    files = [("file", ("a.txt", b"alpha")), ("file", ("b.txt", b"beta"))]
    sent = {"id": ["docs/a.txt", "docs/b.txt"]}
    assert (await client.post(f"{HOME}/files", files=files, data=sent)).status_code == 202
    assert [source.id for source in services.ingest.received] == sent["id"]
    short = await client.post(f"{HOME}/files", files=files, data={"id": ["a"]})
    assert "1 ids for 2 files" in short.json()["detail"]
    bad = await client.post(f"{HOME}/files", files=files[:1], data={"id": ["a\x07"]})
    assert bad.json()["errors"][0]["at"] == "/body/id/0"


@pytest.mark.parametrize(
    ("parts", "data", "said"),
    [
        ([("fil", ("a", b"x"))], {}, "send `file`"),
        ([("file", ("a", b"x"))], {"note": "y"}, "send `file`"),
        ([("file", ("a", b"x"))], {"file": "y"}, "no file name"),
    ],
)
async def test_other_form_fields_are_refused(client: Any, parts: Any, data: Any, said: str) -> None:
    response = await client.post(f"{HOME}/files", files=parts, data=data)
    assert response.status_code == 422
    assert said in response.json()["detail"]


async def test_an_empty_form_and_a_broken_form_are_422(client: Any) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for content in (b"--x--\r\n", b"nonsense", b""):
        response = await client.post(f"{HOME}/files", content=content, headers=headers)
        assert response.status_code == 422, content
    headers = {"content-type": "multipart/form-data"}
    response = await client.post(f"{HOME}/files", content=b"x", headers=headers)
    assert response.status_code == 422


async def test_limits_of_files_are_413(services: Any) -> None:
    limits = {"files": 2, "file_bytes": 100, "upload_bytes": 1000}
    async with serving(services, limits=limits) as client:
        for files in (
            [("file", ("a", b"x"))] * 3,
            [("file", ("a", b"x" * 101))],
            [("file", ("a", b"x" * 1001))],
        ):
            response = await client.post(f"{HOME}/files", files=files)
            assert response.status_code == 413
            assert "ANABRANCH_LIMITS__" in response.json()["detail"]


async def test_wait_holds_the_response_until_the_job_has_ended(client: Any, services: Any) -> None:
    services.ingest.leave_queued = True

    async def wait(job_id: str, seconds: float) -> Any:
        assert seconds == 30
        return replace(await services.jobs.get(job_id), status="succeeded", finished_at=THEN)

    services.ingest.wait = wait
    response = await client.post(f"{HOME}/documents?wait=30", json=POSTED)
    assert response.json()["job"]["status"] == "succeeded"


async def test_without_wait_the_job_is_returned_as_it_stands(client: Any, services: Any) -> None:
    services.ingest.leave_queued = True
    response = await client.post(f"{HOME}/documents", json=POSTED)
    job = response.json()["job"]
    assert job["status"] == "queued"
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (await client.get(f"/v1/jobs/{job['id']}?wait=0.01")).json()["status"] == "queued"
    cancelled = await client.post(f"/v1/jobs/{job['id']}:cancel")
    assert cancelled.status_code == 202
    assert cancelled.json()["job"]["status"] == "cancelled"


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
async def test_an_unusable_wait_is_422(client: Any, wait: str) -> None:
    response = await client.post(f"{HOME}/documents?wait={wait}", json=POSTED)
    assert response.status_code == 422
    assert response.json()["errors"][0]["at"] == "/query/wait"


async def test_a_stopping_service_does_not_wait_for_jobs(client: Any, services: Any) -> None:
    services.ingest.leave_queued = True

    async def wait(job_id: str, seconds: float) -> Any:
        client.app.state.lifecycle.drain()
        return await asyncio.Future()  # never

    services.ingest.wait = wait
    response = await client.post(f"{HOME}/documents?wait=60", json=POSTED)
    assert response.json()["job"]["status"] == "queued"


async def test_filters_reach_search_and_ask(client: Any, services: Any) -> None:
    await client.post(f"{HOME}/documents", json=POSTED)
    for filters, count in (({"lang": "en"}, 1), ({"lang": "de"}, 0)):
        found = await client.post(f"{HOME}/search", json={"query": "alpha", "filters": filters})
        assert len(found.json()["results"]) == count
        asked = await client.post(f"{HOME}/ask", json={"question": "alpha", "filters": filters})
        assert asked.json()["status"] == ("answered" if count else "unanswerable")
    assert services.search.asked[-1]["filter"] == Compare("lang", "eq", "de")


async def test_filters_with_an_explicit_sql_channel_are_refused(client: Any) -> None:
    body = {"query": "x", "filters": {"a": 1}, "retrievers": ["vector", "sql"]}
    response = await client.post(f"{HOME}/search", json=body)
    assert response.status_code == 422
    assert response.json()["code"] == "filter-not-applicable"
    body["filters"] = {}
    assert (await client.post(f"{HOME}/search", json=body)).status_code == 200


@pytest.mark.parametrize("state", [None, "absent", "broken", "refused", "unknown"])
async def test_decoding_that_is_required_and_not_there_is_refused(
    client: Any, services: Any, state: Any
) -> None:
    if state:
        services.model, services.lfd = "tiny-writer", lfd(Proven(Probed(state, "why", THEN)))
    body = {"question": "x", "generation": {"lfd": {"required": True}}}
    response = await client.post(f"{HOME}/ask", json=body)
    assert response.status_code == 422
    assert response.json()["code"] == "not-available"
    assert response.json()["errors"][0]["at"] == "/body/generation/lfd/required"
    assert f"{state}: why" if state else "no model server" in response.json()["detail"]
    assert services.ask.asked == []


@pytest.mark.parametrize(
    ("wish", "at", "why"),
    [
        ({"alpha": 2}, "/alpha", "less than or equal to 1"),
        ({"weight": 4.5}, "/weight", "less than or equal to 4"),
        ({"alpha": True}, "/alpha", "valid number"),
        ({"gamma": 1}, "/gamma", "not known"),
        (3, "", "valid boolean"),
        ("on", "", "valid boolean"),
    ],
)
async def test_a_bad_wish_for_decoding_is_named(client: Any, wish: Any, at: str, why: str) -> None:
    body = {"question": "x", "generation": {"lfd": wish}}
    response = await client.post(f"{HOME}/ask", json=body)
    assert response.status_code == 422
    (fault,) = response.json()["errors"]
    assert fault["at"] == f"/body/generation/lfd{at}"
    assert why in fault["why"]


@pytest.mark.parametrize("wish", [True, {}, {"alpha": 0.2, "required": False}])
async def test_decoding_that_is_not_required_is_named_in_degraded(client: Any, wish: Any) -> None:
    body = {"question": "x", "generation": {"lfd": wish}}
    asked = (await client.post(f"{HOME}/ask", json=body)).json()
    assert [item["component"] for item in asked["degraded"]] == ["lfd"]
    assert (await client.get(f"/v1/answers/{asked['id']}")).json() == asked


@pytest.mark.parametrize(
    "wish",
    [
        {"generation": {"temperature": 0.5, "max_tokens": 10.0}},
        {"instructions": "Answer in one sentence."},
    ],
)
async def test_wishes_to_a_model_are_passed_on_or_named_where_there_is_none(
    client: Any, services: Any, wish: dict[str, Any]
) -> None:
    body = {"question": "x", **wish}
    asked = (await client.post(f"{HOME}/ask", json=body)).json()
    assert [item["component"] for item in asked["degraded"]] == ["llm"]
    services.model = "tiny-writer"
    asked = (await client.post(f"{HOME}/ask", json=body)).json()
    assert asked["degraded"] == []


async def test_everything_a_question_brings_reaches_the_engine(client: Any, services: Any) -> None:
    absent = Probed("absent", "it ignores them", THEN)
    services.model, services.lfd = "tiny-writer", lfd(Proven(absent))
    body = {
        "question": "alpha ?",
        "reasoning": "lag",
        "top_k": 3,
        "instructions": "Be brief.",
        "generation": {"max_tokens": 100, "temperature": 0.2, "lfd": True},
        "budget": {"llm_calls": 2, "prompt_tokens": 5, "completion_tokens": 7, "seconds": 1.5},
    }
    asked = (await client.post(f"{HOME}/ask", json=body)).json()
    request = services.ask.asked[-1]
    assert (request.reasoning, request.top_k) == ("lag", 3)
    assert request.limits == body["budget"]
    settled = Lfd(absent, True, False, 0.1, 1.0, 1)
    assert request.generation == Generation(100, 0.2, None, "Be brief.", settled)
    assert asked["degraded"] == [{"component": "lfd", "reason": "absent: it ignores them"}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reasoning", "deep"),
        ("stream", "yes"),
        ("instructions", "x" * 2001),
        ("instructions", "\0"),
        ("budget", {"completion_tokens": -1}),
        ("budget", {"store_queries": 3}),
    ],
)
async def test_unusable_options_of_a_question_are_refused(
    client: Any, field: str, value: Any
) -> None:
    response = await client.post(f"{HOME}/ask", json={"question": "x", field: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["at"].startswith(f"/body/{field}")


async def test_a_sql_source_is_probed_before_it_is_kept(client: Any) -> None:
    path = f"{HOME}/sql-sources"
    url = "postgresql://reader:secret@db.example/shop"
    made = await client.post(path, json={"name": "shop", "url": url, "tables": ["orders"]})
    assert made.status_code == 201
    assert "secret" not in made.text
    assert made.json()["tables"] == ["orders"]
    assert (await client.post(path, json={"name": "shop", "url": url})).status_code == 409
    missing = await client.post(path, json={"name": "gone", "url": "sqlite:///missing.db"})
    assert missing.json()["code"] == "source-unreachable"
    assert "check the path" in missing.json()["detail"]
    assert [source["name"] for source in (await client.get(path)).json()["data"]] == ["shop"]
    assert (await client.get(f"{path}/shop")).status_code == 200
    assert (await client.delete(f"{path}/shop")).status_code == 204
    assert (await client.get(f"{path}/shop")).status_code == 404


async def test_default_cannot_be_deleted(client: Any) -> None:
    assert (await client.delete("/v1/collections/default")).status_code == 409


@pytest.mark.parametrize("name", ["", "Wiki", "-a", "a b", "a" * 64, "a\n", "é"])
async def test_a_collection_has_a_plain_name(client: Any, name: str) -> None:
    assert (await client.post("/v1/collections", json={"name": name})).status_code == 422


async def test_stats_count_what_is_live(client: Any) -> None:
    await client.post(f"{HOME}/documents", json=POSTED)
    stats = (await client.get(f"{HOME}/stats")).json()
    assert stats["documents"] == 1
    assert stats["characters"] == 10


async def test_readiness_follows_the_components(services: Any) -> None:
    async with serving(services, None) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["status"] == "ready"
        services.components["vector"] = Health("down", "index damaged")
        degraded = await client.get("/readyz")
        assert degraded.status_code == 200
        assert degraded.json()["status"] == "degraded"
        assert "detail" not in degraded.json()["components"]["vector"]
        services.components["fulltext"] = Health("down")
        assert (await client.get("/readyz")).status_code == 503
        services.components = {"database": Health("down"), "vector": Health("ok")}
        assert (await client.get("/readyz")).status_code == 503


async def test_details_of_readiness_are_for_holders_of_a_key(services: Any) -> None:
    services.components["vector"] = Health("down", "index damaged")
    async with serving(services) as client:
        vector = (await client.get("/readyz")).json()["components"]["vector"]
        assert vector["detail"] == "index damaged"


async def test_a_draining_service_is_alive_but_not_ready(client: Any) -> None:
    client.app.state.lifecycle.drain()
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 503


async def test_what_the_engine_left_out_is_named(client: Any, services: Any) -> None:
    inner = services.search.search

    async def search(*arguments: Any) -> Any:
        found = await inner(*arguments)
        return replace(found, degraded=(Degraded("graph", "no answer within 1 s"),))

    services.search.search = search
    found = await client.post(f"{HOME}/search", json={"query": "x"})
    assert found.json()["degraded"] == [{"component": "graph", "reason": "no answer within 1 s"}]


async def test_the_access_log_names_no_question(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await client.post(f"{HOME}/search", json={"query": "canary question"})
    lines = [record.fields for record in caplog.records if record.name == "anabranch.access"]
    assert lines[0]["route"] == "/v1/collections/{collection}/search"
    assert lines[0]["status"] == 200
    assert lines[0]["key"] == "key_admin"
    assert "canary" not in str([record.__dict__ for record in caplog.records])


async def pages(client: Any, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        body = (await client.get(path, params=params)).json()
        assert len(body["data"]) <= limit
        found += body["data"]
        if not body["has_more"]:
            assert body["next_cursor"] is None
            return found
        params["after"] = body["next_cursor"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
async def test_pages_of_a_list_hold_each_entry_once(client: Any, limit: int) -> None:
    for name in ("b", "a/1", "c", "d", "e"):
        posted = {"documents": [{"id": name, "text": "x"}]}
        await client.post(f"{HOME}/documents", json=posted)
    documents = await pages(client, f"{HOME}/documents", limit)
    assert [each["id"] for each in documents] == ["a/1", "b", "c", "d", "e"]
    assert "text" not in documents[0]
    jobs = [job["id"] for job in await pages(client, "/v1/jobs", limit)]
    assert len(set(jobs)) == len(jobs) == 5


async def test_a_cursor_of_another_list_or_key_is_422(services: Any) -> None:
    async with serving(services) as client:
        for name in ("a", "b"):
            posted = {"documents": [{"id": name, "text": "x"}]}
            await client.post(f"{HOME}/documents", json=posted)
        first = (await client.get(f"{HOME}/documents?limit=1")).json()["next_cursor"]
        for path in ("/v1/jobs", "/v1/collections/other/documents"):
            refused = await client.get(path, params={"after": first})
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["at"] == "/query/after"
        for forged in ("", "x", "é", first[:-2], "A" * 1000):
            refused = await client.get(f"{HOME}/documents", params={"after": forged})
            assert refused.status_code == 422, forged
    async with serving(services, READER) as other:
        refused = await other.get(f"{HOME}/documents", params={"after": first})
        assert refused.status_code == 422


async def test_a_key_lists_only_jobs_of_the_collections_it_sees(services: Any) -> None:
    async with serving(services) as client:
        await client.post(f"{HOME}/documents", json=POSTED)
        await client.post("/v1/collections/other/documents", json=POSTED)
        assert len((await client.get("/v1/jobs")).json()["data"]) == 2
    async with serving(services, READER) as reader:
        assert len((await reader.get("/v1/jobs")).json()["data"]) == 1


async def test_what_a_job_says_of_itself_is_a_whole_problem(client: Any, services: Any) -> None:
    posted = await client.post(f"{HOME}/documents", json=POSTED)
    job_id = posted.json()["job"]["id"]
    services.jobs.all[job_id] = replace(
        services.jobs.all[job_id],
        status="failed",
        error={"code": "some-documents-failed", "detail": "1 of 1 documents failed"},
        failures=({"document_id": "d", "problem": {"code": "parse_timeout", "detail": "slow"}},),
    )
    job = (await client.get(f"/v1/jobs/{job_id}")).json()
    for problem in (job["error"], job["failures"][0]["problem"]):
        assert set(problem) == {"type", "title", "status", "detail", "instance", "code"}
        assert problem["instance"] == f"/v1/jobs/{job_id}"
        assert (await client.get(problem["type"])).status_code == 200
    assert job["documents"] == {"succeeded": 0, "failed": 1, "unchanged": 0}


async def test_head_is_get_without_a_body(client: Any) -> None:
    """The server leaves the body out; here it is still there."""
    for path in ("/healthz", "/readyz", "/docs", "/v1/collections"):
        assert (await client.head(path)).status_code == 200
    unknown = await client.head("/v1/collections/none")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert (await client.head("/v1/collections/default/search")).status_code == 405


async def test_a_path_with_a_slash_at_its_end_is_another_path(client: Any) -> None:
    response = await client.get("/v1/collections/", headers={"host": "elsewhere.example"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_thousands_of_unknown_fields_are_counted_not_listed(client: Any) -> None:
    many = {f"field{number}": 1 for number in range(50_000)}
    response = await client.post("/v1/collections/default/search", json=many)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"at": "/body", "why": "more than 20 fields are not known here"}
    ]
