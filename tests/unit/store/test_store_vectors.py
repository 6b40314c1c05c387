"""The cache of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import func, select
from store_library import Library, source

from app.store.tables import embeddings
from app.store.vectors import VectorCache
from retrievers.protocol import Matrix

pytestmark = pytest.mark.anyio


class Counting:
    """An embedder that notes what it is asked; vectors differ by text and by call."""

    dimension = 4
    max_tokens = 256

    def __init__(self, fingerprint: str = "counting@1") -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    async def queries(self, texts: Sequence[str]) -> Matrix:
        return np.ones((len(texts), self.dimension), np.float32)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        first = len(self.asked)
        self.asked += texts
        rows = np.arange(first, first + len(texts), dtype=np.float32)
        return np.stack([rows / np.float32(7), rows, rows, rows], axis=1)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


async def count(library: Library) -> int:
    async with library.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(embeddings)) or 0


async def test_a_text_is_embedded_once_and_its_vector_keeps_every_bit(library: Library) -> None:
    inner = Counting()
    first = await VectorCache(library.database, inner).passages(["a", "b", "a"])
    assert inner.asked == ["a", "b"]
    assert first.dtype == np.float32
    assert (first[0] == first[2]).all()
    cache = VectorCache(library.database, inner)  # as after a restart
    for _ in range(2):
        again = await cache.passages(["b", "c", "a"])
        assert (again[[2, 0]] == first[[0, 1]]).all()
    assert inner.asked == ["a", "b", "c"]
    assert await count(library) == 3


async def test_another_encoder_has_its_own_vectors(library: Library) -> None:
    await VectorCache(library.database, Counting()).passages(["a"])
    other = Counting("other@1")
    await VectorCache(library.database, other).passages(["a"])
    assert other.asked == ["a"]
    assert await count(library) == 2


async def test_a_large_batch_is_looked_up_in_parts(library: Library) -> None:
    texts = [f"text {n}" for n in range(1201)]
    inner = Counting()
    first = await VectorCache(library.database, inner, recent=10).passages(texts)
    again = await VectorCache(library.database, inner, recent=10).passages(texts[::-1])
    assert (again[::-1] == first).all()
    assert len(inner.asked) == 1201


async def test_the_rest_passes_through(library: Library) -> None:
    cache = VectorCache(library.database, Counting())
    assert (cache.fingerprint, cache.dimension, cache.max_tokens) == ("counting@1", 4, 256)
    assert (await cache.queries(["q"])).shape == (1, 4)
    assert (await cache.passages([])).shape == (0, 4)
    assert cache.offsets("abc") == [(0, 3)]
    assert await count(library) == 0


async def test_vectors_go_with_the_last_chunk_that_says_the_text(library: Library) -> None:
    await library.post(source("a", "shared\nalone"), source("b", "shared"))
    texts = [chunk.embed_text for chunk in await library.visible()]
    await VectorCache(library.database, Counting()).passages(texts)
    assert await count(library) == 2
    await library.documents.delete(library.here.id, "a")
    await library.acknowledge()
    await library.documents.purge()
    assert await count(library) == 1
    await library.documents.delete(library.here.id, "b")
    await library.acknowledge()
    await library.documents.purge()
    assert await count(library) == 0
