"""Who may do what: 401, then 404 for what the key may not see, then 403."""

from __future__ import annotations

from typing import Any

import pytest
from edge_services import ADMIN, READER, STRANGER, WRITER, serving

pytestmark = pytest.mark.anyio
OPEN = {"/healthz", "/readyz", "/docs", "/openapi.json"}
POSTED = {"documents": [{"id": "d", "text": "alpha"}]}


async def operations(client: Any) -> list[tuple[str, str, str]]:
    paths = (await client.get("/openapi.json")).json()["paths"]
    return [
        (method, path, operation["x-required-scope"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


def concrete(path: str, collection: str = "default") -> str:
    return (
        path.replace("{collection}", collection)
        .replace("{document_id}", "d")
        .replace("{job_id}", "job_x")
        .replace("{answer_id}", "ans_x")
        .replace("{key_id}", "key_x")
        .replace("{name}", "shop")
    )


async def test_only_the_open_routes_answer_without_a_key(services: Any) -> None:
    async with serving(services, None) as client:
        for method, path, scope in await operations(client):
            response = await client.request(method, concrete(path))
            if path in OPEN:
                assert scope == "none"
                assert response.status_code == 200
            else:
                assert scope in ("read", "write", "admin")
                assert response.status_code == 401, path
                body = response.json()
                assert body.get("error", body)["code"] == "no-key"  # OpenAI's shape, or a problem
                assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "admin-key"])
async def test_a_header_of_another_form_is_no_key(services: Any, header: str) -> None:
    async with serving(services, None) as client:
        response = await client.get("/v1/collections", headers={"authorization": header})
        assert response.json()["code"] == "no-key"


async def test_an_unknown_key_is_a_bad_key(services: Any) -> None:
    async with serving(services, "nonsense") as client:
        response = await client.get("/v1/collections")
        assert response.status_code == 401
        assert response.json()["code"] == "bad-key"
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_a_body_is_not_read_before_the_key_is_known(services: Any) -> None:
    async with serving(services, None) as client:
        response = await client.post("/v1/collections/default/search", content=b"{")
        assert response.status_code == 401


async def test_a_key_without_the_scope_gets_403_for_what_it_sees(services: Any) -> None:
    async with serving(services, READER) as client:
        for method, path, scope in await operations(client):
            if scope in ("write", "admin"):
                response = await client.request(method, concrete(path))
                assert response.status_code == 403, path
                assert response.json()["code"] == "missing-scope"


def bytes_of(response: Any) -> tuple[int, str]:
    """What the caller can compare, less the request id, which differs each time."""
    return response.status_code, response.text.replace(response.headers["x-request-id"], "")


async def test_a_foreign_collection_looks_like_an_unknown_one(services: Any) -> None:
    async with serving(services, STRANGER) as client:
        for method, path, scope in await operations(client):
            if "{collection}" not in path or scope == "none":
                continue
            foreign = bytes_of(await client.request(method, concrete(path)))
            await services.collections.delete("other")
            unknown = bytes_of(await client.request(method, concrete(path, "other")))
            await services.collections.create("other")
            assert foreign[0] == 404, path
            assert foreign[1] == unknown[1].replace("/other", "/default"), path


async def test_foreign_jobs_and_answers_look_like_unknown_ones(services: Any) -> None:
    async with serving(services, WRITER) as owner:
        await owner.post("/v1/collections/default/documents", json=POSTED)
        job = next(iter(services.jobs.all))
        asked = await owner.post("/v1/collections/default/ask", json={"question": "alpha"})
        answer = asked.json()["id"]
        assert (await owner.get(f"/v1/jobs/{job}")).status_code == 200
        assert (await owner.get(f"/v1/answers/{answer}/trace")).status_code == 200
    async with serving(services, STRANGER) as stranger:
        for path in (f"/v1/jobs/{job}", f"/v1/answers/{answer}", f"/v1/answers/{answer}/trace"):
            foreign = bytes_of(await stranger.get(path))
            unknown_path = path.replace(job, "job_none").replace(answer, "ans_none")
            unknown = bytes_of(await stranger.get(unknown_path))
            assert foreign[0] == 404
            assert foreign[1] == unknown[1].replace("job_none", job).replace("ans_none", answer)
    async with serving(services, READER) as neighbour:
        assert (await neighbour.get(f"/v1/answers/{answer}")).status_code == 200
        assert (await neighbour.get(f"/v1/answers/{answer}/trace")).status_code == 404
    async with serving(services, ADMIN) as admin:
        assert (await admin.get(f"/v1/answers/{answer}/trace")).status_code == 200


async def test_a_key_lists_only_the_collections_it_sees(services: Any) -> None:
    async with serving(services, STRANGER) as client:
        listed = (await client.get("/v1/collections")).json()
        assert [each["name"] for each in listed["data"]] == ["other"]


async def test_a_key_made_here_works_until_it_is_revoked(client: Any) -> None:
    made = await client.post(
        "/v1/api-keys", json={"scopes": ["read"], "collections": ["default"], "note": "n"}
    )
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    bearer = {"authorization": f"Bearer {made.json()['key']}"}
    assert (await client.get("/v1/collections/default", headers=bearer)).status_code == 200
    assert (await client.get("/v1/collections/other", headers=bearer)).status_code == 404
    listed = (await client.get("/v1/api-keys")).json()["data"]
    assert made.json()["id"] in [key["id"] for key in listed]
    assert made.json()["key"] not in str(listed)
    assert (await client.delete(f"/v1/api-keys/{made.json()['id']}")).status_code == 204
    assert (await client.get("/v1/collections/default", headers=bearer)).status_code == 401


async def test_the_last_admin_key_cannot_be_revoked(client: Any) -> None:
    response = await client.delete("/v1/api-keys/key_admin")
    assert response.status_code == 409
