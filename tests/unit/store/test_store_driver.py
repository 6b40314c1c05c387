"""What becomes of a write whose caller is cancelled in the middle of it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from app.store.session import Database

pytestmark = pytest.mark.anyio


async def test_a_write_cancelled_anywhere_leaves_no_lock_behind(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", busy_s=0.5)
    await database.open()
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))

    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
            await connection.execute(text("SELECT n FROM t"))

    other = sqlite3.connect(tmp_path / "a.db", timeout=0.5, isolation_level=None)
    for turns in range(200):
        task = asyncio.create_task(write())
        for _ in range(turns // 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    await write()
    other.close()
    await database.close()
