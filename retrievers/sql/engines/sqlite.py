"""SQLite files, opened read-only, with an authorizer and a deadline inside the engine."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.lane import Lane
from retrievers.sql.engines.base import Fetched, Limits
from retrievers.sql.grammar import SQLITE_FUNCTIONS
from retrievers.sql.guard import Guarded
from retrievers.sql.schema import Catalogue, Dialect
from retrievers.sql.values import take

T = TypeVar("T")

STEPS = 2_000  # virtual machine steps between two looks at the clock: well below a millisecond
LARGEST_VALUE = 1_000_000


class SqliteEngine:
    """One SQLite file.

    Args:
        immutable: The owner says that nobody writes the file: needed where its folder cannot be
            written and the file is in WAL mode.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, lane: Lane, immutable: bool = False) -> None:
        self._path, self._lane, self._immutable = path, lane, immutable

    async def inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        """`work` in a thread, under `seconds`."""
        return await self._lane.run(self._inspect, work, seconds)

    async def fetch(self, statement: Guarded, catalogue: Catalogue, limits: Limits) -> Fetched:
        """Rows, in a thread; a caller that goes away interrupts it."""
        stop = _Stop()
        try:
            return await self._lane.run(self._fetch, statement, catalogue, limits, stop)
        except asyncio.CancelledError:
            stop.asked = True
            raise

    async def close(self) -> None:
        """Connections live as long as a call."""

    def _inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        with self._opened() as raw, _errors():
            _deadline(raw, seconds, _Stop())
            engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
            try:
                with engine.connect() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                said = getattr(error, "orig", None) or type(error).__name__  # not the statement
                raise RetrieverUnavailable(f"{self._path.name} cannot be read: {said}") from error

    def _fetch(
        self, statement: Guarded, catalogue: Catalogue, limits: Limits, stop: _Stop
    ) -> Fetched:
        with self._opened() as raw, _errors():
            inner = frozenset(name.lower() for name in statement.names)
            raw.set_authorizer(_authorizer(catalogue, inner - _tables(raw) if inner else inner))
            _deadline(raw, limits.seconds, stop)
            with closing(raw.execute(statement.sql)) as cursor:
                rows, more = take(cursor, limits.rows, limits.size)
            return Fetched(tuple(rows), more)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.resolve().as_uri()}?mode=ro{'&immutable=1' * self._immutable}"
        try:
            raw = sqlite3.connect(uri, uri=True, timeout=1, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise RetrieverUnavailable(
                f"{self._path.name} cannot be opened read-only: {error}"
            ) from error
        raw.text_factory = _text
        try:
            with _errors(self._path.name):
                raw.execute("PRAGMA query_only=ON")
                raw.execute("PRAGMA trusted_schema=OFF")
                raw.execute("PRAGMA cell_size_check=ON")
                raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
                raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
                raw.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
                raw.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 500)
                raw.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
            yield raw
        finally:
            raw.close()


class _Stop:
    """Asks a statement in another thread to end."""

    asked = False


def _deadline(raw: sqlite3.Connection, seconds: float, stop: _Stop) -> None:
    end = time.monotonic() + seconds
    raw.set_progress_handler(lambda: stop.asked or time.monotonic() > end, STEPS)


def _authorizer(
    catalogue: Catalogue, inner: frozenset[str]
) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """Reads of allowed columns and calls of allowed functions; everything else is denied.

    A read from inside an allowed view carries the view's name and is let through. The name of a
    common table expression arrives as if it were a table; `inner` are those that hide no table.
    """
    columns = {
        table.name.lower(): {column.name.lower() for column in table.columns}
        for table in catalogue.tables.values()
    }
    views = {table.name.lower() for table in catalogue.tables.values() if table.view}

    def judge(
        action: int, first: str | None, second: str | None, _: str | None, view: str | None
    ) -> int:
        good = action == sqlite3.SQLITE_SELECT
        if action == sqlite3.SQLITE_READ:
            table, column = (first or "").lower(), (second or "").lower()
            # An empty column stands for a table of which none is read: COUNT(*).
            good = column in columns.get(table, ()) or (table in columns and not column)
            good = good or table in inner or (view or "").lower() in views
        elif action == sqlite3.SQLITE_FUNCTION:
            good = (second or "").lower() in SQLITE_FUNCTIONS
        return sqlite3.SQLITE_OK if good else sqlite3.SQLITE_DENY

    return judge


def _tables(raw: sqlite3.Connection) -> frozenset[str]:
    found = raw.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    return frozenset(name.lower() for (name,) in found) | {"sqlite_master", "sqlite_schema"}


def _text(value: bytes) -> str:
    """SQLite stores whatever bytes it was given as text."""
    return value.decode("utf-8", "replace")


@contextmanager
def _errors(name: str = "the database") -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "interrupted" in text:
            raise RetrieverUnavailable(f"{name} took too long") from error
        if "unable to open" in text or "locked" in text or "readonly" in text:
            raise RetrieverUnavailable(
                f"{name} cannot be read: {text}; if it is in WAL mode in a folder that cannot be "
                "written and nobody writes it, add ?immutable=1 to its URL"
            ) from error
        raise QueryRefused(f"SQLite refuses the statement: {text}") from error
    except MemoryError as error:
        raise QueryRefused("SQLite refuses the statement: too large") from error
    except (sqlite3.DatabaseError, sqlite3.Warning) as error:
        told = "prohibited" in str(error) or "not authorized" in str(error)
        if told or isinstance(error, sqlite3.DataError | sqlite3.Warning):
            raise QueryRefused(f"SQLite refuses the statement: {error}") from error
        raise RetrieverUnavailable(f"{name} cannot be read: {error}") from error
