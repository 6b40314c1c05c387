"""Real in-memory implementations of the project's protocols, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from retrievers.filters import EVERYTHING, Filter, MetadataValue, matches
from retrievers.graph.linking import candidates
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

HERE, ELSEWHERE = CollectionId(1), CollectionId(2)


@dataclass
class _Entry:
    key: DocumentKey
    chunks: list[Chunk]
    building: list[Chunk] = field(default_factory=list)


class Shelf:
    """The truth about chunks: `Chunks` over documents that can be put, staged and deleted.

    One chunk per paragraph (blank lines between). A chunk keeps its id while its document keeps
    title and paragraph; ids are never used again.
    """

    def __init__(self) -> None:
        self._documents: dict[tuple[CollectionId, str], _Entry] = {}
        self._next_chunk, self._next_document = 1, 1

    def put(
        self,
        document_id: str,
        text: str,
        title: str = "",
        metadata: Mapping[str, MetadataValue] | None = None,
        collection: CollectionId = HERE,
        context: str = "",
    ) -> DocumentKey:
        """Add a document or replace its content, visible at once."""
        entry = self._entry(collection, document_id)
        entry.chunks = list(self._cut(entry, document_id, text, title, context, metadata or {}))
        return entry.key

    def stage(
        self, document_id: str, text: str, title: str = "", collection: CollectionId = HERE
    ) -> DocumentKey:
        """Give a document a version that is still being built: stored, not visible."""
        entry = self._entry(collection, document_id)
        entry.building = list(self._cut(entry, document_id, text, title, "", {}))
        return entry.key

    def delete(self, document_id: str, collection: CollectionId = HERE) -> DocumentKey:
        """Remove a document, visible at once; its key is gone for good."""
        return self._documents.pop((collection, document_id)).key

    def documents(self, collection: CollectionId = HERE) -> dict[DocumentKey, list[Chunk]]:
        """Stored chunks by document, as an indexer hands them to a projection."""
        return {
            entry.key: list({c.id: c for c in (*entry.chunks, *entry.building)}.values())
            for (where, _), entry in self._documents.items()
            if where == collection
        }

    def chunks(self, collection: CollectionId = HERE) -> list[Chunk]:
        """Visible chunks, ascending by id."""
        found = [
            chunk
            for (where, _), entry in self._documents.items()
            if where == collection
            for chunk in entry.chunks
        ]
        return sorted(found, key=lambda chunk: chunk.id)

    async def everything(self, collection: CollectionId = HERE) -> AsyncIterator[Chunk]:
        """Stored chunks, ascending by id, for a rebuild."""
        stored = [chunk for chunks in self.documents(collection).values() for chunk in chunks]
        for chunk in sorted(stored, key=lambda chunk: chunk.id):
            yield chunk

    async def get(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """The visible ones among `ids`."""
        wanted = set(ids)
        return {chunk.id: chunk for chunk in self.chunks(collection) if chunk.id in wanted}

    async def stored(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """Also those of versions that are still being built."""
        wanted = set(ids)
        chunks = [chunk for chunks in self.documents(collection).values() for chunk in chunks]
        return {chunk.id: chunk for chunk in chunks if chunk.id in wanted}

    async def candidates(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Mapping[str, int]]:
        """Entity candidates of stored chunks."""
        stored = await self.stored(collection, ids)
        return {chunk.id: candidates(chunk.text) for chunk in stored.values()}

    async def select(
        self, collection: CollectionId, condition: Filter
    ) -> npt.NDArray[np.int64] | None:
        """Ids of the visible chunks whose document satisfies the filter."""
        if condition == EVERYTHING:
            return None
        chosen = [
            chunk.id
            for chunk in self.chunks(collection)
            if matches(
                condition,
                {**chunk.metadata, "$title": chunk.title, "$document_id": chunk.document_id},
            )
        ]
        return np.array(chosen, np.int64)

    def _entry(self, collection: CollectionId, document_id: str) -> _Entry:
        if (collection, document_id) not in self._documents:
            entry = _Entry(DocumentKey(self._next_document), [])
            self._next_document += 1
            self._documents[collection, document_id] = entry
        return self._documents[collection, document_id]

    def _cut(
        self,
        entry: _Entry,
        document_id: str,
        text: str,
        title: str,
        context: str,
        metadata: Mapping[str, MetadataValue],
    ) -> Iterator[Chunk]:
        known = {chunk.key: chunk.id for chunk in (*entry.chunks, *entry.building)}
        start = 0
        for ordinal, paragraph in enumerate(text.split("\n\n")):
            content = "\0".join((document_id, title, context, str(ordinal), paragraph))
            digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
            key = f"chk_{digest[:20]}"
            if key not in known:
                known[key] = ChunkId(self._next_chunk)
                self._next_chunk += 1
            yield Chunk(
                id=known[key],
                key=key,
                document=entry.key,
                document_id=document_id,
                title=title,
                context=context,
                text=paragraph,
                start=start,
                end=start + len(paragraph),
                ordinal=ordinal,
                metadata=metadata,
            )
            start += len(paragraph) + 2
