"""Passages reached over shared entities: a walk over one sparse matrix per collection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from retrievers.errors import RetrieverUnavailable
from retrievers.filters import EVERYTHING
from retrievers.generations import GenerationUnusable
from retrievers.graph import files
from retrievers.graph.index import Passage, PassageIndex
from retrievers.graph.linking import candidates
from retrievers.graph.question import read
from retrievers.graph.view import GraphOptions, View
from retrievers.graph.words import Stemmer
from retrievers.lane import Lane
from retrievers.opened import Opened
from retrievers.protocol import Health, Profile, Resources
from retrievers.ranking import rank
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 256
RULES = 1
"""Counts up whenever words, keys or linking change their meaning: old indexes are rebuilt then."""


@dataclass(slots=True)
class _Graph:
    """A collection's index, and the state of it that searches see."""

    index: PassageIndex
    options: GraphOptions
    view: View = field(init=False)

    def __post_init__(self) -> None:
        self.publish()

    def publish(self) -> None:
        self.view = View(self.index, self.options)


class GraphRetriever:
    """`Retriever`, `Projection` and `PassageGraph` over passages and the entities they share.

    A search walks from the query's seeds and from the entities that its text names. Without both
    it finds nothing. Scores are visit frequencies: small, and comparable within one query only.
    """

    name = "graph"

    def __init__(self, resources: Resources, options: GraphOptions | None = None) -> None:
        self._options = options or GraphOptions()
        self._chunks = resources.chunks
        self.fingerprint = f"graph-{files.FORMAT}.{RULES}"
        self._stemmer = Stemmer()
        self._searching = Lane("graph", self._options.search_threads)
        self._writing = Lane("graph-write", 1, nice=5)
        self._opened = Opened[_Graph](resources.data_dir, self.name, self.fingerprint)

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks, most visited first, ties by key."""
        graph = self._opened.readable(query.collection)
        if graph is None or not len(graph.view) or k < 1:
            return []
        allowed: npt.NDArray[np.int64] | None = None
        if query.filter != EVERYTHING:
            allowed = await self._chunks.select(query.collection, query.filter)
            if allowed is not None and not len(allowed):
                return []
        view = graph.view

        def best(count: int) -> Mapping[ChunkId, float]:
            return view.best(read(query.text), query.seeds, count, allowed)

        async def fetch(count: int) -> Mapping[ChunkId, float]:
            return await self._searching.run(best, count)

        return await rank(self.name, k, fetch, lambda ids: self._chunks.get(query.collection, ids))

    async def profile(self, query: Query, ids: Sequence[ChunkId]) -> Profile:
        """Terms and entities of the candidates, in the order of `ids`."""
        graph = self._opened.readable(query.collection)
        view = graph.view if graph else View(PassageIndex(self._stemmer), self._options)
        return await self._searching.run(
            lambda: view.profile(read(query.text), query.seeds, ids),
        )

    async def health(self) -> Health:
        """Down when every collection is unusable; says how many entities passages have.

        Few mean that the texts name little (no capitals, no titles), and that the graph helps
        little.
        """
        health = self._opened.health
        views = [graph.view for graph in self._opened.everything()]
        passages = sum(len(view) for view in views)
        if health.status == "ok" and passages:
            mean = sum(view.entities_per_passage * len(view) for view in views) / passages
            return Health("ok", f"{mean:.1f} entities per passage")
        return health

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        """Hold exactly these chunks for each document; an empty sequence removes it."""
        async with self._opened.changing[collection]:
            graph = await self._writable(collection)
            chunks = [chunk for found in documents.values() for chunk in found]
            passages = await self._passages(collection, chunks)

            def change() -> bool:
                changed = graph.index.replace(documents, passages)
                if changed:
                    graph.publish()
                return changed

            if await self._write(change):
                self._opened.dirty.add(collection)

    async def commit(self, collection: CollectionId) -> None:
        """Publish a generation if anything changed since the last."""
        async with self._opened.changing[collection]:
            graph = self._opened.get(collection)
            if graph is not None and collection in self._opened.dirty:
                await self._publish(collection, graph)

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new index from all chunks, publish it and search it from now on."""
        async with self._opened.changing[collection]:
            index = PassageIndex(self._stemmer)
            batch: list[Chunk] = []

            async def add() -> None:
                passages = await self._passages(collection, batch)
                await self._write(index.fill, passages)
                batch.clear()

            async for chunk in chunks:
                batch.append(chunk)
                if len(batch) == BATCH:
                    await add()
            await add()
            await self._write(index.finish)
            graph = await self._write(_Graph, index, self._options)
            await self._publish(collection, graph)
            self._opened.put(collection, graph)

    async def open(self, collection: CollectionId) -> bool:
        """Load the published index; False when there is none or it cannot be used."""
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

    async def _passages(self, collection: CollectionId, chunks: Sequence[Chunk]) -> list[Passage]:
        found = await self._chunks.candidates(collection, [chunk.id for chunk in chunks])
        # A chunk deleted meanwhile has no candidates any more; its text still has them.
        return [Passage(c, found[c.id] if c.id in found else candidates(c.text)) for c in chunks]

    async def _open(self, collection: CollectionId) -> bool:
        if self._opened.get(collection) is not None:
            return True  # the files may be older than what was applied since
        generations = self._opened.generations(collection)

        def load() -> _Graph | None:
            generation = generations.current()
            if generation is None:
                return None
            return _Graph(files.load(generation.folder, self._stemmer), self._options)

        try:
            graph = await self._writing.run(load)
        except (GenerationUnusable, ValueError, KeyError, IndexError, OSError) as error:
            self._opened.refuse(collection, error)
            return False
        self._opened.forget(collection)
        if graph is None:
            return False
        self._opened.put(collection, graph)
        return True

    async def _writable(self, collection: CollectionId) -> _Graph:
        if self._opened.unopened(collection):
            await self._open(collection)
        graph = self._opened.readable(collection)
        if graph is None:
            graph = _Graph(PassageIndex(self._stemmer), self._options)
            self._opened.put(collection, graph)
        return graph

    async def _publish(self, collection: CollectionId, graph: _Graph) -> None:
        generations = self._opened.generations(collection)

        def publish() -> None:
            draft = generations.draft()
            try:
                files.save(graph.index, draft)
                generations.publish(draft, {"passages": len(graph.view)})
            except BaseException:
                generations.discard(draft)
                raise
            generations.sweep()
            if graph.index.worn:
                # What was just written is the same graph without the rows of removed passages.
                graph.index = files.load(draft, self._stemmer)
                graph.publish()

        await self._write(publish)
        self._opened.dirty.discard(collection)

    async def _write(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._writing.run(fn, *args, **kwargs)
        except (MemoryError, OSError) as error:
            raise RetrieverUnavailable(f"the graph cannot be written: {error}") from error
