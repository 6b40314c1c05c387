"""The one door to the database: SQLite or PostgreSQL, reads and writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection


class Database:
    """Connections to the truth. Nothing is opened before `open`.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name` (driver names are added).
        exclusive: Whether this process is the only one that writes. Caches are trusted only then;
            else each call that uses one first asks the database whether it is still right.
    """

    dialect: Literal["sqlite", "postgresql"]
    exclusive: bool

    def __init__(self, url: str, exclusive: bool = True) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        """Connect once, so that a wrong address is found at start.

        Raises:
            StorageUnavailable: The database cannot be reached or written.
            Misconfigured: The URL is of no known kind or its driver is not installed.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Return all connections."""
        raise NotImplementedError

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs; each statement sees its own snapshot.

        Raises:
            StorageUnavailable: The database cannot be read now.
        """
        raise NotImplementedError
        yield

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed and durable on a clean exit, rolled back on an exception.

        Never nested: the second would wait for the first.

        Raises:
            StorageUnavailable: Nothing was written; the text names the fix.
        """
        raise NotImplementedError
        yield
