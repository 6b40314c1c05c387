"""aiosqlite with one trip to the connection's thread for each statement, instead of four.

The trips are most of what a small statement costs. And a cursor that is opened, read and closed in
one go cannot be left behind half read when its caller is cancelled: SQLite keeps the locks of a
connection that is closed over an unfinished statement, and all later writes would wait for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import aiosqlite


class Cursor:
    """As much of a cursor as SQLAlchemy's adapter asks for. All rows are read at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement and fetch what it returns."""
        await self._connection.on_thread(self._run, False, statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run a statement for each set of parameters."""
        await self._connection.on_thread(self._run, True, statement, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        """The rows."""
        return self._rows

    async def close(self) -> None:
        """Nothing is open."""

    def _run(self, many: bool, statement: str, parameters: Sequence[Any]) -> None:
        cursor = self._connection.raw.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(statement, parameters)
            self.description, self.rowcount = cursor.description, cursor.rowcount
            self.lastrowid = cursor.lastrowid
            self._rows = cursor.fetchall() if cursor.description else ()
        finally:
            cursor.close()


class Connection(aiosqlite.Connection):
    """A connection with its thread, whose cursors are read in one trip."""

    @property
    def raw(self) -> sqlite3.Connection:
        """Python's own connection, for use on the thread."""
        return self._conn

    async def on_thread(self, function: Callable[..., None], *args: Any) -> None:
        """Call it on the connection's thread."""
        await self._execute(function, *args)  # type: ignore[no-untyped-call]  # the library has no types

    def cursor(self) -> Cursor:  # type: ignore[override]  # the adapter enters it, no more
        """A cursor; costs nothing."""
        return Cursor(self)


def connector(path: str, timeout_s: float) -> Callable[..., Awaitable[Connection]]:
    """What `create_async_engine` calls as `async_creator`."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=timeout_s, check_same_thread=False)

    async def made(*_: object, **__: object) -> Connection:
        connection = Connection(connect, iter_chunk_size=64)
        connection._thread.daemon = True  # as SQLAlchemy does: an unclosed one must not hang exit
        await connection
        return connection

    return made
