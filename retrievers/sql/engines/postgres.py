"""PostgreSQL by asyncpg, whose extended protocol takes one statement at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import URL, Connection

from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.sql.engines.base import Fetched, Limits
from retrievers.sql.engines.servers import Server, brief
from retrievers.sql.guard import Guarded
from retrievers.sql.schema import Catalogue, Dialect
from retrievers.sql.values import take

T = TypeVar("T")

_ROLE = """
set_config('role', CASE
    WHEN current_setting('is_superuser') = 'on'
        AND current_setting('server_version_num')::int >= 140000
    THEN 'pg_read_all_data' ELSE current_setting('role') END, true)
"""
"""A superuser may read files and run programs even in a read-only transaction."""
_SETTLE = f"""
SELECT set_config('transaction_read_only', 'on', true),
    set_config('statement_timeout', $1, true), set_config('lock_timeout', '500', true),
    set_config('search_path', 'pg_catalog', true),
    set_config('standard_conforming_strings', 'on', true), {_ROLE}
"""
_CANCELLED = "57014"
_PREFETCH = 50


class PostgresEngine:
    """One PostgreSQL database. Tables are named with their schema, functions are built-in ones."""

    dialect: Dialect = "postgres"

    def __init__(self, url: URL) -> None:
        settings = {"default_transaction_read_only": "on", "application_name": "anabranch"}
        query = dict(url.query)
        if mode := query.pop("sslmode", None):
            query["ssl"] = mode
        settings |= _options(str(query.pop("options", "")))
        arguments = {"server_settings": settings, "timeout": 3.0, "command_timeout": 60.0}
        url = url.set(drivername="postgresql+asyncpg", query=query)
        self._server = Server(
            url, "postgres", arguments, ("SET TRANSACTION READ ONLY", f"SELECT {_ROLE}")
        )

    async def inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        """`work` in a read-only transaction."""
        return await self._server.inspect(work, seconds)

    async def fetch(self, statement: Guarded, catalogue: Catalogue, limits: Limits) -> Fetched:
        """Rows of one statement, in a read-only transaction with the server's own deadline."""
        async with self._server.connection(limits.seconds) as connection:
            pooled = await connection.get_raw_connection()
            raw: Any = pooled.driver_connection
            return await _fetch(raw, statement.sql, limits)

    async def close(self) -> None:
        """Close the pool."""
        await self._server.close()


async def _fetch(raw: Any, sql: str, limits: Limits) -> Fetched:
    import asyncpg  # an extra: whoever comes here has it

    transaction = raw.transaction(readonly=True)
    try:
        await transaction.start()
        try:
            await raw.fetchrow(_SETTLE, str(int(limits.seconds * 1000)))
            records = []
            async for record in raw.cursor(sql, prefetch=_PREFETCH):
                records.append(tuple(record.values()))
        finally:
            await transaction.rollback()  # also what a statement may have set
        rows, more = take(records, limits.rows, limits.size)
        return Fetched(tuple(rows), more)
    except asyncpg.PostgresError as error:
        if error.sqlstate == _CANCELLED:
            raise RetrieverUnavailable("PostgreSQL stopped the statement: too slow") from error
        raise QueryRefused(f"PostgreSQL refuses the statement: {brief(error)}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise RetrieverUnavailable(f"PostgreSQL: {brief(error)}") from error


def _options(text: str) -> dict[str, str]:
    """Settings of libpq's `options=-c name=value`, of which the search path is let through."""
    parts = text.replace("-c", " ").split()
    pairs = (part.partition("=") for part in parts if part.startswith("search_path="))
    return {name: value for name, _, value in pairs}
