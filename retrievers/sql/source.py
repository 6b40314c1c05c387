"""An opened source: its engine, what is known of it, and when that is read again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from retrievers.errors import QueryRefused, RetrieverError
from retrievers.sql.catalogue.reading import ReadingOptions, read
from retrievers.sql.engines.base import Engine, Limits
from retrievers.sql.guard import Guard, Guarded
from retrievers.sql.questions.reader import QuestionReader
from retrievers.sql.schema import Catalogue
from retrievers.types import Rows

RETRY_S = 15.0  # a source that failed is left alone that long
SOONEST_S, LATEST_S = 60.0, 86_400.0
COST = 1 / 300  # share of time that reading a schema again may take


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A database as its owner registered it.

    Attributes:
        url: With its password; never shown.
        tables: The allow-list, `name` or (PostgreSQL) `schema.name`; None for all.
    """

    name: str
    url: str
    tables: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What one reading of the schema gave."""

    catalogue: Catalogue
    guard: Guard
    reader: QuestionReader
    until: float  # monotonic; afterwards it is read again


class Source:
    """One database. Its schema is read once for all who wait, and again in the background.

    Args:
        reader: Makes what understands questions, from a catalogue.
    """

    def __init__(
        self,
        spec: SourceSpec,
        engine: Engine,
        reading: ReadingOptions,
        limits: Limits,
        reader: Callable[[Catalogue], QuestionReader],
    ) -> None:
        self.spec, self.failure = spec, ""
        self._engine, self._reading, self._limits = engine, reading, limits
        self._reader = reader
        self._known: Known | None = None
        self._task: asyncio.Task[Known] | None = None
        self._failed: RetrieverError | None = None
        self._retry = 0.0

    async def known(self) -> Known:
        """The schema; a caller that goes away leaves the reading to the next one.

        Raises:
            QueryRefused: The source lacks its tables.
            RetrieverUnavailable: It cannot be reached or read.
        """
        now = time.monotonic()
        if self._known is not None:
            if now > self._known.until and now > self._retry:
                self._refresh()
            return self._known
        if self._failed is not None and now < self._retry:
            raise self._failed
        return await asyncio.shield(self._refresh())

    async def run(self, statement: Guarded) -> Rows:
        """What a statement finds that this source's guard let through.

        Raises:
            QueryRefused: The database refuses it; its schema is read again.
            RetrieverUnavailable: Too slow, or out of reach.
        """
        known = await self.known()
        try:
            found = await self._engine.fetch(statement, known.catalogue, self._limits)
        except QueryRefused:
            self._refresh()
            raise
        return Rows(self.spec.name, statement.sql, statement.columns, found.rows, found.truncated)

    async def close(self) -> None:
        """Stop reading and let go of the database."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._engine.close()

    def _refresh(self) -> asyncio.Task[Known]:
        if self._task is None:
            self._task = asyncio.create_task(self._read(), name=f"read {self.spec.name}")
            self._task.add_done_callback(self._done)
        return self._task

    def _done(self, task: asyncio.Task[Known]) -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._known, self._failed, self.failure = task.result(), None, ""
            return
        self._retry = time.monotonic() + RETRY_S
        if isinstance(error, RetrieverError):
            self._failed, self.failure = error, str(error)

    async def _read(self) -> Known:
        began = time.monotonic()
        options, tables = self._reading, self.spec.tables
        catalogue = await self._engine.inspect(
            lambda connection: read(connection, self._engine.dialect, tables, options),
            2 * options.seconds,
        )
        if self._known is not None and self._known.catalogue == catalogue:
            guard, reader = self._known.guard, self._known.reader
        else:
            guard, reader = Guard(catalogue, self._limits.rows), self._reader(catalogue)
        now = time.monotonic()
        keep = min(max((now - began) / COST, SOONEST_S), LATEST_S)
        return Known(catalogue, guard, reader, now + keep)
