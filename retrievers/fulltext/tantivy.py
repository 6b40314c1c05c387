"""Passages by their words (BM25), from Tantivy in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from retrievers.embedded import Embedded, Ids, batches
from retrievers.fulltext.analysis import VERSION, Analysis
from retrievers.fulltext.index import TextIndex
from retrievers.generations import Generations
from retrievers.protocol import Resources
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query

STALE = 0.2
"""Share of dead entries above which a generation is built anew: BM25 counts them."""


@dataclass(frozen=True, slots=True)
class TantivyOptions:
    """How words are indexed and searched."""

    language: str = "en"
    """Where the collection does not say."""
    search_threads: int = 2


class TantivyRetriever(Embedded[TextIndex]):
    """`Retriever` and `Projection` over one Tantivy index per collection."""

    name = "fulltext"
    faults = (ValueError, OSError)

    def __init__(self, resources: Resources, options: TantivyOptions | None = None) -> None:
        self._options = options or TantivyOptions()
        super().__init__(resources, f"tantivy-{VERSION}", self._options.search_threads)
        self._language_of = resources.language_of

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks by BM25 over title and body, best first, ties by key."""
        index = self._opened.readable(query.collection)
        if index is None or k < 1:
            return []

        def best(n: int, allowed: Ids | None) -> Mapping[ChunkId, float]:
            return index.search(query.text, n, allowed)

        return await self._ranked(query, k, best)

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        """Hold exactly these chunks for each document; an empty sequence removes it."""
        async with self._opened.changing[collection]:
            index = await self._writable(collection)
            await self._write(index.replace, documents)
            self._opened.dirty.add(collection)

    async def commit(self, collection: CollectionId) -> None:
        """Publish what changed since the last commit; drop dead entries when they are many."""
        async with self._opened.changing[collection]:
            index = self._opened.get(collection)
            if index is None or collection not in self._opened.dirty:
                return
            await self._write(index.publish)
            self._opened.dirty.discard(collection)
            if await self._write(index.deleted_share) > STALE:
                await self._rebuild(
                    collection, self._stored(collection, await self._write(index.ids))
                )

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new index from all chunks, publish it and search it from now on."""
        async with self._opened.changing[collection]:
            await self._rebuild(collection, chunks)

    def _discard(self, index: TextIndex) -> None:
        index.discard()

    async def _loading(self, collection: CollectionId) -> Callable[[], TextIndex | None]:
        generations, analysis = await self._place(collection)
        return lambda: TextIndex.load(generations, analysis)

    async def _empty(self, collection: CollectionId) -> TextIndex:
        return TextIndex(*await self._place(collection))

    async def _rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        index = await self._write(TextIndex.aside, *await self._place(collection))
        try:
            async for batch in batches(chunks):
                await self._write(index.add, batch)
            await self._write(index.publish)
        except BaseException:
            await self._writing.run(index.discard)
            raise
        before = self._opened.put(collection, index)
        self._opened.dirty.discard(collection)
        if before is not None:
            await self._write(before.discard)

    async def _place(self, collection: CollectionId) -> tuple[Generations, Analysis]:
        language = self._options.language
        if self._language_of is not None:
            language = await self._language_of(collection)
        return self._opened.generations(collection), Analysis(language)
