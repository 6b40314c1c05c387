"""Nearest passages by cosine, from FAISS in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from retrievers.embedded import Embedded, Ids, batches
from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Health, Matrix, Resources
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query
from retrievers.vector.device import Choice, Device, choose
from retrievers.vector.table import Table


@dataclass(frozen=True, slots=True)
class FaissOptions:
    """How vectors are kept and searched."""

    flat_up_to: int = 100_000
    """Passages up to which a collection is searched exhaustively."""
    search_threads: int = 2
    device: Choice = "auto"
    """`gpu` searches a copy on the first CUDA device; filtered searches stay on the CPU."""


class FaissRetriever(Embedded[Table]):
    """`Retriever`, `Projection` and `VectorTable` over one table per collection.

    Scores are cosines rounded to 6 significant digits, because the last bits depend on the kernel.
    """

    name = "vector"
    faults = (RuntimeError, MemoryError, OSError)  # FAISS throws the first two

    def __init__(self, resources: Resources, options: FaissOptions | None = None) -> None:
        self._options = options or FaissOptions()
        fingerprint = f"faiss-1:{resources.embedder.fingerprint}"
        super().__init__(resources, fingerprint, self._options.search_threads, _one_thread)
        self._embedder = resources.embedder
        self._device: Device | None = None

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks by cosine, best first, ties by key."""
        table = self._opened.readable(query.collection)
        if table is None or not len(table) or k < 1 or not query.text.strip():
            return []
        vector = await self._embedder.queries([query.text])
        if vector.shape != (1, table.dimension):
            raise RetrieverUnavailable(
                f"the embedder gave {vector.shape}, the index holds {table.dimension} values"
            )

        def best(n: int, allowed: Ids | None) -> Mapping[ChunkId, float]:
            scores, ids = table.search(vector, n, allowed)
            return {ChunkId(i): score for i, score in zip(ids.tolist(), scores, strict=True)}

        return await self._ranked(query, k, best)

    async def vectors(self, collection: CollectionId, ids: Sequence[ChunkId]) -> Matrix:
        """(len(ids), dimension); a chunk without a vector gives a zero row."""
        table = self._opened.readable(collection)
        if table is None or not ids:
            return np.zeros((len(ids), self._embedder.dimension), np.float32)
        if table.exact:
            return await self._searching.run(table.vectors, np.asarray(ids, np.int64))
        # Clustered tables keep 8 bits a value; the embedder's cache has the whole vectors.
        chunks = await self._chunks.stored(collection, ids)
        result = np.zeros((len(ids), table.dimension), np.float32)
        rows = [row for row, chunk in enumerate(ids) if chunk in chunks]
        if rows:
            texts = [chunks[ids[row]].embed_text for row in rows]
            result[rows] = await self._embedder.passages(texts)
        return result

    async def health(self) -> Health:
        """Down without the device or when every collection is unusable; else degraded or ok."""
        try:
            await self._chosen()
        except RetrieverUnavailable as error:
            return Health("down", str(error))
        return await super().health()

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        """Hold exactly these chunks for each document; an empty sequence removes it."""
        async with self._opened.changing[collection]:
            table = await self._writable(collection)
            arrays = await self._embed([c for chunks in documents.values() for c in chunks])
            removed = np.fromiter(documents, np.int64, len(documents))
            if await self._write(table.replace, removed, *arrays):
                self._opened.dirty.add(collection)

    async def commit(self, collection: CollectionId) -> None:
        """Publish a generation if anything changed since the last."""
        async with self._opened.changing[collection]:
            table = self._opened.get(collection)
            if table is None or collection not in self._opened.dirty:
                return
            if table.worn:
                await self._rebuild(collection, self._stored(collection, table.ids))
                return
            if table.outgrown:
                await self._write(table.cluster)
            await self._publish(collection, table)

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new table from all chunks, publish it and search it from now on."""
        async with self._opened.changing[collection]:
            await self._rebuild(collection, chunks)

    async def _rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        table = await self._build(collection, chunks)
        await self._publish(collection, table)
        self._opened.put(collection, table)

    async def _loading(self, collection: CollectionId) -> Callable[[], Table | None]:
        generations = self._opened.generations(collection)
        device, flat_up_to = await self._chosen(), self._options.flat_up_to

        def load() -> Table | None:
            found = generations.current()
            return Table.load(found.folder, found.facts, flat_up_to, device) if found else None

        return load

    async def _empty(self, collection: CollectionId) -> Table:
        device = await self._chosen()
        return Table(self._embedder.dimension, self._options.flat_up_to, device)

    async def _chosen(self) -> Device:
        if self._device is None:
            self._device = await self._searching.run(choose, self._options.device)
        return self._device

    async def _embed(self, chunks: Sequence[Chunk]) -> tuple[Ids, Ids, Matrix]:
        distinct = list({chunk.id: chunk for chunk in chunks}.values())
        ids = np.fromiter((chunk.id for chunk in distinct), np.int64, len(distinct))
        documents = np.fromiter((chunk.document for chunk in distinct), np.int64, len(distinct))
        vectors = np.empty((0, self._embedder.dimension), np.float32)
        if distinct:
            vectors = await self._embedder.passages([chunk.embed_text for chunk in distinct])
        if vectors.shape != (len(distinct), self._embedder.dimension):
            raise RetrieverUnavailable(
                f"the embedder gave {vectors.shape} for {len(distinct)} texts"
            )
        return ids, documents, vectors

    async def _build(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> Table:
        table = await self._empty(collection)
        nothing = np.empty(0, np.int64)
        async for batch in batches(chunks):
            await self._write(table.replace, nothing, *await self._embed(batch))
            if table.outgrown:
                await self._write(table.cluster)
        return table

    async def _publish(self, collection: CollectionId, table: Table) -> None:
        def save(draft: Path) -> Mapping[str, object]:
            table.save(draft)
            return table.facts

        await self._write(self._opened.generations(collection).write, save)
        self._opened.dirty.discard(collection)


def _one_thread() -> None:
    # Parallelism comes from requests; OpenMP's default costs twice the CPU per query.
    faiss.omp_set_num_threads(1)
