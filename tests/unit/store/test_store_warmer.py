"""Chunks are in memory before anybody asks, and never older than the truth."""

from __future__ import annotations

import pytest
from store_library import Library, source

from app.store.chunks.warmer import Warmer

pytestmark = pytest.mark.anyio


async def test_what_is_there_and_what_comes_is_read_ahead(library: Library) -> None:
    await library.post(*(source(f"d{n}", f"text {n}") for n in range(3)))
    library.chunks.forget(library.here.id)
    warmer = Warmer(library.chunks, gather_s=0)
    library.database.changes.subscribe(warmer.changed)
    await warmer.start([library.here.id])
    await warmer.idle()
    await library.post(source("later", "one more"))
    await warmer.idle()
    await warmer.close()
    ids = [chunk.id for chunk in await library.everything()]
    assert library.chunks._recent.look_up(library.here.id, ids)[1] == []


async def test_what_is_deleted_is_not_read_ahead(library: Library) -> None:
    await library.post(source("a", "one"), source("b", "two"))
    await library.documents.delete(library.here.id, "a")
    library.chunks.forget(library.here.id)
    await library.chunks.warm(library.here.id)
    ids = [chunk.id for chunk in await library.everything()]
    found = await library.chunks.get(library.here.id, ids)
    assert {chunk.document_id for chunk in found.values()} == {"b"}
