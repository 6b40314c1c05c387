"""Every operation, asked with every kind of key, of the whole service: 401, then 404, then 403."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.whole import KEY, running, settings

pytestmark = pytest.mark.anyio
OPEN = {"healthz", "readyz"}
HOLDERS = {
    "reader": (["read"], ["default"]),
    "writer": (["read", "write"], ["default"]),
    "scribe": (["write"], ["default"]),
    "meter": (["metrics"], ["default"]),
    "stranger": (["read", "write"], ["other"]),
    "foreign admin": (["admin"], ["other"]),
}
BODIES: dict[str, dict[str, Any]] = {
    "search": {"query": "Who designed the bridge?"},
    "ask": {"question": "Who designed the bridge?"},
    "createChatCompletion": {
        "model": "default",
        "messages": [{"role": "user", "content": "Who designed the bridge?"}],
    },
    "addDocuments": {"documents": [{"id": "new", "text": "A new text."}]},
    "createCollection": {"name": "third"},
    "createApiKey": {"scopes": ["read"], "collections": ["default"]},
    "addSqlSource": {"name": "second", "url": "sqlite:///{folder}/shop.db"},
}
"""What each operation with a JSON body is sent; one that is missing here fails the tests."""


@dataclass
class House:
    """The running service, its keys, and the ids of what stands in `default`."""

    client: httpx.AsyncClient
    folder: str
    operations: dict[str, tuple[str, str, str]]  # method, path, scope
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def send(self, operation: str, key: str | None, **names: str) -> httpx.Response:
        """One valid request, with other names in its path where given."""
        method, path, _ = self.operations[operation]
        given: dict[str, Any] = {}
        if operation in BODIES:
            text = json.dumps(BODIES[operation]).replace("{folder}", self.folder)
            given = {"content": text, "headers": {"content-type": "application/json"}}
        elif operation == "addFiles":
            given = {"files": [("file", ("a.txt", b"A file."))], "headers": {}}
        headers = given.setdefault("headers", {})
        headers["authorization"] = f"Bearer {key}" if key is not None else ""
        return await self.client.request(method, path.format(**{**self.ids, **names}), **given)


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("CREATE TABLE boats (name TEXT, toll INTEGER)")
    async with running(settings(folder / "data")) as (client, _):
        paths = (await client.get("/openapi.json")).json()["paths"]
        operations = {
            operation["operationId"]: (method, path, operation["x-required-scope"])
            for path, methods in paths.items()
            for method, operation in methods.items()
        }
        made = House(client, str(folder), operations, {"admin": KEY})
        await client.post("/v1/collections", json={"name": "other"})
        for name in ("default", "other"):
            documents = [{"id": "d", "text": f"Isaura Venn designed the bridge of {name}."}]
            posted = await client.post(
                f"/v1/collections/{name}/documents?wait=60", json={"documents": documents}
            )
            assert posted.json()["job"]["status"] == "succeeded"
            if name == "default":
                made.ids["job_id"] = posted.json()["job"]["id"]
        source = {"name": "shop", "url": f"sqlite:///{folder}/shop.db"}
        await client.post("/v1/collections/default/sql-sources", json=source)
        asked = await client.post("/v1/collections/default/ask", json={"question": "Who?"})
        made.ids |= {"answer_id": asked.json()["id"], "collection": "default"}
        made.ids |= {"document_id": "d", "name": "shop", "key_id": "key_none"}
        for holder, (scopes, collections) in HOLDERS.items():
            body = {"scopes": scopes, "collections": collections}
            made.keys[holder] = (await client.post("/v1/api-keys", json=body)).json()["key"]
        yield made


def told(response: httpx.Response, *hidden: str) -> tuple[Any, ...]:
    """What a caller can compare: all but the request id, and the names the caller sent itself."""
    text = response.text
    for name in (response.headers["x-request-id"], *hidden):
        text = text.replace(name, "…")
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("x-request-id", "content-length")
    }
    return response.status_code, text, headers


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, fault(response)["code"]


def fault(response: httpx.Response) -> dict[str, Any]:
    """The problem; or the error of a route in OpenAI's shape, with what it says as `detail`."""
    body: dict[str, Any] = response.json()
    if [*body] == ["error"]:
        assert response.headers["content-type"] == "application/json"
        return {**body["error"], "detail": body["error"]["message"]}
    assert response.headers["content-type"] == "application/problem+json", response.text
    return body


def allowed(holder: str, scope: str) -> bool:
    scopes = HOLDERS[holder][0] if holder in HOLDERS else ["admin"]
    return scope in scopes or "admin" in scopes


async def test_every_operation_has_a_row_here(house: House) -> None:
    schemas = (await house.client.get("/openapi.json")).json()["paths"]
    with_body = {
        operation["operationId"]
        for methods in schemas.values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert with_body == {*BODIES, "addFiles"}
    named = {part for _, path, _ in house.operations.values() for part in path.split("{")[1:]}
    assert {part.partition("}")[0] for part in named} <= {*house.ids}
    assert {name for name, (_, _, scope) in house.operations.items() if scope == "none"} == OPEN


async def test_without_a_key_that_is_known_everything_else_is_401(house: House) -> None:
    for operation in {*house.operations} - OPEN:
        for key in (None, "", " "):
            response = await house.send(operation, key)
            assert code(response) == (401, "no-key"), operation
            assert response.headers["www-authenticate"] == "Bearer"
        forms = ("nonsense", KEY[:-1], KEY + "x", KEY.upper(), f"anb_aaaaaaaa_{'A' * 43}")
        for key in (*forms, house.keys["reader"][:-1]):
            response = await house.send(operation, key)
            assert code(response) == (401, "bad-key"), operation
            assert key not in response.text
        # Nothing is said about what the path names.
        there = told(await house.send(operation, "nonsense"), "default")
        nowhere = told(await house.send(operation, "nonsense", collection="nowhere"), "nowhere")
        assert there == nowhere


@pytest.mark.parametrize("holder", ["reader", "writer", "scribe", "meter"])
async def test_a_key_does_what_its_scopes_say_and_no_more(house: House, holder: str) -> None:
    key = house.keys[holder]
    for operation, (method, _, scope) in house.operations.items():
        if scope == "none":
            continue
        names = {"document_id": f"of-{holder}"} if method == "delete" else {}
        if names:
            documents = [{"id": f"of-{holder}", "text": "To be deleted."}]
            path = "/v1/collections/default/documents?wait=60"
            await house.client.post(path, json={"documents": documents})
        response = await house.send(operation, key, **names)
        if not allowed(holder, scope):
            assert code(response) == (403, "missing-scope"), operation
            assert repr(scope) in fault(response)["detail"]
        elif operation == "getAnswerTrace":  # of another key's question
            assert code(response) == (404, "not-found")
        else:
            assert response.status_code < 300, (operation, response.text)


@pytest.mark.parametrize("holder", ["stranger", "foreign admin"])
async def test_what_is_foreign_looks_as_if_it_were_not_there(house: House, holder: str) -> None:
    key = house.keys[holder]
    known = {"collection": "default", **house.ids}
    for operation, (_, path, scope) in house.operations.items():
        for name in ("collection", "job_id", "answer_id"):
            if f"{{{name}}}" not in path:
                continue
            foreign = await house.send(operation, key)
            unknown = await house.send(operation, key, **{name: "nowhere"})
            expected = (404, "not-found")
            if name != "collection" and not allowed(holder, scope):
                expected = (403, "missing-scope")
            assert code(foreign) == expected, operation
            assert told(foreign, known[name]) == told(unknown, "nowhere"), operation
    if holder == "stranger":
        for operation, (_, path, scope) in house.operations.items():
            if scope == "admin" and "{collection}" not in path:
                assert code(await house.send(operation, key)) == (403, "missing-scope")


async def test_a_foreign_model_looks_as_if_it_were_not_there(house: House) -> None:
    seen = []
    for holder, model in (("stranger", "default"), ("stranger", "anabranch"), ("reader", "other")):
        for name in (model, "nowhere"):
            response = await house.client.post(
                "/v1/chat/completions",
                json={**BODIES["createChatCompletion"], "model": name},
                headers={"authorization": f"Bearer {house.keys[holder]}"},
            )
            assert code(response) == (404, "model_not_found")
            seen.append(told(response))
    assert seen == [seen[0]] * len(seen)
    for holder in ("stranger", "foreign admin"):
        models = (await house.send("listModels", house.keys[holder])).json()["data"]
        assert [each["id"] for each in models] == ["other"]


async def test_lists_hold_what_the_key_may_see(house: House) -> None:
    for holder in ("stranger", "foreign admin"):
        key = house.keys[holder]
        listed = (await house.send("listCollections", key)).json()["data"]
        assert [each["name"] for each in listed] == ["other"]
        jobs = (await house.send("listJobs", key)).json()["data"]
        assert len(jobs) == 1
        assert jobs[0]["id"] != house.ids["job_id"]
    hits = (await house.send("search", house.keys["stranger"], collection="other")).json()
    assert [hit["document_id"] for hit in hits["results"]] == ["d"]
    assert "of other" in hits["results"][0]["text"]


async def test_a_cursor_of_another_key_is_refused(house: House) -> None:
    first = await house.client.get("/v1/jobs?limit=1")
    after = {"after": first.json()["next_cursor"]}
    assert (await house.client.get("/v1/jobs", params=after)).status_code == 200
    for holder in ("reader", "stranger"):
        bearer = {"authorization": f"Bearer {house.keys[holder]}"}
        refused = await house.client.get("/v1/jobs", params=after, headers=bearer)
        assert code(refused) == (422, "invalid-request")


async def test_an_administrator_of_one_collection_rules_no_other(house: House) -> None:
    key = house.keys["foreign admin"]
    bearer = {"authorization": f"Bearer {key}"}
    for wanted in (["default"], ["nowhere"], ["*"], ["other", "default"]):
        body = {"scopes": ["read"], "collections": wanted}
        made = await house.client.post("/v1/api-keys", json=body, headers=bearer)
        assert code(made) == (403, "missing-scope")
    for name in ("default", "nowhere"):  # one that exists and one that does not
        made = await house.client.post("/v1/collections", json={"name": name}, headers=bearer)
        assert code(made) == (403, "missing-scope")

    body = {"scopes": ["read"], "collections": ["other"]}
    own = (await house.client.post("/v1/api-keys", json=body, headers=bearer)).json()["id"]
    listed = (await house.client.get("/v1/api-keys", headers=bearer)).json()["data"]
    assert own in {each["id"] for each in listed}
    assert {tuple(each["collections"]) for each in listed} == {("other",)}
    everything = (await house.client.get("/v1/api-keys")).json()["data"]
    foreign = next(each["id"] for each in everything if each["collections"] == ["default"])
    refused = await house.client.delete(f"/v1/api-keys/{foreign}", headers=bearer)
    unknown = await house.client.delete("/v1/api-keys/key_nowhere", headers=bearer)
    assert code(refused) == (404, "not-found")
    assert told(refused, foreign) == told(unknown, "key_nowhere")
    gone = await house.client.delete(f"/v1/api-keys/{own}", headers=bearer)
    assert gone.status_code == 204


async def test_a_key_that_is_revoked_stops_at_once(house: House) -> None:
    made = (await house.client.post("/v1/api-keys", json=BODIES["createApiKey"])).json()
    assert (await house.send("getCollection", made["key"])).status_code == 200
    assert (await house.client.delete(f"/v1/api-keys/{made['id']}")).status_code == 204
    assert code(await house.send("getCollection", made["key"])) == (401, "bad-key")
    assert made["key"] not in (await house.client.get("/v1/api-keys")).text


async def test_details_of_readiness_are_for_those_with_a_key(house: House) -> None:
    without = (await house.send("readyz", None)).json()
    for key in ("nonsense", ""):
        assert (await house.send("readyz", key)).json() == without
    assert all([*entry] == ["status"] for entry in without["components"].values())
    within = (await house.send("readyz", house.keys["reader"])).json()
    assert within["components"]["database"] == {"status": "ok", "detail": "sqlite"}
