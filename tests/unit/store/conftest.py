"""Every store test runs on SQLite, and again on PostgreSQL where one listens on loopback."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from postgres import finished
from sqlalchemy import URL
from store_library import Library

from app.store.migrate import migrate
from app.store.session import Database
from app.store.tables import metadata

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.integration)]


async def _migrated(url: str | URL) -> None:
    database = Database(str(url))
    await database.open()
    await migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def postgres_with_schema(postgres: str) -> str:
    finished(_migrated(postgres))
    return postgres


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "anabranch.db"
    finished(_migrated(f"sqlite:///{path}"))
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
        finished(_emptied(address))
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
