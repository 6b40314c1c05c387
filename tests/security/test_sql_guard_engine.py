"""The SQLite engine refuses alone: statements come to it as if the guard had let them through."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrievers.errors import QueryRefused, RetrieverError, RetrieverUnavailable
from retrievers.lane import Lane
from retrievers.sql.engines.base import Limits
from retrievers.sql.engines.sqlite import SqliteEngine
from retrievers.sql.guard import Guard, Guarded
from tests.security.sql_statements import EVERYWHERE, SQLITE, benign, statements
from tests.security.test_sql_guard import catalogue
from tests.tables import harbour_file

QUICK = Limits(seconds=0.4)
HARMLESS = re.compile(
    r"VALUES \(1\)|SELECT name FROM ship; --|BEGIN|EXPLAIN|LIKE|LIMIT \(SELECT|NATURAL JOIN"
    r"|SELECT name \|\||CAST\(name AS CHAR|ROUND\("
)
"""Refused by the guard for reasons that are none of the engine's: they read what may be read."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return harbour_file(tmp_path)


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("sql-test", 2)
    yield lane
    lane.close()


def passed(statement: str, *names: str) -> Guarded:
    return Guarded(statement, ("a",), frozenset(), frozenset(names))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


HOSTILE = [s for s in statements(EVERYWHERE) + statements(SQLITE) if not HARMLESS.search(s)]


@pytest.mark.anyio
@pytest.mark.parametrize("statement", HOSTILE)
async def test_the_engine_alone_reads_nothing_else_and_writes_nothing(
    file: Path, lane: Lane, statement: str
) -> None:
    before = digest(file)
    engine = SqliteEngine(file, lane)
    try:
        found = await engine.fetch(passed(statement, "a", "r"), catalogue("sqlite"), QUICK)
    except RetrieverError:
        pass
    else:
        pytest.fail(f"got {found.rows}")
    assert digest(file) == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["harbour.db"]


@pytest.mark.anyio
@pytest.mark.parametrize("statement", benign("sqlite"))
async def test_the_engine_runs_what_the_guard_lets_through(
    file: Path, lane: Lane, statement: str
) -> None:
    guarded = Guard(catalogue("sqlite")).check(statement)
    found = await SqliteEngine(file, lane).fetch(guarded, catalogue("sqlite"), Limits())
    assert len(found.rows) <= 200
    assert all(len(row) == len(guarded.columns) for row in found.rows)


@pytest.mark.anyio
async def test_an_endless_join_ends_at_the_deadline(file: Path, lane: Lane) -> None:
    tables = ", ".join(f"voyage AS v{number}" for number in range(14))
    began = time.monotonic()
    with pytest.raises(RetrieverUnavailable, match="too long"):
        await SqliteEngine(file, lane).fetch(
            passed(f"SELECT COUNT(*) FROM {tables}"), catalogue("sqlite"), QUICK
        )
    assert time.monotonic() - began < 2


@pytest.mark.anyio
async def test_a_large_value_is_refused_and_takes_no_memory(file: Path, lane: Lane) -> None:
    levels = ", ".join(
        f"t{n + 1} AS MATERIALIZED (SELECT x || x AS x FROM t{n})" for n in range(24)
    )
    statement = f"WITH t0 AS (SELECT name AS x FROM ship), {levels} SELECT LENGTH(x) FROM t24"
    names = [f"t{n}" for n in range(25)]
    with pytest.raises(QueryRefused, match="too big"):
        await SqliteEngine(file, lane).fetch(passed(statement, *names), catalogue("sqlite"), QUICK)


@pytest.mark.anyio
async def test_a_cte_with_the_name_of_a_hidden_table_opens_no_door(file: Path, lane: Lane) -> None:
    with pytest.raises(QueryRefused, match="prohibited"):
        await SqliteEngine(file, lane).fetch(
            passed("SELECT alias FROM smuggler", "smuggler"), catalogue("sqlite"), QUICK
        )


@pytest.mark.anyio
async def test_one_row_too_many_is_cut_and_said(file: Path, lane: Lane) -> None:
    engine = SqliteEngine(file, lane)
    limits = Limits(rows=2)
    found = await engine.fetch(passed("SELECT name FROM ship"), catalogue("sqlite"), limits)
    assert (len(found.rows), found.truncated) == (2, True)


@pytest.mark.anyio
async def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path, lane: Lane) -> None:
    path = harbour_file(tmp_path)
    database = sqlite3.connect(path)
    database.execute("UPDATE ship SET name = CAST(x'ff41' AS TEXT) WHERE id = 1")
    database.commit()
    database.close()
    found = await SqliteEngine(path, lane).fetch(
        passed("SELECT name FROM ship WHERE id = 1"), catalogue("sqlite"), QUICK
    )
    assert found.rows == (("�A",),)


@pytest.mark.anyio
async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, lane: Lane) -> None:
    path = tmp_path / "not.db"
    path.write_text("no database" * 100)
    with pytest.raises(RetrieverError, match="not a database"):
        await SqliteEngine(path, lane).fetch(
            passed("SELECT name FROM ship"), catalogue("sqlite"), QUICK
        )
