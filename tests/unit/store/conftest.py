"""Every store test runs on SQLite, and again on PostgreSQL where one listens on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url
from store_library import Library

from app.store.migrate import migrate
from app.store.session import Database
from app.store.tables import metadata

SERVER = make_url("postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("ANABRANCH_TEST_REQUIRE", "").split(",")
KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.integration)]


def _finished(work: Coroutine[Any, Any, None]) -> None:
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


async def _migrated(url: str | URL) -> None:
    database = Database(str(url))
    await database.open()
    await migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of an empty database of this run's own."""
    name = f"anabranch_test_{secrets.token_hex(6)}"
    try:
        _finished(_administer(f"CREATE DATABASE {name}"))
    except OSError as error:
        if "postgres" in REQUIRED:
            pytest.fail(f"ANABRANCH_TEST_REQUIRE names postgres, but it does not answer: {error}")
        pytest.skip(f"no PostgreSQL at {SERVER.host}:{SERVER.port}: {error}")
    try:
        yield SERVER.set(database=name).render_as_string()
    finally:
        _finished(_administer(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgres_with_schema(postgres: str) -> str:
    _finished(_migrated(postgres))
    return postgres


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "anabranch.db"
    _finished(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=KINDS)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database that may be without a schema."""
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres")
        return address
    return f"sqlite:///{tmp_path / 'anabranch.db'}"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database at head without rows."""
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_with_schema")
        _finished(_emptied(address))
        return address
    path = tmp_path / "anabranch.db"
    shutil.copy(request.getfixturevalue("sqlite_with_schema"), path)
    return f"sqlite:///{path}"


async def _emptied(url: str) -> None:
    database = Database(url)
    await database.open()
    async with database.write() as connection:
        for table in reversed(metadata.sorted_tables):  # a TRUNCATE would take ten times as long
            await connection.execute(table.delete())
    await database.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def library(database: Database) -> Library:
    return await Library(database).open()
