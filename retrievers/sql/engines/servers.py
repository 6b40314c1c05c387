"""What PostgreSQL's and MariaDB's engines share: a small pool, and whose fault an error is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from retrievers.errors import RetrieverUnavailable

T = TypeVar("T")

POOL = 2
SPARE_S = 0.5
"""How much longer the client waits than the server was told to work."""


class Server:
    """Connections to one database server; the first use opens them.

    Args:
        settle: Statements for a connection before the schema is read with it.
    """

    def __init__(
        self, url: URL, extra: str, arguments: Mapping[str, Any], settle: tuple[str, ...]
    ) -> None:
        self._url, self._extra, self._arguments = url, extra, dict(arguments)
        self._settle = settle
        self._engine: AsyncEngine | None = None
        self.name = f"{url.host or 'localhost'}/{url.database or ''}"

    @asynccontextmanager
    async def connection(self, seconds: float) -> AsyncIterator[AsyncConnection]:
        """A pooled connection; it is thrown away when its user did not finish in order.

        Raises:
            RetrieverUnavailable: No connection, or the work took longer than `seconds`.
        """
        try:
            async with asyncio.timeout(seconds + SPARE_S):
                connection = await self._open().connect()
                try:
                    yield connection
                except BaseException:
                    await connection.invalidate()
                    raise
                finally:
                    await connection.close()
        except TimeoutError as error:
            raise RetrieverUnavailable(f"{self.name} took too long") from error
        except (OSError, SQLAlchemyError, UnicodeError) as error:  # the last: no host is named so
            raise RetrieverUnavailable(f"{self.name} cannot be read: {brief(error)}") from error

    async def inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        """`work` over a connection that may only read."""
        async with self.connection(seconds) as connection:
            for statement in self._settle:
                await connection.exec_driver_sql(statement)
            found = await connection.run_sync(work)
            await connection.rollback()
            return found

    async def close(self) -> None:
        """Close the pool."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    def _open(self) -> AsyncEngine:
        if self._engine is None:
            try:
                self._engine = create_async_engine(
                    self._url,
                    pool_size=POOL,
                    max_overflow=POOL,
                    pool_pre_ping=True,
                    pool_recycle=300,
                    connect_args=self._arguments,
                    hide_parameters=True,
                )
            except ImportError as error:
                raise RetrieverUnavailable(
                    f"this source needs a driver: pip install 'anabranch[{self._extra}]'"
                ) from error
        return self._engine


def brief(error: BaseException) -> str:
    """The first line of what a driver says; drivers do not repeat passwords in it."""
    origin = getattr(error, "orig", None) or error
    told = origin.args[1] if len(origin.args) == 2 else origin  # asyncmy: number, text
    lines = str(told).splitlines()
    return lines[0].removeprefix(f"{type(origin)}: ")[:200] if lines else type(origin).__name__
