"""MariaDB and MySQL by asyncmy.

The driver would let several statements through; `PREPARE` does not. A read-only transaction stops
no `DROP` and no `INTO OUTFILE` (seen with MariaDB 10.11); a common table expression around the
statement does, since nothing but a query can stand in it.
"""

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

MODE = "STRICT_ALL_TABLES"
"""Whatever the server's default: quoting must mean what the guard takes it to mean."""
_TOO_SLOW = {1317, 1969, 3024}  # interrupted; MariaDB's and MySQL's statement time


class MysqlEngine:
    """One MariaDB or MySQL database."""

    dialect: Dialect = "mysql"

    def __init__(self, url: URL) -> None:
        arguments = {"connect_timeout": 3, "read_timeout": 60}
        settle = (f"SET SESSION sql_mode = '{MODE}'", "SET SESSION TRANSACTION READ ONLY")
        self._server = Server(url.set(drivername="mysql+asyncmy"), "mysql", arguments, settle)

    async def inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        """`work` in a session whose transactions only read."""
        return await self._server.inspect(work, seconds)

    async def fetch(self, statement: Guarded, catalogue: Catalogue, limits: Limits) -> Fetched:
        """Rows of one statement, in a read-only transaction with the server's own deadline."""
        async with self._server.connection(limits.seconds) as connection:
            pooled = await connection.get_raw_connection()
            raw: Any = pooled.driver_connection
            return await _fetch(raw, _wrapped(statement), limits)

    async def close(self) -> None:
        """Close the pool."""
        await self._server.close()


def _wrapped(statement: Guarded) -> str:
    names = ", ".join(f"c{number}" for number in range(len(statement.columns)))
    return f"WITH anabranch ({names}) AS ({statement.sql}) SELECT * FROM anabranch"


async def _fetch(raw: Any, sql: str, limits: Limits) -> Fetched:
    from asyncmy import errors  # an extra: whoever comes here has it
    from asyncmy.cursors import SSCursor

    if "mariadb" in str(raw.get_server_info()).lower():
        deadline = f"SESSION max_statement_time = {limits.seconds:.3f}"
    else:
        deadline = f"SESSION max_execution_time = {int(limits.seconds * 1000)}"
    text = f"CONVERT(X'{sql.encode().hex()}' USING utf8mb4)"
    try:
        async with raw.cursor(SSCursor) as cursor:
            await cursor.execute(
                f"SET {deadline}, SESSION sql_mode = '{MODE}', SESSION lock_wait_timeout = 1, "
                f"@anabranch = {text}"
            )
            await cursor.execute("START TRANSACTION READ ONLY")
            await cursor.execute("PREPARE anabranch FROM @anabranch")
            await cursor.execute("EXECUTE anabranch")
            records = await cursor.fetchmany(limits.rows + 1)
            rows, more = take(records, limits.rows, limits.size)
            while await cursor.fetchmany(100):
                pass  # the protocol wants the rest read
            await cursor.execute("DEALLOCATE PREPARE anabranch")
            await cursor.execute("ROLLBACK")
            return Fetched(tuple(rows), more)
    except errors.MySQLError as error:
        number = error.args[0] if error.args else 0
        if number in _TOO_SLOW:
            raise RetrieverUnavailable("MariaDB stopped the statement: too slow") from error
        if isinstance(error, errors.InterfaceError) or number in (2006, 2013):
            raise RetrieverUnavailable(f"MariaDB: {brief(error)}") from error
        raise QueryRefused(f"MariaDB refuses the statement: {brief(error)}") from error
