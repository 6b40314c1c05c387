"""The application over in-memory services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from edge_services import Services, make_services, serving


@pytest.fixture
async def services() -> Services:
    return await make_services()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[Any]:
    async with serving(services) as made:
        yield made
