"""What the server says of itself."""

from __future__ import annotations

import asyncio
import time

import pytest
from generation_client import PROMPT, SAMPLING, Kept, client, endpoint
from stub_llm import Hang, Status, stub

from app.generation.vllm import ChatModel

pytestmark = pytest.mark.anyio


async def test_a_server_with_our_model_is_ok_and_its_context_is_told() -> None:
    async with stub({}) as server, client(server) as model:
        health = await model.probe()
    assert (health.status, health.detail) == ("ok", f"{server.url} serves some-model, 4096 tokens")
    assert server.requests == []
    assert server.listings[0].path == "/v1/models"
    assert server.listings[0].headers["authorization"] == "Bearer ***"


async def test_a_model_without_a_known_context_is_ok() -> None:
    listing = Status(200, body='{"data": [{"id": "some-model"}]}')
    async with stub({}, models=listing) as server, client(server) as model:
        assert (await model.probe()).detail == f"{server.url} serves some-model"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"data": [{"id": "b"}, {"id": "a"}, 5]}', "does not serve some-model, but a, b"),
        ('{"data": []}', "does not serve some-model, but nothing"),
        ('{"data": 5}', "lists no models"),
        ("[]", "lists no models"),
    ],
)
async def test_another_listing_is_a_degraded_server(body: str, told: str) -> None:
    async with stub({}, models=Status(200, body=body)) as server, client(server) as model:
        health = await model.probe()
    assert health.status == "degraded"
    assert told in health.detail


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        (Status(401, body='{"error": {"message": "wrong key"}}'), "answered 401: wrong key"),
        (Status(503), "answered 503"),
        (Status(307, {"location": "http://127.0.0.1:1/"}), "redirect"),
        (Status(200, body="<html>"), "no JSON"),
    ],
)
async def test_a_server_that_does_not_answer_is_down_after_one_try(
    listing: Status, told: str
) -> None:
    async with stub({}, models=listing) as server, client(server) as model:
        health = await model.probe()
    assert health.status == "down"
    assert told in health.detail
    assert len(server.listings) == 1


async def test_a_server_that_hangs_is_down_in_time() -> None:
    async with stub({}, models=Hang()) as server, client(server) as model:
        began = time.monotonic()
        health = await model.probe(0.1)
        assert time.monotonic() - began < 1
    assert (health.status, health.detail) == ("down", "no answer within 0.1 s")


async def test_a_server_that_is_away_is_down() -> None:
    away = endpoint("http://127.0.0.1:1/v1")
    await away.open()
    assert (await ChatModel(away, "some-model").probe()).status == "down"
    await away.close()


async def test_the_probe_waits_for_no_place() -> None:
    async with stub({"*": [Hang()]}) as server, client(server, concurrency=1) as model:
        task = asyncio.create_task(model.complete("plan", PROMPT, Kept, SAMPLING, 5))
        await server.arrived(1)
        assert (await model.probe(1)).status == "ok"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
