"""schemathesis: no operation answers in a way that its OpenAPI does not document."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import schemathesis
import uvicorn
from edge_services import ADMIN, make_services
from edge_services import settings as make_settings
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.api.docs.openapi import describe
from app.main import create_app
from app.server import Server, Stated, opened

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The application over in-memory services, on a free port of loopback."""
    # Bound here: connections wait in the backlog until the thread accepts them.
    door = socket.create_server(("127.0.0.1", 0))
    servers: list[Server] = []

    async def main() -> None:
        services = await make_services()

        @asynccontextmanager
        async def build(_: Any) -> Any:
            yield services

        app = create_app(make_settings(), build)
        async with opened(app) as state:
            config = uvicorn.Config(
                Stated(app, state), lifespan="off", log_config=None, access_log=False
            )
            servers.append(Server(config))
            await servers[0].serve([door])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}"
    servers[0].should_exit = True
    thread.join(10)


schema = schemathesis.openapi.from_dict(dict(describe(create_app(make_settings()))))


@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Any, url: str) -> None:
    case.call_and_validate(
        base_url=url, headers={"Authorization": f"Bearer {ADMIN}"}, checks=list(CHECKS)
    )
