"""The one door to the database: SQLite or PostgreSQL, reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.domain.errors import Misconfigured, StorageUnavailable
from app.store.changes import Changes
from app.store.driver import connector
from app.store.faults import translated, unreachable

Dialect = Literal["sqlite", "postgresql"]
_DRIVERS: dict[str, tuple[Dialect, str]] = {
    "sqlite": ("sqlite", "aiosqlite"),
    "postgresql": ("postgresql", "asyncpg"),
    "postgres": ("postgresql", "asyncpg"),
}
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # what was acknowledged survives a power cut
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)


class Database:
    """Connections to the truth. Nothing is opened before `open`.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name` (driver names are added).
        exclusive: Whether this process is the only one that writes. Caches are trusted only then;
            else each call that uses one first asks the database whether it is still right.
        busy_s: How long to wait for another process's lock.
        readers: Connections for reading.

    Raises:
        Misconfigured: The URL is of no known kind.
    """

    def __init__(
        self, url: str, exclusive: bool = True, busy_s: float = 5.0, readers: int = 4
    ) -> None:
        self._url, self.dialect = _parse(url)
        self.exclusive = exclusive
        self.changes = Changes()
        self._busy_s, self._readers = busy_s, readers
        self._reader: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None
        # SQLite has one writer at a time; waiting in line here is fair, its busy handler is not.
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[Any] | None = None

    async def open(self) -> None:
        """Connect once, so that a wrong address is found at start.

        Raises:
            StorageUnavailable: The database cannot be reached or read.
            Misconfigured: The driver is not installed.
        """
        if find_spec(self._url.get_driver_name()) is None:
            raise Misconfigured("PostgreSQL needs its driver: pip install 'anabranch[postgres]'")
        if self.dialect == "sqlite":
            _require_folder(self._url)
            self._writer = self._sqlite(readers=1)
            event.listen(self._writer.sync_engine, "begin", _begin_immediate)
            self._reader = self._sqlite(readers=self._readers)
            event.listen(self._reader.sync_engine, "connect", _forbid_writes)
        else:
            self._writer = create_async_engine(
                self._url,
                pool_size=self._readers * 2,
                max_overflow=0,
                hide_parameters=True,  # an unexpected error is logged, and they hold texts
                pool_timeout=self._busy_s * 2,
                connect_args={
                    "timeout": 10,
                    "server_settings": {
                        "lock_timeout": f"{self._busy_s * 1000:.0f}",
                        # Compiling a plan takes longer than any statement here runs.
                        "jit": "off",
                        # Join in the order written: after a bulk load the planner has no
                        # statistics yet and starts at the wrong end (790 ms instead of 17).
                        "join_collapse_limit": "1",
                    },
                },
            )
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Return all connections."""
        for engine in (self._reader, self._writer):
            if engine is not None:
                await engine.dispose()
        self._reader = self._writer = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs; each statement sees its own snapshot.

        Raises:
            StorageUnavailable: The database cannot be read now.
        """
        async with _connected(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """`read`, but all statements see the same state.

        Raises:
            StorageUnavailable: The database cannot be read now.
        """
        engine = self._reader
        if self.dialect == "postgresql" and self._writer is not None:
            engine = self._writer.execution_options(isolation_level="REPEATABLE READ")
        async with _connected(engine) as connection:
            if self.dialect == "sqlite":
                await connection.exec_driver_sql("BEGIN")
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed and durable on a clean exit, rolled back on an exception.

        Never nested: the second would wait for the first.

        Raises:
            StorageUnavailable: Nothing was written; the text names the fix.
        """
        async with self._line(), _connected(self._writer) as connection:
            transaction = await connection.begin()
            try:
                yield connection
            except BaseException:
                await _settled(transaction.rollback())
                raise
            await _settled(transaction.commit())

    @asynccontextmanager
    async def restructure(self) -> AsyncIterator[AsyncConnection]:
        """`write` for migrations: SQLite checks foreign keys at the end, not at each statement.

        Its way to alter a table is to build another, and dropping the first one with the checks on
        would delete or refuse what points to it.
        """
        if self.dialect != "sqlite":
            async with self.write() as connection:
                yield connection
            return
        engine = self._sqlite(readers=1)
        event.listen(engine.sync_engine, "connect", _without_foreign_keys)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
        try:
            async with self._line(), _connected(engine) as connection, connection.begin():
                yield connection
                broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
                if broken:
                    raise RuntimeError(
                        f"the migration left rows without their parent: {broken[:5]}"
                    )
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        if self._writing is asyncio.current_task():
            raise RuntimeError("a write inside a write would wait for itself")
        async with self._turn:
            self._writing = asyncio.current_task()
            try:
                yield
            finally:
                self._writing = None

    def _sqlite(self, readers: int) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            async_creator=connector(self._url.database or "", self._busy_s),
            pool_size=readers,
            max_overflow=0,
            hide_parameters=True,
            pool_timeout=self._busy_s * 2,
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        return engine


def _parse(url: str) -> tuple[URL, Dialect]:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Misconfigured("the database URL is not a URL; see ANABRANCH_DATABASE_URL") from None
    dialect, driver = _DRIVERS.get(parsed.get_backend_name(), (None, ""))
    if dialect is None:
        raise Misconfigured(
            f"databases of the kind {parsed.get_backend_name()!r} cannot hold the truth; "
            "ANABRANCH_DATABASE_URL takes sqlite:/// and postgresql://"
        )
    if dialect == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise Misconfigured("SQLite needs a file: sqlite:////absolute/path/anabranch.db")
    return parsed.set(drivername=f"{dialect}+{driver}"), dialect


def _require_folder(url: URL) -> None:
    # Asked before SQLite is: its own message names neither the folder nor what is wrong with it.
    folder = Path(url.database or "").parent
    if not folder.is_dir():
        raise StorageUnavailable(f"the folder {folder} does not exist; create it")


@asynccontextmanager
async def _connected(engine: AsyncEngine | None) -> AsyncIterator[AsyncConnection]:
    if engine is None:
        raise RuntimeError("the database is not open")
    with translated():
        try:
            connection = await engine.connect()
        except OSError as error:
            raise unreachable(error) from error
        try:
            yield connection
        finally:
            await _settled(connection.close())


def _prepare(connection: DBAPIConnection, record: object) -> None:
    # Without this the driver opens transactions by itself, as deferred ones: two of those that
    # read before they write get "locked" at once, whatever the timeout.
    cast(Any, connection).isolation_level = None
    try:
        for pragma in _PRAGMAS:
            _set(connection, pragma)
    except BaseException:
        # The pool does not know this connection yet: nobody else would end its thread.
        connection.close()
        raise


def _set(connection: DBAPIConnection, pragma: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _without_foreign_keys(connection: DBAPIConnection, record: object) -> None:
    _set(connection, "foreign_keys=OFF")


def _forbid_writes(connection: DBAPIConnection, record: object) -> None:
    _set(connection, "query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def _settled(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end even if cancelled: nobody may go on while a commit is still undecided."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # seen, so that the loop does not report it
        raise cancelled
    task.result()
