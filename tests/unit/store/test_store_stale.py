"""Stale marks."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from store_library import PROJECTIONS, Library, marked, source

from app.domain.errors import NotFound
from app.store.stale import Mark
from app.store.tables import stale
from retrievers.types import CollectionId, DocumentKey

pytestmark = pytest.mark.anyio
VECTOR, FULLTEXT = PROJECTIONS


async def test_marks_come_in_order_and_in_pages(library: Library) -> None:
    await library.post(*(source(f"d{n}", "text") for n in range(5)))
    here = library.here.id
    first = await library.marks.read(VECTOR, here, 2)
    rest = await library.marks.read(VECTOR, here, 10, after=first[-1].document)
    assert len(first) == 2
    assert len(rest) == 3
    assert marked([*first, *rest]) == sorted(marked([*first, *rest]))
    some = [rest[2].document, first[0].document, DocumentKey(4711)]
    assert await library.marks.read(VECTOR, here, 10, among=some) == [first[0], rest[2]]
    assert await library.marks.read(VECTOR, here, 10, among=()) == []


async def test_an_acknowledged_mark_is_gone_for_that_projection_only(library: Library) -> None:
    await library.post(source("a", "one"))
    marks = await library.marks.read(VECTOR, library.here.id, 10)
    await library.marks.acknowledge(VECTOR, marks)
    await library.marks.acknowledge(VECTOR, [])
    assert await library.marks.read(VECTOR, library.here.id, 10) == []
    assert await library.marks.read(FULLTEXT, library.here.id, 10) == marks


async def test_a_mark_renewed_since_it_was_read_stays(library: Library) -> None:
    await library.post(source("a", "one"), source("b", "two"))
    read = await library.marks.read(VECTOR, library.here.id, 10)
    await library.documents.delete(library.here.id, "a")
    await library.marks.acknowledge(VECTOR, read)
    (left,) = await library.marks.read(VECTOR, library.here.id, 10)
    assert left.document == read[0].document
    assert left.token != read[0].token


async def test_ten_changes_make_one_mark(library: Library) -> None:
    for number in range(10):
        await library.post(source("a", f"text {number}"))
    assert await library.marks.lag(VECTOR, library.here.id) == 1


async def test_a_token_made_up_acknowledges_nothing(library: Library) -> None:
    await library.post(source("a", "one"))
    (mark,) = await library.marks.read(VECTOR, library.here.id, 10)
    await library.marks.acknowledge(VECTOR, [Mark(mark.document, "other")])
    assert await library.marks.lag(VECTOR) == 1


async def test_collections_with_marks_are_listed_and_deleted_ones_are_not(
    library: Library,
) -> None:
    default = library.here
    await library.post(source("a", "one"))
    library._here = await library.collections.create("wiki")
    await library.post(source("a", "one"))
    assert await library.marks.collections(VECTOR) == [default.id, library.here.id]
    assert await library.marks.collections("graph") == []
    await library.collections.delete("wiki")
    assert await library.marks.collections(VECTOR) == [default.id]


async def test_everything_can_be_marked_again_and_forgotten(library: Library) -> None:
    await library.post(source("a", "one"), source("b", "two"))
    await library.acknowledge()
    await library.documents.delete(library.here.id, "a")
    await library.acknowledge()
    await library.marks.mark_all("graph", library.here.id)
    assert await library.marks.lag("graph", library.here.id) == 2
    assert await library.marks.lag("graph", CollectionId(4711)) == 0
    await library.marks.clear("graph", library.here.id)
    assert await library.marks.lag("graph") == 0


async def test_marks_of_a_rolled_back_change_do_not_exist(library: Library) -> None:
    with pytest.raises(NotFound):
        await library.documents.delete(library.here.id, "absent")
    async with library.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(stale)) == 0
