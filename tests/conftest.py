"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres import empty_database


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of an empty PostgreSQL database of this run's own."""
    with empty_database() as url:
        yield url
