"""What the retriever needs of a database, and how much one statement may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from retrievers.sql.guard import Guarded
from retrievers.sql.schema import Catalogue, Dialect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one statement."""

    rows: int = 200
    seconds: float = 1.5
    size: int = 256 * 1024  # bytes of JSON


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows as the driver gave them, made JSON-safe, at most `Limits.rows`."""

    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


class Engine(Protocol):
    """A database opened so that it refuses to write, whatever the statement.

    Every method raises `RetrieverUnavailable` where the database cannot be reached or answers too
    slowly, and `QueryRefused` where it refuses the statement.
    """

    dialect: Dialect

    async def inspect(self, work: Callable[[Connection], T], seconds: float) -> T:
        """Call `work` with a read-only connection, to read the schema and distinct values."""
        ...

    async def fetch(self, statement: Guarded, catalogue: Catalogue, limits: Limits) -> Fetched:
        """Run a statement that has passed the guard."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...
