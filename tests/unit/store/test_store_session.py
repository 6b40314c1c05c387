"""Transactions, and what becomes of them when something breaks."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.domain.errors import Misconfigured, StorageUnavailable
from app.store.faults import translated
from app.store.session import Database
from app.store.tables import collections

pytestmark = pytest.mark.anyio

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_ROW = {
    "name": "wiki",
    "description": "",
    "language": "en",
    "embedder": "",
    "revision": 0,
    "created_at": EPOCH,
}


async def add(database: Database, name: str) -> None:
    async with database.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO collections (name, description, language, embedder, revision, "
                "created_at) VALUES (:name, '', 'en', '', 0, 0)"
            ),
            {"name": name},
        )


async def count(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(collections)) or 0


async def test_a_clean_exit_commits(database: Database) -> None:
    await add(database, "wiki")
    assert await count(database) == 1


async def test_an_exception_rolls_everything_back_and_passes(database: Database) -> None:
    async def fail_half_way() -> None:
        async with database.write() as connection:
            await connection.execute(insert(collections), A_ROW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    assert await count(database) == 0


async def test_a_violated_constraint_passes_as_it_is_and_the_next_write_works(
    database: Database,
) -> None:
    await add(database, "wiki")
    with pytest.raises(IntegrityError):
        await add(database, "wiki")
    await add(database, "other")
    assert await count(database) == 2


async def test_readers_go_on_beside_a_writer_and_see_only_what_is_committed(
    database: Database,
) -> None:
    async with database.write() as connection:
        await connection.execute(insert(collections), A_ROW)
        assert await count(database) == 0
    assert await count(database) == 1


async def test_a_snapshot_does_not_move(database: Database) -> None:
    counted = select(func.count()).select_from(collections)
    async with database.snapshot() as connection:
        assert await connection.scalar(counted) == 0
        await add(database, "wiki")
        assert await connection.scalar(counted) == 0
    assert await count(database) == 1


async def test_writers_take_turns(database: Database) -> None:
    await asyncio.gather(*(add(database, f"c{number}") for number in range(20)))
    assert await count(database) == 20


async def test_a_cancelled_writer_leaves_nothing_and_lets_the_next_one_in(
    database: Database,
) -> None:
    inside = asyncio.Event()

    async def write_and_hang() -> None:
        async with database.write() as connection:
            await connection.execute(insert(collections), A_ROW)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database) == 0
    await add(database, "wiki")
    assert await count(database) == 1


async def test_cancelling_at_any_moment_leaves_all_or_nothing(database: Database) -> None:
    async def write_two(number: int) -> None:
        async with database.write() as connection:
            for name in (f"a{number}", f"b{number}"):
                await connection.execute(insert(collections), {**A_ROW, "name": name})

    for number in range(30):
        task = asyncio.create_task(write_two(number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await count(database) % 2 == 0
    await add(database, "wiki")
    assert await count(database) % 2 == 1


class TestOnlySqlite:
    @pytest.fixture
    def path(self, tmp_path: Path, sqlite_with_schema: Path) -> Path:
        path = tmp_path / "anabranch.db"
        path.write_bytes(sqlite_with_schema.read_bytes())
        return path

    @pytest.fixture
    async def database(self, path: Path):
        database = Database(f"sqlite:///{path}", busy_s=0.05)
        await database.open()
        yield database
        await database.close()

    async def test_what_is_acknowledged_survives_a_power_cut(self, database: Database) -> None:
        async with database.write() as connection:
            for pragma, value in {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "busy_timeout": 50,
            }.items():
                assert await connection.scalar(text(f"PRAGMA {pragma}")) == value

    async def test_a_write_inside_a_write_is_refused_instead_of_hanging(
        self, database: Database
    ) -> None:
        with pytest.raises(RuntimeError, match="wait for itself"):
            async with database.write():
                await add(database, "wiki")
        await add(database, "wiki")

    async def test_a_reader_cannot_write(self, database: Database) -> None:
        with pytest.raises(StorageUnavailable):
            async with database.read() as connection:
                await connection.execute(text("DELETE FROM collections"))

    async def test_another_process_that_holds_the_lock_is_named_and_waited_out(
        self, database: Database, path: Path
    ) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="another process"):
            await add(database, "wiki")
        assert await count(database) == 0
        other.execute("ROLLBACK")
        other.close()
        await add(database, "wiki")
        assert await count(database) == 1

    async def test_a_full_disk_is_named_and_survived(self, database: Database) -> None:
        async with database.write() as connection:
            pages = await connection.scalar(text("PRAGMA page_count"))
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(StorageUnavailable, match="disk is full; free space"):
            await add(database, "x" * 1_000_000)
        assert await count(database) == 0
        async with database.write() as connection:
            await connection.execute(text("PRAGMA max_page_count = 1073741823"))
        await add(database, "wiki")
        assert await count(database) == 1

    async def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.db"
        path.write_bytes(b"this is no database, whatever its name says" * 100)
        database = Database(f"sqlite:///{path}")
        with pytest.raises(StorageUnavailable, match="not one of SQLite"):
            await database.open()
        await database.close()

    async def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path}/absent/anabranch.db")
        with pytest.raises(StorageUnavailable, match="absent does not exist"):
            await database.open()
        await database.close()


@pytest.mark.integration
class TestOnlyPostgres:
    @pytest.fixture
    async def database(self, postgres_with_schema: str):
        database = Database(postgres_with_schema, busy_s=0.05)
        await database.open()
        async with database.write() as connection:
            await connection.execute(text("TRUNCATE collections CASCADE"))
        yield database
        await database.close()

    async def test_a_lost_connection_costs_one_call(self, database: Database) -> None:
        end = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        async def write_while_cut_off() -> None:
            async with database.write() as doomed:
                await doomed.execute(insert(collections), A_ROW)
                async with database.read() as connection:
                    await connection.execute(end)
                await doomed.execute(text("SELECT 1"))

        with pytest.raises(StorageUnavailable, match="send the request again"):
            await write_while_cut_off()
        assert await count(database) == 0
        await add(database, "wiki")
        assert await count(database) == 1

    async def test_connections_that_were_cut_while_idle_cost_at_most_one_call_each(
        self, database: Database
    ) -> None:
        await asyncio.gather(*(count(database) for _ in range(4)))
        async with database.write() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        for _ in range(8):
            try:
                await add(database, "wiki")
            except StorageUnavailable:
                continue
            break
        assert await count(database) == 1

    async def test_a_lock_held_for_too_long_is_named(self, database: Database) -> None:
        await add(database, "wiki")
        async with database.write() as connection:
            await connection.execute(text("UPDATE collections SET description = 'held'"))
            with pytest.raises(StorageUnavailable, match="holds a lock for too long"):
                async with database.write() as second:
                    await second.execute(text("UPDATE collections SET description = 'late'"))

    async def test_a_server_that_is_away_is_named(self) -> None:
        pytest.importorskip("asyncpg")
        database = Database("postgresql://postgres@127.0.0.1:1/nothing")
        with pytest.raises(StorageUnavailable, match="ANABRANCH_DATABASE_URL"):
            await database.open()
        await database.close()

    async def test_a_database_that_is_not_there_is_named(self, postgres: str) -> None:
        database = Database(f"{postgres}_absent")
        with pytest.raises(StorageUnavailable, match="createdb"):
            await database.open()
        await database.close()


async def test_a_statement_that_is_wrong_is_a_bug_and_passes_as_it_is(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.read() as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))


async def test_readers_that_wait_for_too_long_are_told(url: str) -> None:
    database = Database(url, busy_s=0.01, readers=1)
    await database.open()
    async with AsyncExitStack() as stack:
        for _ in range(1 if database.dialect == "sqlite" else 2):
            await stack.enter_async_context(database.read())
        with pytest.raises(StorageUnavailable, match="connections are busy"):
            await count(database)
    assert await count(database) == 0
    await database.close()


def test_a_socket_that_breaks_is_named() -> None:
    with pytest.raises(StorageUnavailable, match="was lost"), translated():
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root@localhost/x", "mysql"),
        ("sqlite://", "file"),
        ("sqlite:///:memory:", "file"),
        ("nonsense", "not a URL"),
        ("oracle+cx://x", "oracle"),
    ],
)
def test_a_database_that_cannot_hold_the_truth_is_refused(url: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        Database(url)


async def test_a_database_that_is_not_open_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await add(Database(f"sqlite:///{tmp_path}/anabranch.db"), "wiki")
