"""PostgreSQL and MariaDB as SQL sources: the same questions, and engines that refuse alone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from retrievers.errors import QueryRefused, RetrieverError, RetrieverUnavailable
from retrievers.lane import Lane
from retrievers.sql.access import Access
from retrievers.sql.engines.base import Engine, Limits
from retrievers.sql.guard import Guard, Guarded
from retrievers.sql.tables import SourceSpec, SqlRetriever
from retrievers.types import Query, Rows
from tests.security.sql_statements import HOSTILE, benign
from tests.security.test_sql_guard import catalogue
from tests.tables import ALLOWED, DDL, HERE, ROWS, Sources

pytestmark = pytest.mark.integration

REQUIRED = os.environ.get("ANABRANCH_TEST_REQUIRE", "").split(",")
TODAY = date(2024, 7, 15)
BRISK = Limits(seconds=0.7)


@dataclass(frozen=True)
class Server:
    """A database of its own for one test run.

    Attributes:
        url: With an account that may do anything, as people carelessly register it.
        narrow: With an account that may read the allowed tables only.
    """

    dialect: str
    url: str
    narrow: str


@dataclass(frozen=True)
class Place:
    driver: str
    admin: str
    package: str
    url: str
    dialect: str


PLACES = {
    "postgres": Place(
        "postgresql+asyncpg",
        "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres",
        "asyncpg",
        "postgresql://{user}@127.0.0.1:5432/{name}",
        "postgres",
    ),
    "mariadb": Place(
        "mysql+asyncmy",
        "mysql+asyncmy://root@127.0.0.1:3306/mysql",
        "asyncmy",
        "mysql://{user}@127.0.0.1:3306/{name}",
        "mysql",
    ),
}


async def run(url: str, *statements: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()


@pytest.fixture(scope="module", params=sorted(PLACES))
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    kind: str = request.param
    place = PLACES[kind]
    name, user = f"anabranch_{uuid4().hex[:10]}", f"anabranch_{uuid4().hex[:8]}"
    try:
        await run(place.admin, "SELECT 1")
    except (OSError, DBAPIError, ImportError) as error:
        if kind in REQUIRED:
            pytest.fail(f"ANABRANCH_TEST_REQUIRE names {kind}, but it does not answer: {error}")
        pytest.skip(f"{kind} does not answer: {type(error).__name__}")
    await run(place.admin, f"CREATE DATABASE {name}")
    owner = place.url.format(user="postgres" if kind == "postgres" else "root", name=name)
    narrow = place.url.format(user=user, name=name)
    direct = owner.replace(owner.partition(":")[0], place.driver, 1)
    try:
        await run(direct, *DDL, *ROWS)
        if kind == "postgres":
            columns = "id, first_name, last_name, birth_date"
            grants = [f"GRANT SELECT ON harbour, ship, voyage TO {user}"]
            grants.append(f"GRANT SELECT ({columns}) ON captain TO {user}")
            await run(direct, f"CREATE ROLE {user} LOGIN", *grants)
        else:
            grants = [f"GRANT SELECT ON {name}.{t} TO {user}@'127.0.0.1'" for t in ALLOWED]
            await run(direct, f"CREATE USER {user}@'127.0.0.1'", *grants)
        yield Server(place.dialect, owner, narrow)
    finally:
        force = " WITH (FORCE)" if kind == "postgres" else ""
        await run(place.admin, f"DROP DATABASE {name}{force}")
        account = user if kind == "postgres" else f"{user}@'127.0.0.1'"
        await run(
            place.admin, f"DROP {'ROLE' if kind == 'postgres' else 'USER'} IF EXISTS {account}"
        )


@pytest.fixture
async def retriever(server: Server) -> AsyncIterator[SqlRetriever]:
    retriever = SqlRetriever(
        Sources(SourceSpec("harbour", server.url, ALLOWED)), today=lambda: TODAY
    )
    yield retriever
    await retriever.close()


async def engine_of(url: str) -> AsyncIterator[Engine]:
    lane = Lane("sql-test", 1)
    engine = Access().open(url, lane)
    yield engine
    await engine.close()
    lane.close()


@pytest.fixture
async def careless(server: Server) -> AsyncIterator[Engine]:
    async for engine in engine_of(server.url):
        yield engine


@pytest.fixture
async def narrow(server: Server) -> AsyncIterator[Engine]:
    async for engine in engine_of(server.narrow):
        yield engine


def passed(statement: str) -> Guarded:
    return Guarded(statement, ("a",), frozenset(), frozenset())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many ships are there?", ((5,),)),
        (
            "How many voyages did each ship make?",
            (("Petrel", 2), ("Heron", 2), ("Skua", 1), ("Gannet", 1)),
        ),
        ("What is the average tonnage of ships of type freighter?", ((4166.667,),)),
        ("Which ship has the highest tonnage?", (("Petrel", 9100),)),
        ("How many voyages were there in 2024?", ((4,),)),
        ("What is the total cost of voyages in the last 30 days?", ((63350.25,),)),
        ("Which captains were born before 1970?", (("Tobin", "Reed"),)),
        ("Which harbours are open?", (("Port Quill",), ("Saltmouth",), ("Old Ferry",))),
        ("Which ships have no voyages?", (("Tern",),)),
        ("How many voyages were there in each year?", None),
    ],
)
async def test_questions_are_answered_as_on_sqlite(
    retriever: SqlRetriever, question: str, rows: tuple[tuple[object, ...], ...] | None
) -> None:
    (evidence,) = await retriever.search(Query(HERE, question), 3)
    assert isinstance(evidence.origin, Rows)
    if rows is None:
        assert set(evidence.origin.rows) == {("2023", 2), ("2024", 4)}
        return
    got = tuple(
        tuple(round(v, 3) if isinstance(v, float) else v for v in row)
        for row in evidence.origin.rows
    )
    assert got == rows


@pytest.mark.anyio
async def test_ordered_rows_come_in_order(server: Server, retriever: SqlRetriever) -> None:
    spec = SourceSpec("harbour", server.url, ALLOWED)
    rows = await retriever.query(
        spec, "SELECT name, tonnage FROM ship ORDER BY tonnage DESC, name LIMIT 4"
    )
    assert [row[0] for row in rows.rows] == ["Petrel", "Tern", "Heron", "Gannet"]
    assert rows.columns == ("name", "tonnage")


@pytest.mark.anyio
async def test_benign_statements_run(server: Server, retriever: SqlRetriever) -> None:
    spec = SourceSpec("harbour", server.url, ALLOWED)
    failed = []
    for statement in benign(server.dialect):
        try:
            await retriever.query(spec, statement)
        except RetrieverError as error:
            failed.append((statement, str(error)))
    # Some engine's own rules on grouping and booleans may refuse a few.
    assert len(failed) <= 0.05 * len(benign(server.dialect)), failed


@pytest.mark.anyio
async def test_literals_arrive_as_they_were_written(
    server: Server, retriever: SqlRetriever
) -> None:
    spec = SourceSpec("harbour", server.url, ALLOWED)
    statement = "SELECT 'it''s 100% : \"x\" %s' AS a"
    assert (await retriever.query(spec, statement)).rows == (('it\'s 100% : "x" %s',),)


@pytest.mark.anyio
async def test_hidden_tables_and_private_columns_are_not_read(
    server: Server, retriever: SqlRetriever
) -> None:
    spec = SourceSpec("harbour", server.url, ALLOWED)
    for statement in ("SELECT * FROM smuggler", "SELECT password FROM captain"):
        with pytest.raises(QueryRefused):
            await retriever.query(spec, statement)
    rows = await retriever.query(spec, "SELECT * FROM captain")
    assert "password" not in rows.columns


WRITES = [
    "INSERT INTO ship (id, name) VALUES (9, 'x')",
    "UPDATE ship SET name = 'x'",
    "DELETE FROM ship",
    "DROP TABLE ship",
    "CREATE TABLE loot (a INT)",
    "CREATE TEMPORARY TABLE loot (a INT)",
    "TRUNCATE TABLE ship",
    "ALTER TABLE ship ADD COLUMN x INT",
    "SELECT 1; DROP TABLE ship",
    "SELECT name INTO loot FROM ship",
    "SELECT name FROM ship INTO OUTFILE '/tmp/anabranch-loot'",
    "COPY ship TO '/tmp/anabranch-loot'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/anabranch-loot'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SET TRANSACTION READ WRITE",
    "CALL nothing()",
    "DO $$ BEGIN DELETE FROM ship; END $$",
]


def loot() -> bool:
    return Path("/tmp/anabranch-loot").exists()


@pytest.mark.anyio
@pytest.mark.parametrize("statement", WRITES)
async def test_the_engine_alone_writes_nothing_even_for_an_almighty_account(
    server: Server, careless: Engine, retriever: SqlRetriever, statement: str
) -> None:
    cat = catalogue("sqlite")
    with pytest.raises(QueryRefused):
        await careless.fetch(passed(statement), cat, BRISK)
    spec = SourceSpec("harbour", server.url, ("ship",))
    rows = await retriever.query(spec, "SELECT COUNT(*), MIN(name) FROM ship")
    assert rows.rows == ((5, "Gannet"),)
    assert not loot()


@pytest.mark.anyio
async def test_the_engine_ends_slow_statements_itself(server: Server, careless: Engine) -> None:
    schema = "public." if server.dialect == "postgres" else ""
    voyages = ", ".join(f"{schema}voyage v{number}" for number in range(14))
    slow = "SELECT pg_sleep(20)" if server.dialect == "postgres" else "SELECT SLEEP(20)"
    for statement in (slow, f"SELECT COUNT(*) FROM {voyages}"):
        began = time.monotonic()
        with pytest.raises(RetrieverUnavailable, match="slow"):
            await careless.fetch(passed(statement), catalogue("sqlite"), BRISK)
        assert time.monotonic() - began < 2


@pytest.mark.anyio
async def test_a_statement_cannot_lift_the_limit_for_the_next(
    server: Server, careless: Engine
) -> None:
    if server.dialect == "postgres":
        await careless.fetch(passed("SET statement_timeout = 0"), catalogue("sqlite"), BRISK)
        await careless.fetch(
            passed("SELECT set_config('statement_timeout', '0', false)"),
            catalogue("sqlite"),
            BRISK,
        )
    slow = "SELECT pg_sleep(20)" if server.dialect == "postgres" else "SELECT SLEEP(20)"
    with pytest.raises(RetrieverUnavailable):
        await careless.fetch(passed(slow), catalogue("sqlite"), BRISK)


@pytest.mark.anyio
async def test_a_narrow_account_sees_nothing_else_whatever_passes_the_guard(
    server: Server, narrow: Engine
) -> None:
    """The engine alone, with the rights that the manual asks for."""
    dialect = server.dialect
    schema = "public." if dialect == "postgres" else ""
    known = catalogue("postgres" if dialect == "postgres" else "mysql")
    seen = await narrow.fetch(Guard(known).check("SELECT COUNT(*) FROM ship"), known, BRISK)
    assert seen.rows == ((5,),)
    with pytest.raises(QueryRefused):
        await narrow.fetch(passed(f"SELECT alias FROM {schema}smuggler"), known, BRISK)
    leaks = []
    for statement in HOSTILE[dialect]:
        if any(word in statement for word in ("LIKE", "COUNT(*)", "RAND", "password")):
            continue
        try:
            found = await narrow.fetch(passed(statement), known, BRISK)
        except RetrieverError:
            continue
        if any("Sea cave" in str(row) or "root:" in str(row) for row in found.rows):
            leaks.append(statement)
    assert leaks == []


@pytest.mark.anyio
async def test_a_caller_that_leaves_frees_the_connection(server: Server, careless: Engine) -> None:
    slow = "SELECT pg_sleep(20)" if server.dialect == "postgres" else "SELECT SLEEP(20)"
    known = catalogue("sqlite")
    for _ in range(6):  # more often than there are connections
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await careless.fetch(passed(slow), known, Limits(seconds=30))
    schema = "public." if server.dialect == "postgres" else ""
    found = await careless.fetch(passed(f"SELECT COUNT(*) FROM {schema}ship"), known, BRISK)
    assert found.rows == ((5,),)


@pytest.mark.anyio
async def test_an_unknown_database_or_table_is_refused_by_the_probe(server: Server) -> None:
    retriever = SqlRetriever(Sources())
    gone = server.url.rsplit("/", 1)[0] + "/no_such_database"
    with pytest.raises(RetrieverError):
        await retriever.probe(SourceSpec("gone", gone, None))
    with pytest.raises(QueryRefused, match="no table kraken"):
        await retriever.probe(SourceSpec("harbour", server.url, ("ship", "kraken")))
    await retriever.probe(SourceSpec("harbour", server.url, None))
    await retriever.close()
