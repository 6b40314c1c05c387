"""Passages reached over shared entities: a walk over one sparse matrix per collection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrievers.embedded import Embedded, Ids, batches
from retrievers.graph import files
from retrievers.graph.index import Passage, PassageIndex
from retrievers.graph.linking import candidates
from retrievers.graph.named import named
from retrievers.graph.question import read
from retrievers.graph.view import GraphOptions, View
from retrievers.graph.words import Stemmer
from retrievers.protocol import Health, Named, Names, Profile, Resources
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query

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


class GraphRetriever(Embedded[_Graph]):
    """`Retriever`, `Projection` and `PassageGraph` over passages and the entities they share.

    A search walks from the query's seeds and from the entities that its text names. Without both
    it finds nothing. Scores are visit frequencies: small, and comparable within one query only.
    """

    name = "graph"
    faults = (MemoryError, OSError)

    def __init__(self, resources: Resources, options: GraphOptions | None = None) -> None:
        self._options = options or GraphOptions()
        fingerprint = f"graph-{files.FORMAT}.{RULES}"
        super().__init__(resources, fingerprint, self._options.search_threads)
        self._stemmer = Stemmer()

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most `k` visible chunks, most visited first, ties by key."""
        graph = self._opened.readable(query.collection)
        if graph is None or not len(graph.view) or k < 1:
            return []
        view = graph.view

        def best(count: int, allowed: Ids | None) -> Mapping[ChunkId, float]:
            return view.best(read(query.text), query.seeds, count, allowed)

        return await self._ranked(query, k, best)

    async def profile(self, query: Query, ids: Sequence[ChunkId]) -> Profile:
        """Terms and entities of the candidates, in the order of `ids`."""
        view = self._view(query.collection)
        return await self._searching.run(
            lambda: view.profile(read(query.text), query.seeds, ids),
        )

    async def named(
        self, collection: CollectionId, ids: Sequence[ChunkId]
    ) -> list[tuple[Named, ...]]:
        """The entities of each passage, in the order of `ids`."""
        view = self._view(collection)
        return await self._searching.run(named, view, ids)

    def names(self, collection: CollectionId) -> Names:
        """The names that may be looked for in a question; costs nothing."""
        return self._view(collection)

    async def health(self) -> Health:
        """Down when every collection is unusable; says how many entities passages have.

        Few mean that the texts name little (no capitals, no titles), and that the graph helps
        little.
        """
        health = await super().health()
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
            async for batch in batches(chunks):
                await self._write(index.fill, await self._passages(collection, batch))
            await self._write(index.finish)
            graph = await self._write(_Graph, index, self._options)
            await self._publish(collection, graph)
            self._opened.put(collection, graph)

    def _view(self, collection: CollectionId) -> View:
        graph = self._opened.readable(collection)
        return graph.view if graph else View(PassageIndex(self._stemmer), self._options)

    async def _passages(self, collection: CollectionId, chunks: Sequence[Chunk]) -> list[Passage]:
        found = await self._chunks.candidates(collection, [chunk.id for chunk in chunks])
        # A chunk deleted meanwhile has no candidates any more; its text still has them.
        return [Passage(c, found[c.id] if c.id in found else candidates(c.text)) for c in chunks]

    async def _loading(self, collection: CollectionId) -> Callable[[], _Graph | None]:
        generations = self._opened.generations(collection)

        def load() -> _Graph | None:
            found = generations.current()
            if found is None:
                return None
            return _Graph(files.load(found.folder, self._stemmer), self._options)

        return load

    async def _empty(self, collection: CollectionId) -> _Graph:
        return _Graph(PassageIndex(self._stemmer), self._options)

    async def _publish(self, collection: CollectionId, graph: _Graph) -> None:
        def save(draft: Path) -> Mapping[str, object]:
            files.save(graph.index, draft)
            return {"passages": len(graph.view)}

        def write() -> None:
            folder = self._opened.generations(collection).write(save)
            if graph.index.worn:
                # What was just written is the same graph without the rows of removed passages.
                graph.index = files.load(folder, self._stemmer)
                graph.publish()

        await self._write(write)
        self._opened.dirty.discard(collection)
