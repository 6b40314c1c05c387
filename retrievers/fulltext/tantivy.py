"""Passages by their words (BM25), from Tantivy in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from retrievers.errors import RetrieverUnavailable
from retrievers.filters import EVERYTHING
from retrievers.fulltext.analysis import VERSION, Analysis
from retrievers.fulltext.index import TextIndex
from retrievers.generations import GenerationUnusable
from retrievers.lane import Lane
from retrievers.opened import Opened
from retrievers.protocol import Health, Resources
from retrievers.ranking import rank
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 256
STALE = 0.2
"""Share of dead entries above which a generation is built anew: BM25 counts them."""


@dataclass(frozen=True, slots=True)
class TantivyOptions:
    """How words are indexed and searched."""

    language: str = "en"
    """Where the collection does not say."""
    search_threads: int = 2


class TantivyRetriever:
    """`Retriever` and `Projection` over one Tantivy index per collection."""

    name = "fulltext"
    fingerprint = f"tantivy-{VERSION}"

    def __init__(
        self,
        resources: Resources,
        options: TantivyOptions | None = None,
    ) -> None:
        self._options = options or TantivyOptions()
        self._chunks, self._language_of = resources.chunks, resources.language_of
        self._searching = Lane("fulltext", self._options.search_threads)
        self._writing = Lane("fulltext-write", 1, nice=5)
        self._opened = Opened[TextIndex](resources.data_dir, self.name, self.fingerprint)

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks by BM25 over title and body, best first, ties by key."""
        index = self._opened.readable(query.collection)
        if index is None or k < 1:
            return []
        allowed = None
        if query.filter != EVERYTHING:
            allowed = await self._chunks.select(query.collection, query.filter)
            if allowed is not None and not len(allowed):
                return []

        async def fetch(n: int) -> Mapping[ChunkId, float]:
            try:
                return await self._searching.run(index.search, query.text, n, allowed)
            except (ValueError, OSError) as error:
                raise RetrieverUnavailable(f"the full-text index failed: {error}") from error

        return await rank(self.name, k, fetch, lambda ids: self._chunks.get(query.collection, ids))

    async def health(self) -> Health:
        """Down when every collection is unusable, degraded when some are."""
        return self._opened.health

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
                await self._rebuild(collection, self._own(collection, index))

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new index from all chunks, publish it and search it from now on."""
        async with self._opened.changing[collection]:
            await self._rebuild(collection, chunks)

    async def open(self, collection: CollectionId) -> bool:
        """Load the published index; False when there is none or it cannot be used."""
        async with self._opened.changing[collection]:
            return await self._open(collection)

    async def drop(self, collection: CollectionId) -> None:
        """Forget the collection and delete its files."""
        async with self._opened.changing[collection]:
            index = self._opened.get(collection)
            if index is not None:
                await self._write(index.discard)
            self._opened.forget(collection)
            await self._write(self._opened.generations(collection).remove)

    async def close(self) -> None:
        """Commit what is open and release the threads."""
        try:
            for collection in sorted(self._opened.dirty):
                await self.commit(collection)
        finally:
            self._opened.clear()
            self._searching.close()
            self._writing.close()

    async def _open(self, collection: CollectionId) -> bool:
        if self._opened.get(collection) is not None:
            return True  # the files may be older than what was applied since
        generations = self._opened.generations(collection)
        analysis = await self._analysis(collection)
        try:
            index = await self._writing.run(TextIndex.load, generations, analysis)
        except (GenerationUnusable, ValueError, OSError) as error:
            self._opened.refuse(collection, error)
            return False
        self._opened.forget(collection)
        if index is None:
            return False
        self._opened.put(collection, index)
        return True

    async def _writable(self, collection: CollectionId) -> TextIndex:
        if self._opened.unopened(collection):
            await self._open(collection)
        index = self._opened.readable(collection)
        if index is None:
            analysis = await self._analysis(collection)
            index = TextIndex(self._opened.generations(collection), analysis)
            self._opened.put(collection, index)
        return index

    async def _rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        analysis = await self._analysis(collection)
        generations = self._opened.generations(collection)
        index = await self._write(TextIndex.aside, generations, analysis)
        try:
            batch: list[Chunk] = []
            async for chunk in chunks:
                batch.append(chunk)
                if len(batch) == BATCH:
                    await self._write(index.add, batch)
                    batch = []
            await self._write(index.add, batch)
            await self._write(index.publish)
        except BaseException:
            await self._writing.run(index.discard)
            raise
        before = self._opened.put(collection, index)
        self._opened.dirty.discard(collection)
        if before is not None:
            await self._write(before.discard)

    async def _own(self, collection: CollectionId, index: TextIndex) -> AsyncIterator[Chunk]:
        ids = await self._write(index.ids)
        for start in range(0, len(ids), BATCH):
            found = await self._chunks.stored(collection, ids[start : start + BATCH])
            for chunk in found.values():
                yield chunk

    async def _analysis(self, collection: CollectionId) -> Analysis:
        if self._language_of is None:
            return Analysis(self._options.language)
        return Analysis(await self._language_of(collection))

    async def _write(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._writing.run(fn, *args, **kwargs)
        except (ValueError, OSError) as error:
            raise RetrieverUnavailable(f"the full-text index cannot be written: {error}") from error
