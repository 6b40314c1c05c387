"""Chunks as retrievers ask for them: visibility, caches, filters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from store_library import Library, Watch, source, texts

from app.domain.ids import new_id
from app.store.chunks.catalogue import rfc3339
from app.store.chunks.hydrate import hydrated
from app.store.chunks.recent import Recent
from app.store.session import Database
from retrievers.filters import EVERYTHING, All, AnyOf, Compare, Filter, Not, matches
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

pytestmark = pytest.mark.anyio


@pytest.fixture
def statements(database: Database) -> Callable[[], int]:
    """Counts the readers' statements since the fixture was made."""
    run: list[str] = []

    def note(connection, cursor, statement, parameters, context, many) -> None:
        run.append(statement)

    event.listen(database._reader.sync_engine, "before_cursor_execute", note)
    return lambda: len(run)


async def test_a_chunk_carries_what_its_document_says(library: Library) -> None:
    await library.post(source("a", "one\ntwo", "Title", {"lang": "en"}))
    _, two = await library.visible()
    assert (two.document_id, two.title, two.text) == ("a", "Title", "two")
    assert (two.start, two.end, two.ordinal) == (4, 7, 1)
    assert two.key.startswith("chk_")
    assert two.metadata == {"lang": "en"}


async def test_unknown_ids_and_those_of_another_collection_are_absent(library: Library) -> None:
    await library.post(source("a", "one"))
    (one,) = await library.visible()
    other = await library.collections.create("other")
    for _ in range(2):
        assert await library.chunks.get(other.id, [one.id]) == {}
        assert await library.chunks.get(library.here.id, [ChunkId(4711)]) == {}
        assert await library.chunks.stored(other.id, [one.id]) == {}


async def test_a_warm_read_runs_no_sql(library: Library, statements: Callable[[], int]) -> None:
    await library.post(source("a", "one\ntwo\nthree"))
    ids = [chunk.id for chunk in await library.everything()]
    asked = [*ids, ChunkId(4711)]
    first = await library.chunks.get(library.here.id, asked)
    before = statements()
    assert await library.chunks.get(library.here.id, asked) == first
    assert statements() == before


async def test_a_cold_read_is_one_statement_per_500_ids(
    library: Library, statements: Callable[[], int]
) -> None:
    await library.post(source("a", "\n".join(f"line {n}" for n in range(1001))))
    ids = [chunk.id for chunk in await library.everything()]
    before = statements()
    assert len(await library.chunks.get(library.here.id, ids)) == 1001
    assert statements() - before == 3


async def test_ids_of_an_array_are_understood(library: Library) -> None:
    await library.post(source("a", "one\ntwo"))
    ids = np.array([chunk.id for chunk in await library.everything()])
    for _ in range(2):
        assert len(await library.chunks.get(library.here.id, ids)) == 2
        assert len(await library.chunks.stored(library.here.id, ids)) == 2
        assert len(await library.chunks.candidates(library.here.id, ids)) == 2


async def test_a_remembered_chunk_changes_with_its_document(library: Library) -> None:
    await library.post(source("a", "one", "Old"), source("b", "two", "Old"))
    assert [chunk.title for chunk in await library.visible()] == ["Old", "Old"]
    await library.post(source("a", "one", "New"))
    assert [chunk.title for chunk in await library.visible()] == ["New", "Old"]


async def test_an_id_asked_for_too_early_shows_once_it_is_published(library: Library) -> None:
    lease = await library.write(source("a", "one"))
    (building,) = await library.everything()
    assert await library.chunks.get(library.here.id, [building.id]) == {}
    assert set(await library.chunks.stored(library.here.id, [building.id])) == {building.id}
    await library.publish(lease)
    assert set(await library.chunks.get(library.here.id, [building.id])) == {building.id}


async def test_a_read_that_raced_with_a_deletion_is_not_remembered(library: Library) -> None:
    await library.post(source("a", "one"))
    (one,) = await library.everything()
    here, chunks = library.here.id, library.chunks
    epoch = chunks._recent.epoch(here)
    late = await chunks.stored(here, [one.id])  # read before the deletion, kept after it
    await library.documents.delete(here, "a")
    chunks._recent.keep(here, epoch, [one.id], late)
    assert await chunks.get(here, [one.id]) == {}


async def test_readers_beside_writers_never_see_what_was_deleted(library: Library) -> None:
    here = library.here.id
    await library.post(*(source(f"d{n}", f"text {n}") for n in range(12)))
    all_chunks = await library.everything()
    ids = [chunk.id for chunk in all_chunks]
    gone: set[str] = set()

    async def look() -> None:
        while len(gone) < 12:
            before = set(gone)
            found = await library.chunks.get(here, ids)
            assert not before & {chunk.document_id for chunk in found.values()}
            await asyncio.sleep(0)  # a warm read never waits, so the writer would not get its turn

    async def remove() -> None:
        for number in range(12):
            await library.documents.delete(here, f"d{number}")
            gone.add(f"d{number}")

    await asyncio.gather(look(), look(), remove())
    assert await library.chunks.get(here, ids) == {}


async def test_candidates_are_kept_per_chunk(library: Library) -> None:
    await library.post(source("a", "Ada Ada Lovelace\nParis 😀"))
    one, two = await library.visible()
    found = await library.chunks.candidates(library.here.id, [one.id, two.id, ChunkId(4711)])
    assert found == {one.id: {"Ada": 2, "Lovelace": 1}, two.id: {"Paris": 1, "😀": 1}}


async def test_chunks_of_documents_come_in_order_and_include_what_is_being_built(
    library: Library,
) -> None:
    await library.post(source("a", "one\ntwo", "Old"), source("b", "three"))
    await library.write(source("a", "zero\ntwo", "New"))
    keys = {chunk.document_id: chunk.document for chunk in await library.everything()}
    found = await library.chunks.of_documents(library.here.id, [*keys.values(), DocumentKey(99)])
    assert set(found) == set(keys.values())
    assert sorted(texts(found[keys["a"]])) == ["one", "two", "zero"]
    assert {chunk.text: chunk.title for chunk in found[keys["a"]]} == {
        "one": "Old",
        "zero": "New",
        "two": "New",
    }
    assert texts(found[keys["b"]]) == ["three"]


async def test_everything_comes_once_and_in_order_over_many_pages(library: Library) -> None:
    await library.post(
        *(source(f"d{n}", "\n".join(f"{n} {m}" for m in range(150))) for n in range(20))
    )
    ids = [chunk.id for chunk in await library.everything()]
    assert len(ids) == 3000
    assert ids == sorted(set(ids))
    assert await library.chunks.count(library.here.id) == 3000


async def test_no_filter_means_no_list(library: Library) -> None:
    assert await library.chunks.select(library.here.id, EVERYTHING) is None


async def select(library: Library, condition: Filter) -> list[str]:
    ids = await library.chunks.select(library.here.id, condition)
    assert ids is not None
    assert ids.dtype == np.int64
    assert not ids.flags.writeable
    assert list(ids) == sorted(set(ids))
    found = await library.chunks.get(library.here.id, ids)
    assert len(found) == len(ids)
    return sorted(texts(found.values()))


async def test_filters_see_metadata_and_built_in_keys(library: Library) -> None:
    born = library.watch.now
    await library.post(source("a", "one\ntwo", "Alpha", {"year": 1999}))
    library.watch.forward(10)
    await library.post(source("b", "three", "Beta", {"year": 2005}))
    for condition, expected in {
        Compare("year", "gte", 2000): ["three"],
        Compare("$document_id", "eq", "a"): ["one", "two"],
        Compare("$title", "prefix", "Al"): ["one", "two"],
        Compare("$media_type", "eq", "text/plain"): ["one", "three", "two"],
        Compare("$created_at", "lte", rfc3339(born)): ["one", "two"],
        Compare("$updated_at", "gt", rfc3339(born)): ["three"],
        Not(Compare("year", "exists", True)): [],
        AnyOf(): [],
        All((Compare("year", "eq", True),)): [],
    }.items():
        assert await select(library, condition) == expected, condition


async def test_a_filter_for_one_does_not_answer_a_filter_for_true(library: Library) -> None:
    await library.post(source("a", "one", "", {"x": 1}), source("b", "two", "", {"x": True}))
    assert await select(library, Compare("x", "eq", 1)) == ["one"]
    assert await select(library, Compare("x", "eq", True)) == ["two"]
    assert await select(library, Compare("x", "eq", 1.0)) == ["one"]


async def test_a_filter_follows_every_change(library: Library) -> None:
    english = Compare("lang", "eq", "en")
    assert await select(library, english) == []
    await library.post(source("a", "one", "", {"lang": "en"}), source("b", "two"))
    assert await select(library, english) == ["one"]
    lease = await library.write(source("b", "two", "", {"lang": "en"}))
    assert await select(library, english) == ["one"]
    await library.publish(lease)
    assert await select(library, english) == ["one", "two"]
    await library.documents.delete(library.here.id, "a")
    assert await select(library, english) == ["two"]
    await library.post(source("b", "changed", "", {"lang": "en"}))
    assert await select(library, english) == ["changed"]


async def test_the_same_filter_is_answered_from_memory(
    library: Library, statements: Callable[[], int]
) -> None:
    await library.post(source("a", "one", "", {"lang": "en"}))
    await select(library, Compare("lang", "eq", "en"))
    before = statements()
    await library.chunks.select(library.here.id, Compare("lang", "eq", "en"))
    await library.chunks.select(library.here.id, Compare("lang", "ne", "en"))
    assert statements() == before


async def test_remembered_results_are_bounded(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.store.chunks.selection._MAX_IDS", 131
    )  # ids, of which each result takes 64 more
    monkeypatch.setattr("app.store.chunks.selection._MAX_CATALOGUES", 1)
    other = await library.collections.create("other")
    await library.post(source("a", "one\ntwo"))
    for value in (1, 2, 3):
        assert await select(library, Compare("x", "ne", value)) == ["one", "two"]
    assert len(library.chunks._selection._results) == 1
    for value in (1, 2, 3):
        assert await select(library, Compare("x", "eq", value)) == []
    assert len(library.chunks._selection._results) == 2
    library._here = other
    assert await select(library, Compare("x", "ne", 1)) == []
    assert set(library.chunks._selection._catalogues) == {other.id}


_values = st.one_of(
    st.integers(-2, 2), st.booleans(), st.sampled_from(["", "a", "ab"]), st.lists(st.just("a"))
)
_metadata = st.dictionaries(st.sampled_from(["k", "l"]), _values)
_conditions = st.recursive(
    st.builds(
        Compare,
        st.sampled_from(["k", "l", "$title"]),
        st.sampled_from(["eq", "ne", "gt", "lte", "in", "nin", "contains", "exists", "prefix"]),
        _values,
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=2).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=2).map(tuple)),
    ),
    max_leaves=4,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_metadata, max_size=4), st.lists(_conditions, min_size=1, max_size=4))
async def test_selecting_is_matching(
    library: Library, shelf: list[dict], conditions: list[Filter]
) -> None:
    library._here = await library.collections.create(new_id("c"))
    await library.post(*(source(f"d{n}", f"d{n}", "a", found) for n, found in enumerate(shelf)))
    for condition in conditions:
        expected = [
            f"d{n}" for n, found in enumerate(shelf) if matches(condition, {**found, "$title": "a"})
        ]
        if condition == EVERYTHING:
            assert await library.chunks.select(library.here.id, condition) is None
        else:
            assert await select(library, condition) == expected


class TestTwoProcesses:
    """Two databases over one address, neither of which may trust its memory."""

    @pytest.fixture
    async def pair(self, url: str) -> AsyncIterator[tuple[Library, Library]]:
        databases = [Database(url, exclusive=False) for _ in range(2)]
        for database in databases:
            await database.open()
        watch = Watch()
        first, second = [await Library(database, watch).open() for database in databases]
        yield first, second
        for database in databases:
            await database.close()

    async def test_each_sees_at_once_what_the_other_did(
        self, pair: tuple[Library, Library]
    ) -> None:
        here, there = pair
        await here.post(source("a", "one", "Old"), source("b", "two"))
        assert [chunk.title for chunk in await there.visible()] == ["Old", ""]
        assert await select(there, Compare("$title", "eq", "Old")) == ["one"]
        await here.post(source("a", "one", "New"))
        assert [chunk.title for chunk in await there.visible()] == ["New", ""]
        assert await select(there, Compare("$title", "eq", "Old")) == []
        await here.documents.delete(here.here.id, "b")
        assert texts(await there.visible()) == ["one"]
        await here.collections.create("wiki", "first")
        assert (await there.collections.get("wiki")).description == "first"

    async def test_nothing_is_read_twice_while_nothing_changes(
        self, pair: tuple[Library, Library]
    ) -> None:
        _, there = pair
        await there.post(source("a", "one"))
        (one,) = await there.visible()
        again = (await there.chunks.get(there.here.id, [one.id]))[one.id]
        assert again is one


class TestRecent:
    """The cache by itself."""

    HERE = CollectionId(1)

    def chunk(self, id: int, document: int) -> Chunk:
        return Chunk(ChunkId(id), f"chk_{id}", DocumentKey(document), "d", "", "", "t", 0, 1, 0, {})

    def keep(self, recent: Recent, *chunks: Chunk) -> None:
        found = {chunk.id: chunk for chunk in chunks}
        recent.keep(self.HERE, recent.epoch(self.HERE), list(found), found)

    def known(self, recent: Recent, *ids: int) -> set[int]:
        return set(recent.look_up(self.HERE, [ChunkId(id) for id in ids])[0])

    def test_the_least_recently_used_chunk_goes_first(self) -> None:
        recent = Recent(2)
        self.keep(recent, self.chunk(1, 1), self.chunk(2, 1))
        self.known(recent, 1)
        self.keep(recent, self.chunk(3, 2))
        assert self.known(recent, 1, 2, 3) == {1, 3}

    def test_the_chunk_used_the_longest_ago_gives_way_whatever_its_collection(self) -> None:
        recent, other = Recent(3), CollectionId(2)
        self.keep(recent, self.chunk(1, 1), self.chunk(2, 1))
        recent.keep(other, 0, [ChunkId(3)], {ChunkId(3): self.chunk(3, 2)})
        self.known(recent, 1)
        recent.keep(other, 0, [ChunkId(4)], {ChunkId(4): self.chunk(4, 2)})
        assert (self.known(recent, 1, 2), recent.room) == ({1}, 0)
        assert set(recent.look_up(other, [ChunkId(3), ChunkId(4)])[0]) == {3, 4}
        for collection in (self.HERE, other):
            recent.forget(collection)
        assert recent.room == 3

    def test_forgetting_a_document_leaves_the_others(self) -> None:
        recent = Recent(9)
        self.keep(recent, self.chunk(1, 1), self.chunk(2, 1), self.chunk(3, 2))
        recent.forget(self.HERE, [DocumentKey(1), DocumentKey(7)])
        assert self.known(recent, 1, 2, 3) == {3}

    def test_forgetting_a_collection_leaves_the_others(self) -> None:
        recent = Recent(9)
        self.keep(recent, self.chunk(1, 1))
        recent.keep(CollectionId(2), 0, [ChunkId(2)], {ChunkId(2): self.chunk(2, 2)})
        recent.forget(self.HERE)
        assert self.known(recent, 1) == set()
        assert set(recent.look_up(CollectionId(2), [ChunkId(2)])[0]) == {2}

    def test_ids_without_a_chunk_do_not_pile_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.store.chunks.recent._MAX_ABSENT", 10)
        recent = Recent(9)
        for id in range(100):
            recent.keep(self.HERE, 0, [ChunkId(id)], {})
        assert recent.look_up(self.HERE, [ChunkId(99), ChunkId(0)]) == ({}, [ChunkId(0)])

    def test_an_evicted_document_may_be_forgotten(self) -> None:
        recent = Recent(1)
        self.keep(recent, self.chunk(1, 1), self.chunk(2, 2))
        recent.forget(self.HERE, [DocumentKey(1), DocumentKey(2)])
        assert self.known(recent, 1, 2) == set()


def test_a_chunk_of_two_versions_is_as_the_newer_one_has_it() -> None:
    old = (1, "chk", 1, "d", "Old", "", "t", 0, 1, 0, 11, {}, 1)
    new = (1, "chk", 1, "d", "New", "", "t", 2, 3, 1, 12, {}, 2)
    for rows in ([old, new], [new, old]):
        (chunk,) = hydrated(rows).values()
        assert (chunk.title, chunk.start) == ("New", 2)


def test_times_sort_as_text() -> None:
    base = Watch().now.replace(microsecond=0)
    moments = [base + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000)]
    assert [rfc3339(moment) for moment in moments] == sorted(map(rfc3339, moments))
