"""The OpenAPI document says everything about every operation, and the playground needs no CDN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from edge_services import serving, settings

from app.main import create_app

OPEN = {"healthz", "readyz"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    from app.api.docs.openapi import describe

    for path, methods in describe(create_app(settings()))["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = dict(operations())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_scope_identity_summary_and_examples(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]
    assert "x-required-scope" in operation
    if operation["x-required-scope"] == "none":
        assert operation["operationId"] in OPEN
    else:
        assert operation["security"] == [{"bearer": []}]
    if "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            assert content["examples"]
    responses = operation["responses"]
    success = next(code for code in responses if code.startswith("2"))
    if success != "204":
        content = responses[success]["content"]["application/json"]
        assert content["schema"]
        assert "example" in content
    for hundred in ("4XX", "5XX"):
        shaped = "openai" in operation["tags"]
        media_type = "application/json" if shaped else "application/problem+json"
        name = "OpenAIError" if shaped else "Problem"
        problem = responses[hundred]["content"][media_type]
        assert problem["schema"] == {"$ref": f"#/components/schemas/{name}"}
        if hundred == "5XX" or operation["x-required-scope"] != "none":
            assert problem["examples"]


def test_operation_ids_are_distinct() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def test_making_the_application_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("opened before the lifespan")

    import sqlite3

    monkeypatch.setattr(sqlite3, "connect", refuse)
    monkeypatch.setattr("os.mkdir", refuse)
    create_app(settings(data_dir="/nonexistent/data"))


@pytest.mark.anyio
async def test_every_address_in_the_playground_is_of_the_same_origin(services: Any) -> None:
    async with serving(services, None) as client:
        page = await client.get("/docs")
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        assert addresses
        for address in addresses:
            assert address.startswith(("/docs/", "data:"))
            if address.startswith("/"):
                assert (await client.get(address)).status_code == 200
        start = (await client.get("/docs/assets/start.js")).text
        assert "http" not in start
        assert (await client.get("/docs/assets/../pages.py")).status_code == 404


@pytest.mark.anyio
async def test_assets_reach_clients_that_cannot_unpack(services: Any) -> None:
    async with serving(services, None) as client:
        path = "/docs/assets/swagger-ui.css"
        plain = await client.get(path, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        packed = await client.get(path, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content  # httpx unpacks


@pytest.mark.anyio
async def test_the_playground_can_be_switched_off(services: Any) -> None:
    async with serving(services, docs_enabled=False) as client:
        for path in ("/docs", "/openapi.json", "/docs/problems/no-key"):
            assert (await client.get(path)).status_code == 404
