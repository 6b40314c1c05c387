"""The whole service in this process: real stores, real indexes, the hashing encoder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.main import create_app
from app.server import Stated, opened
from app.settings import Settings
from app.wiring import Services

KEY = "a-key-for-tests-of-32-characters"


def settings(folder: Path, **given: Any) -> Settings:
    """Settings of a service in `folder` that needs no weights."""
    return Settings(
        _env_file=None,
        data_dir=folder,
        api_keys=(KEY,),
        **{"embedder": {"use": "hashing"}, **given},
    )


@asynccontextmanager
async def running(chosen: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    """The open service, and a client with its key."""
    app = create_app(chosen)
    async with opened(app) as state:
        transport = httpx.ASGITransport(Stated(app, state))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers, timeout=60
        ) as client:
            yield client, state["edge"].services


async def post(client: httpx.AsyncClient, *documents: dict[str, Any]) -> dict[str, Any]:
    """Post documents to `default` and return the job once it has ended."""
    answer = await client.post(
        "/v1/collections/default/documents?wait=60", json={"documents": list(documents)}
    )
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()["job"]
    return job
