"""An empty PostgreSQL database for tests that are marked `integration`."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import make_url

SERVER = make_url("postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("ANABRANCH_TEST_REQUIRE", "").split(",")


def finished(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end."""
    # On a thread of its own: the fixture may be asked for inside a running loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _administer(statement: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    connection = await asyncpg.connect(SERVER.render_as_string(), timeout=3)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def empty_database() -> Iterator[str]:
    """URL of a database of its own, dropped afterwards; skips where no server answers."""
    name = f"anabranch_test_{secrets.token_hex(6)}"
    try:
        finished(_administer(f"CREATE DATABASE {name}"))
    except OSError as error:
        if "postgres" in REQUIRED:
            pytest.fail(f"ANABRANCH_TEST_REQUIRE names postgres, but it does not answer: {error}")
        pytest.skip(f"no PostgreSQL at {SERVER.host}:{SERVER.port}: {error}")
    try:
        yield SERVER.set(database=name).render_as_string()
    finally:
        finished(_administer(f"DROP DATABASE {name} WITH (FORCE)"))
