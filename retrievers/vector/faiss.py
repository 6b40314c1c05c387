"""Nearest passages by cosine, from FAISS in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import faiss
import numpy as np

from retrievers.errors import RetrieverUnavailable
from retrievers.filters import EVERYTHING
from retrievers.generations import GenerationUnusable
from retrievers.lane import Lane
from retrievers.opened import Opened
from retrievers.protocol import Health, Matrix, Resources
from retrievers.ranking import rank
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query
from retrievers.vector.device import Choice, Device, choose
from retrievers.vector.index import Ids
from retrievers.vector.table import Table

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 256


@dataclass(frozen=True, slots=True)
class FaissOptions:
    """How vectors are kept and searched."""

    flat_up_to: int = 100_000
    """Passages up to which a collection is searched exhaustively."""
    search_threads: int = 2
    device: Choice = "auto"
    """`gpu` searches a copy on the first CUDA device; filtered searches stay on the CPU."""


class FaissRetriever:
    """`Retriever`, `Projection` and `VectorTable` over one table per collection.

    Scores are cosines rounded to 6 significant digits, because the last bits depend on the kernel.
    """

    name = "vector"

    def __init__(self, resources: Resources, options: FaissOptions | None = None) -> None:
        self._options = options or FaissOptions()
        self._embedder, self._chunks = resources.embedder, resources.chunks
        self.fingerprint = f"faiss-1:{resources.embedder.fingerprint}"
        self._searching = Lane("vector", self._options.search_threads, initialise=_one_thread)
        self._writing = Lane("vector-write", 1, nice=5, initialise=_one_thread)
        self._device: Device | None = None
        self._opened = Opened[Table](resources.data_dir, self.name, self.fingerprint)

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks by cosine, best first, ties by key."""
        table = self._opened.readable(query.collection)
        if table is None or not len(table) or k < 1 or not query.text.strip():
            return []
        allowed = None
        if query.filter != EVERYTHING:
            allowed = await self._chunks.select(query.collection, query.filter)
            if allowed is not None and not len(allowed):
                return []
        vector = await self._embedder.queries([query.text])
        if vector.shape != (1, table.dimension):
            raise RetrieverUnavailable(
                f"the embedder gave {vector.shape}, the index holds {table.dimension} values"
            )

        async def fetch(n: int) -> Mapping[ChunkId, float]:
            try:
                scores, ids = await self._searching.run(table.search, vector, n, allowed)
            except (RuntimeError, MemoryError) as error:
                raise RetrieverUnavailable(f"the vector index failed: {error}") from error
            return {ChunkId(i): score for i, score in zip(ids.tolist(), scores, strict=True)}

        return await rank(self.name, k, fetch, lambda ids: self._chunks.get(query.collection, ids))

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
        return self._opened.health

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
                await self._rebuild(collection, self._own(collection, table.ids))
                return
            if table.outgrown:
                await self._write(table.cluster)
            await self._publish(collection, table)

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new table from all chunks, publish it and search it from now on."""
        async with self._opened.changing[collection]:
            await self._rebuild(collection, chunks)

    async def open(self, collection: CollectionId) -> bool:
        """Load the published table; False when there is none or it cannot be used."""
        async with self._opened.changing[collection]:
            return await self._open(collection)

    async def drop(self, collection: CollectionId) -> None:
        """Forget the collection and delete its files."""
        async with self._opened.changing[collection]:
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
        device, flat_up_to = await self._chosen(), self._options.flat_up_to

        def load() -> Table | None:
            found = generations.current()
            return Table.load(found.folder, found.facts, flat_up_to, device) if found else None

        try:
            table = await self._writing.run(load)
        except (GenerationUnusable, RuntimeError, ValueError, OSError) as error:
            self._opened.refuse(collection, error)
            return False
        self._opened.forget(collection)
        if table is None:
            return False
        self._opened.put(collection, table)
        return True

    async def _writable(self, collection: CollectionId) -> Table:
        if self._opened.unopened(collection):
            await self._open(collection)
        table = self._opened.readable(collection)
        if table is None:
            table = await self._empty()
            self._opened.put(collection, table)
        return table

    async def _rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        table = await self._build(chunks)
        await self._publish(collection, table)
        self._opened.put(collection, table)

    async def _empty(self) -> Table:
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

    async def _build(self, chunks: AsyncIterator[Chunk]) -> Table:
        table = await self._empty()
        batch: list[Chunk] = []

        async def add() -> None:
            ids, documents, vectors = await self._embed(batch)
            nothing = np.empty(0, np.int64)
            await self._write(table.replace, nothing, ids, documents, vectors)
            if table.outgrown:
                await self._write(table.cluster)
            batch.clear()

        async for chunk in chunks:
            batch.append(chunk)
            if len(batch) == BATCH:
                await add()
        await add()
        return table

    async def _own(self, collection: CollectionId, ids: Ids) -> AsyncIterator[Chunk]:
        for start in range(0, len(ids), BATCH):
            wanted = [ChunkId(int(i)) for i in ids[start : start + BATCH]]
            for chunk in (await self._chunks.stored(collection, wanted)).values():
                yield chunk

    async def _publish(self, collection: CollectionId, table: Table) -> None:
        generations = self._opened.generations(collection)

        def publish() -> None:
            draft = generations.draft()
            try:
                table.save(draft)
                generations.publish(draft, table.facts)
            except BaseException:
                generations.discard(draft)
                raise
            generations.sweep()

        await self._write(publish)
        self._opened.dirty.discard(collection)

    async def _write(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._writing.run(fn, *args, **kwargs)
        except (RuntimeError, MemoryError, OSError) as error:  # FAISS throws the first two
            raise RetrieverUnavailable(f"the vector index cannot be written: {error}") from error


def _one_thread() -> None:
    # Parallelism comes from requests; OpenMP's default costs twice the CPU per query.
    faiss.omp_set_num_threads(1)
