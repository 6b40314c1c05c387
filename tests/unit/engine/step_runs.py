"""Runs whose model is the scripted stub."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stub_llm import Script, Stub, Text, stub

from app.engine.budget import Budget
from app.engine.run import Run
from app.generation.endpoint import Endpoint, EndpointOptions
from app.generation.retry import Retries
from app.generation.vllm import ChatModel


async def _no_pause(seconds: float) -> None:
    """Retries are tried at once."""


@asynccontextmanager
async def running(script: Script, budget: Budget | None = None) -> AsyncIterator[tuple[Run, Stub]]:
    """A run whose steps are answered by this script, and the server that records them."""
    tries = Retries(1, 0.1, lambda: 0.5, _no_pause)
    async with stub(script) as server:
        endpoint = Endpoint(server.url, "", EndpointOptions(retries=tries))
        await endpoint.open()
        try:
            yield Run(budget or Budget(), ChatModel(endpoint, "some-model")), server
        finally:
            await endpoint.close()


def says(**members: object) -> Text:
    """A reply of the model: one JSON object."""
    return Text(json.dumps(members))


def steps(server: Stub) -> list[str]:
    """What was asked of the model, in order."""
    return [request.step for request in server.requests]
