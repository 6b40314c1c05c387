"""The schema's versions: brought to head at start, refused when newer than the code."""

from __future__ import annotations

from pathlib import Path

from app.store.session import Database


def migrations_dir() -> Path:
    """Where the revisions are: inside an installed wheel, else in the checkout."""
    raise NotImplementedError


async def at_head(database: Database) -> bool:
    """Whether the schema is the one this code knows.

    Raises:
        Misconfigured: The schema was written by a newer version; nothing is touched.
    """
    raise NotImplementedError


async def migrate(database: Database) -> None:
    """Bring the schema to head in one transaction; concurrent starts wait for each other.

    Raises:
        Misconfigured: As `at_head`.
        StorageUnavailable: The database cannot be written.
    """
    raise NotImplementedError
