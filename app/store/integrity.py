"""Whether the database itself is sound."""

from __future__ import annotations

from app.store.session import Database


async def damage(database: Database) -> list[str]:
    """What SQLite finds wrong with its file, at most ten lines; nothing for a sound one.

    PostgreSQL checks its own pages (`pg_amcheck` is its tool), so nothing is asked of it.
    """
    if database.dialect != "sqlite":
        return []
    async with database.read() as connection:
        rows = await connection.exec_driver_sql("PRAGMA integrity_check(10)")
        found = [str(row[0]) for row in rows]
        broken = await connection.exec_driver_sql("PRAGMA foreign_key_check")
        orphans = len(broken.fetchmany(1000))
    faults = [line for line in found if line != "ok"]
    return [*faults, f"{orphans} rows refer to nothing"] if orphans else faults
