"""What every test may use."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from postgres import empty_database


@pytest.fixture(autouse=True)
def logged_as_before() -> Iterator[None]:
    """Commands send the log to the standard output of their test, which is closed after it."""
    loggers = [logging.getLogger(name) for name in ("", "anabranch", "httpx", "alembic", "faiss")]
    before = [(each, each.level, list(each.handlers)) for each in loggers]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of an empty PostgreSQL database of this run's own."""
    with empty_database() as url:
        yield url
