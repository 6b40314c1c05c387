"""What the engine relies on: several sources, proposed statements, failures, refreshes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.filters import Compare
from retrievers.sql.access import Access
from retrievers.sql.engines.base import Limits
from retrievers.sql.source import Source
from retrievers.sql.tables import SourceSpec, SqlOptions, SqlRetriever
from retrievers.types import CollectionId, Query, Rows
from tests.tables import HERE, Sources, harbour_file, spec_of

ASKED = Query(HERE, "How many ships are there?")


@pytest.fixture
async def open_one() -> AsyncIterator[Callable[..., SqlRetriever]]:
    opened: list[SqlRetriever] = []

    def make(*specs: SourceSpec, options: SqlOptions | None = None) -> SqlRetriever:
        opened.append(SqlRetriever(Sources(*specs), options))
        return opened[-1]

    yield make
    for retriever in opened:
        await retriever.close()


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


def rows_of(found: Sequence[object]) -> list[tuple[tuple[object, ...], ...]]:
    origins = [evidence.origin for evidence in found]
    return [origin.rows for origin in origins if isinstance(origin, Rows)]


@pytest.mark.anyio
async def test_evidence_names_source_statement_and_rows(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    (found,) = await open_one(spec_of(harbour_file(tmp_path))).search(ASKED, 3)
    assert found.channel == "sql"
    assert found.key.startswith("sql_")
    assert found.origin == Rows(
        "harbour",
        'SELECT COUNT(*) AS "count" FROM "ship" AS "ship" LIMIT 201',
        ("count",),
        ((5,),),
    )


@pytest.mark.anyio
async def test_no_sources_no_rows(open_one: Callable[..., SqlRetriever]) -> None:
    assert await open_one().search(ASKED, 3) == []


@pytest.mark.anyio
async def test_rows_have_no_metadata_so_a_filter_leaves_none(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    filtered = Query(HERE, ASKED.text, Compare("year", "eq", 2024))
    assert await retriever.search(filtered, 3) == []


@pytest.mark.anyio
async def test_every_source_answers_for_itself_and_at_most_three_are_told(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    paths = [harbour_file(tmp_path, f"h{number}.db") for number in range(5)]
    for number, path in enumerate(paths):
        change(path, f"INSERT INTO ship (id, name) VALUES (90, 'Extra {number}')")
    retriever = open_one(*(spec_of(path, f"h{n}") for n, path in enumerate(paths)))
    found = await retriever.search(ASKED, 10)
    assert len(found) == 3
    assert len({evidence.key for evidence in found}) == 3
    assert found == await retriever.search(ASKED, 10)
    assert len(await retriever.search(ASKED, 1)) == 1
    assert await retriever.search(ASKED, 0) == []


@pytest.mark.anyio
async def test_a_proposed_statement_is_guarded_and_run(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    proposed = Query(HERE, "anything", statement="SELECT name FROM ship WHERE id = 2")
    (found,) = await retriever.search(proposed, 3)
    assert rows_of([found]) == [(("Petrel",),)]
    assert 0.5 <= found.score < 0.75
    hostile = Query(HERE, "anything", statement="SELECT * FROM smuggler")
    with pytest.raises(QueryRefused, match="smuggler"):
        await retriever.search(hostile, 3)


@pytest.mark.anyio
async def test_a_refused_proposal_does_not_cost_the_answer_of_another_source(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    wide = spec_of(harbour_file(tmp_path, "wide.db"), "wide", None)
    narrow = spec_of(harbour_file(tmp_path, "narrow.db"), "narrow", ("ship",))
    retriever = open_one(narrow, wide)
    proposed = Query(HERE, "anything", statement="SELECT alias FROM smuggler")
    assert rows_of(await retriever.search(proposed, 3)) == [(("The Gull",),)]


@pytest.mark.anyio
async def test_a_source_that_is_gone_degrades_and_does_not_take_the_others_along(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database" * 500)
    good = spec_of(harbour_file(tmp_path))
    bad = SourceSpec("broken", f"sqlite:///{broken}", None)
    retriever = open_one(good, bad)
    assert rows_of(await retriever.search(ASKED, 3)) == [((5,),)]
    health = await retriever.health()
    assert health.status == "degraded"
    assert health.detail.startswith("broken: ")
    with pytest.raises(RetrieverUnavailable):
        await open_one(bad).search(ASKED, 3)


@pytest.mark.anyio
async def test_a_source_that_was_fine_is_healthy(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    assert (await retriever.health()).status == "ok"
    await retriever.search(ASKED, 3)
    assert (await retriever.health()).status == "ok"


@pytest.mark.anyio
async def test_the_probe_says_what_is_wrong(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    path = harbour_file(tmp_path)
    retriever = open_one()
    await retriever.probe(spec_of(path))
    with pytest.raises(RetrieverUnavailable, match="there is no file"):
        await retriever.probe(SourceSpec("x", f"sqlite:///{tmp_path}/none.db"))
    with pytest.raises(QueryRefused, match="no table kraken"):
        await retriever.probe(spec_of(path, tables=("kraken",)))
    with pytest.raises(QueryRefused, match="example"):
        await retriever.probe(SourceSpec("x", "what is this"))
    with pytest.raises(QueryRefused, match="not supported"):
        await retriever.probe(SourceSpec("x", "oracle://scott:tiger@host/db"))
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    empty.touch()
    with pytest.raises(QueryRefused, match="no tables"):
        await retriever.probe(SourceSpec("x", f"sqlite:///{empty}"))


@pytest.mark.anyio
async def test_a_file_in_wal_mode_is_read_beside_its_writer(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    path = harbour_file(tmp_path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    retriever = open_one(spec_of(path))
    assert rows_of(await retriever.search(ASKED, 3)) == [((5,),)]
    writer.execute("INSERT INTO ship (id, name) VALUES (99, 'New')")
    assert rows_of(await retriever.search(ASKED, 3)) == [((6,),)]
    writer.close()


@pytest.mark.anyio
async def test_a_column_that_went_away_is_noticed(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    path = harbour_file(tmp_path)
    retriever = open_one(spec_of(path))
    question = Query(HERE, "What is the average tonnage of all ships?")
    assert rows_of(await retriever.search(question, 3)) == [((4410,),)]
    change(path, "ALTER TABLE ship RENAME COLUMN tonnage TO displacement")
    with pytest.raises(QueryRefused):
        await retriever.search(question, 3)
    for _ in range(100):  # the schema is read again in the background
        if await retriever.search(Query(HERE, "What is the average displacement of ships?"), 3):
            break
        await asyncio.sleep(0)
    else:
        pytest.fail("the new column was not found")


@pytest.mark.anyio
async def test_concurrent_first_questions_read_the_schema_once(
    tmp_path: Path, open_one: Callable[..., SqlRetriever], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    original = Source._read

    async def counted(self: Source) -> object:
        nonlocal reads
        reads += 1
        return await original(self)

    monkeypatch.setattr(Source, "_read", counted)
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    found = await asyncio.gather(*(retriever.search(ASKED, 3) for _ in range(12)))
    assert reads == 1
    assert all(one == found[0] for one in found)


@pytest.mark.anyio
async def test_a_caller_that_leaves_does_not_spoil_the_reading(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await retriever.search(ASKED, 3)
    assert rows_of(await retriever.search(ASKED, 3)) == [((5,),)]


@pytest.mark.anyio
async def test_an_own_synonym_is_understood(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    spec = spec_of(harbour_file(tmp_path))
    question = Query(HERE, "How many vessels are there?")
    assert await open_one(spec).search(question, 3) == []
    taught = open_one(spec, options=SqlOptions(synonyms={"ship": ("vessel",)}))
    assert rows_of(await taught.search(question, 3)) == [((5,),)]


@pytest.mark.anyio
async def test_results_stay_within_their_limits(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    spec = spec_of(harbour_file(tmp_path))
    few = open_one(spec, options=SqlOptions(limits=Limits(rows=2)))
    (found,) = await few.search(Query(HERE, "List all ships"), 3)
    assert isinstance(found.origin, Rows)
    assert len(found.origin.rows) == 2
    assert found.origin.truncated
    small = open_one(spec, options=SqlOptions(limits=Limits(size=40)))
    (found,) = await small.search(Query(HERE, "List all ships"), 3)
    assert isinstance(found.origin, Rows)
    assert found.origin.truncated
    with pytest.raises(RetrieverUnavailable, match="too long"):
        await open_one(spec, options=SqlOptions(limits=Limits(seconds=0.01))).query(
            spec, "SELECT COUNT(*) FROM " + ", ".join(f"voyage v{n}" for n in range(14))
        )


@pytest.mark.anyio
async def test_nothing_is_certain_about_a_lone_null(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    retriever = open_one(spec_of(harbour_file(tmp_path)))
    question = Query(HERE, "What is the average tonnage of ships in Saltmouth built after 2020?")
    for found in await retriever.search(question, 3):
        assert found.score < 0.75


@pytest.mark.anyio
async def test_collections_have_their_own_sources(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    class PerCollection:
        async def of(self, collection: CollectionId) -> Sequence[SourceSpec]:
            return [spec] if collection == HERE else []

    spec = spec_of(harbour_file(tmp_path))
    retriever = SqlRetriever(PerCollection())
    assert await retriever.search(ASKED, 3)
    assert await retriever.search(Query(CollectionId(2), ASKED.text), 3) == []
    await retriever.close()


@pytest.mark.anyio
async def test_the_services_own_database_is_never_a_source(
    tmp_path: Path, open_one: Callable[..., SqlRetriever]
) -> None:
    path = harbour_file(tmp_path)
    options = SqlOptions(access=Access(forbidden=(str(path),)))
    retriever = open_one(spec_of(path), options=options)
    with pytest.raises(QueryRefused, match="itself"):
        await retriever.probe(spec_of(path))
    with pytest.raises(QueryRefused, match="itself"):
        await retriever.search(ASKED, 3)
