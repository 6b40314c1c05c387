"""The schema's versions: brought to head at start, refused when newer than the code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from app.domain.errors import Misconfigured
from app.store.session import Database

if TYPE_CHECKING:
    from alembic.config import Config

# Any number that no other program on the same PostgreSQL is likely to lock.
_ADVISORY_LOCK = 0x616E6162


def migrations_dir() -> Path:
    """Where the revisions are: inside an installed wheel, else in the checkout.

    Raises:
        Misconfigured: In neither place: the installation is damaged.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise Misconfigured("the database migrations are missing; install anabranch again")


async def at_head(database: Database) -> bool:
    """Whether the schema is the one this code knows.

    Raises:
        Misconfigured: The schema was written by a newer version; nothing is touched.
    """
    async with database.read() as connection:
        return await connection.run_sync(_at_head)


async def migrate(database: Database) -> None:
    """Bring the schema to head in one transaction; concurrent starts wait for each other.

    Raises:
        Misconfigured: As `at_head`.
        StorageUnavailable: The database cannot be written.
    """
    if await at_head(database):
        return
    async with database.restructure() as connection:
        if database.dialect == "postgresql":
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        await connection.run_sync(_upgrade)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration: our revisions, over a connection that is open already."""
    # Here and below, since a start at head can do without the 10 MB that alembic brings.
    from alembic.config import Config

    config = Config()
    # Percent signs would be taken for interpolation.
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _at_head(connection: Connection) -> bool:
    present: set[str] = set()
    if inspect(connection).has_table("alembic_version"):
        rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        present = set(rows.scalars())
    # Revisions are numbered by hand, one line of descent: NNNN_noun.py.
    known = sorted(path.name[:4] for path in (migrations_dir() / "versions").glob("[0-9]*.py"))
    if newer := present - set(known):
        raise Misconfigured(
            f"the database has schema {', '.join(sorted(newer))}, which is newer than "
            "this version of anabranch; install the newer version or restore an older backup",
            "newer-schema",
        )
    return present == {known[-1]}


def _upgrade(connection: Connection) -> None:
    from alembic import command

    if not _at_head(connection):  # another process may have been faster
        command.upgrade(alembic_config(connection), "head")
