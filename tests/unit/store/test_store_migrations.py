"""The schema's versions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from app.domain.errors import Misconfigured
from app.store.migrate import alembic_config, at_head, migrate, migrations_dir
from app.store.session import Database
from app.store.tables import metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
async def empty(bare_url: str) -> AsyncIterator[Database]:
    database = Database(bare_url)
    await database.open()
    await downgrade(database)
    yield database
    await migrate(database)  # the database may be shared with tests that expect it at head
    await database.close()


async def downgrade(database: Database) -> None:
    def down(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "base")

    async with database.restructure() as connection:
        if await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
            await connection.run_sync(down)


async def names(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_an_empty_database_is_brought_to_head(empty: Database) -> None:
    assert not await at_head(empty)
    await migrate(empty)
    assert await at_head(empty)
    assert {table.name for table in metadata.sorted_tables} < await names(empty)


async def test_migrating_twice_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    await migrate(empty)
    assert await at_head(empty)


async def test_the_migrations_build_what_the_code_expects(empty: Database) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    await migrate(empty)
    async with empty.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_schema_goes_down_and_up_again(empty: Database) -> None:
    await migrate(empty)
    await downgrade(empty)
    assert await names(empty) - {"sqlite_sequence"} <= {"alembic_version"}
    await migrate(empty)
    assert await at_head(empty)


async def test_a_schema_newer_than_the_code_is_refused_and_left_alone(empty: Database) -> None:
    await migrate(empty)
    async with empty.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(Misconfigured, match="9999"):
            await at_head(empty)
        with pytest.raises(Misconfigured, match="newer"):
            await migrate(empty)
    finally:
        async with empty.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


async def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    def break_half_way(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with empty.restructure() as connection:
            await connection.run_sync(break_half_way)
    assert "half" not in await names(empty)


def test_a_damaged_installation_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.store.migrate.__file__", str(tmp_path / "app/store/migrate.py"))
    with pytest.raises(Misconfigured, match="install anabranch again"):
        migrations_dir()


def test_the_revisions_of_a_wheel_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("app/_migrations", "migrations"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "env.py").touch()
    monkeypatch.setattr("app.store.migrate.__file__", str(tmp_path / "app/store/migrate.py"))
    assert migrations_dir() == tmp_path / "app/_migrations"


def test_every_revision_says_when_it_may_be_deployed_and_imports_nothing_of_ours() -> None:
    revisions = sorted((migrations_dir() / "versions").glob("*.py"))
    assert revisions
    for number, path in enumerate(revisions, start=1):
        source = path.read_text()
        assert path.name.startswith(f"{number:04}_"), path.name
        assert re.search(r"^Deploy: (safe )?(before|with|after) the code\.$", source, re.M), path
        assert not re.search(r"^\s*(from|import) (app|retrievers)", source, re.M), path
