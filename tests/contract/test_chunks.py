"""What retrievers are promised of the truth: the real one, and the shelf that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from app.store.migrate import migrate
from app.store.session import Database
from retrievers.filters import EVERYTHING, All, AnyOf, Compare, Filter, MetadataValue, Not, matches
from retrievers.protocol import Chunks
from retrievers.types import Chunk, ChunkId, CollectionId
from tests.fakes import HERE, Shelf
from tests.unit.store.store_library import Library, source

pytestmark = pytest.mark.anyio

Metadata = Mapping[str, MetadataValue]
NOWHERE = CollectionId(4_711)


class Truth(Protocol):
    """A source of chunks and the means to change it; a text is cut at blank lines."""

    chunks: Chunks
    collection: CollectionId

    async def put(self, id: str, text: str, metadata: Metadata | None = None) -> None: ...
    async def stage(self, id: str, text: str) -> None: ...
    async def delete(self, id: str) -> None: ...
    async def everything(self) -> list[Chunk]: ...


class OnShelf:
    """In memory."""

    def __init__(self) -> None:
        self.chunks = Shelf()
        self.collection = HERE

    async def put(self, id: str, text: str, metadata: Metadata | None = None) -> None:
        self.chunks.put(id, text, f"Title {id}", metadata)

    async def stage(self, id: str, text: str) -> None:
        self.chunks.stage(id, text, f"Title {id}")

    async def delete(self, id: str) -> None:
        self.chunks.delete(id)

    async def everything(self) -> list[Chunk]:
        return [chunk async for chunk in self.chunks.everything(HERE)]


class InSql:
    """The store over SQLite."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.chunks = library.chunks
        self.collection = library.here.id

    async def put(self, id: str, text: str, metadata: Metadata | None = None) -> None:
        await self._library.post(source(id, text.replace("\n\n", "\n"), f"Title {id}", metadata))

    async def stage(self, id: str, text: str) -> None:
        await self._library.write(source(id, text.replace("\n\n", "\n"), f"Title {id}"))

    async def delete(self, id: str) -> None:
        await self._library.documents.delete(self.collection, id)

    async def everything(self) -> list[Chunk]:
        return await self._library.everything()


@pytest.fixture(params=["shelf", "sqlite"])
async def truth(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Truth]:
    if request.param == "shelf":
        yield OnShelf()
        return
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'truth.db'}")
    await database.open()
    await migrate(database)
    yield InSql(await Library(database).open())
    await database.close()


async def _ids(truth: Truth) -> dict[str, ChunkId]:
    return {chunk.text: chunk.id for chunk in await truth.everything()}


async def test_stored_chunks_come_back_as_they_were_cut(truth: Truth) -> None:
    await truth.put("a", "one\n\ntwo", {"year": 2020})
    ids = await _ids(truth)
    found = await truth.chunks.get(truth.collection, [ids["two"]])
    chunk = found[ids["two"]]
    assert (chunk.text, chunk.title, chunk.ordinal) == ("two", "Title a", 1)
    assert (chunk.document_id, chunk.end - chunk.start) == ("a", 3)
    assert chunk.metadata["year"] == 2020
    assert chunk.embed_text == "Title a\ntwo"


async def test_unknown_ids_and_other_collections_are_absent(truth: Truth) -> None:
    await truth.put("a", "one")
    ids = list((await _ids(truth)).values())
    assert set(await truth.chunks.get(truth.collection, [*ids, ChunkId(99_999)])) == set(ids)
    assert await truth.chunks.get(NOWHERE, ids) == {}
    assert await truth.chunks.stored(NOWHERE, ids) == {}
    assert await truth.chunks.get(truth.collection, []) == {}


async def test_a_deleted_document_is_gone_at_once_and_its_ids_for_good(truth: Truth) -> None:
    await truth.put("a", "one")
    await truth.put("b", "other")
    before = await _ids(truth)
    assert await truth.chunks.get(truth.collection, [before["one"]])
    await truth.delete("a")
    assert await truth.chunks.get(truth.collection, list(before.values())) == {
        before["other"]: (await truth.chunks.stored(truth.collection, [before["other"]]))[
            before["other"]
        ]
    }
    await truth.put("a", "one")
    assert (await _ids(truth))["one"] not in before.values()


async def test_a_paragraph_that_stays_keeps_its_id(truth: Truth) -> None:
    await truth.put("a", "one\n\ntwo")
    before = await _ids(truth)
    await truth.put("a", "one\n\nthree")
    after = await _ids(truth)
    assert after["one"] == before["one"]
    visible = await truth.chunks.get(truth.collection, [*before.values(), *after.values()])
    assert {chunk.text for chunk in visible.values()} == {"one", "three"}


async def test_a_version_in_work_is_stored_and_not_visible(truth: Truth) -> None:
    await truth.put("a", "one")
    await truth.stage("a", "two")
    ids = await _ids(truth)
    assert set(ids) == {"one", "two"}
    assert set(await truth.chunks.get(truth.collection, list(ids.values()))) == {ids["one"]}
    assert set(await truth.chunks.stored(truth.collection, list(ids.values()))) == set(ids.values())


async def test_candidates_are_known_of_every_stored_chunk(truth: Truth) -> None:
    await truth.put("a", "Ada Varn met Ada Varn")
    await truth.stage("b", "Lund")
    ids = await _ids(truth)
    found = await truth.chunks.candidates(truth.collection, list(ids.values()))
    assert set(found) == set(ids.values())
    assert all(isinstance(count, int) for spans in found.values() for count in spans.values())


CONDITIONS: list[Filter] = [
    Compare("year", "gte", 2020),
    Compare("year", "ne", 2020),
    Compare("tags", "contains", "x"),
    Compare("tags", "exists", False),
    Compare("name", "prefix", "al"),
    Compare("$title", "eq", "Title b"),
    Compare("$document_id", "in", ("a", "c")),
    All((Compare("year", "gt", 2000), Not(Compare("name", "eq", "beta")))),
    AnyOf((Compare("year", "lt", 2020), Compare("name", "in", ("alpha",)))),
    AnyOf(()),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
async def test_select_gives_ascending_ids_of_what_matches(truth: Truth, condition: Filter) -> None:
    await truth.put("a", "one\n\ntwo", {"year": 2020, "name": "alpha", "tags": ["x", "y"]})
    await truth.put("b", "three", {"year": 2019, "name": "beta"})
    await truth.put("c", "four", {"name": "alba", "tags": ["y"]})
    await truth.put("d", "five", {"year": 2024})
    await truth.delete("d")
    chosen = await truth.chunks.select(truth.collection, condition)
    expected = sorted(
        chunk.id
        for chunk in (
            await truth.chunks.get(truth.collection, list((await _ids(truth)).values()))
        ).values()
        if matches(
            condition,
            {**chunk.metadata, "$title": chunk.title, "$document_id": chunk.document_id},
        )
    )
    assert chosen is not None
    assert chosen.tolist() == expected


async def test_no_condition_selects_without_a_list(truth: Truth) -> None:
    await truth.put("a", "one")
    assert await truth.chunks.select(truth.collection, EVERYTHING) is None
