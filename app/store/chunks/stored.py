"""The truth about chunks: which are visible, what they say, which a filter lets through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping

import numpy as np
import numpy.typing as npt

from app.store.session import Database
from retrievers.filters import Filter
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey


class StoredChunks:
    """`retrievers.protocol.Chunks` over SQL, with the visible chunks asked for last in memory.

    Writers in this process announce what they change, so nobody has to call `forget`. When the
    process is not the only writer, each call first reads the collection's revision.

    Args:
        capacity: Chunks kept in memory.
    """

    def __init__(self, database: Database, capacity: int = 65_536) -> None:
        raise NotImplementedError

    async def get(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """The visible ones among `ids`; no SQL when all were asked for lately."""
        raise NotImplementedError

    async def stored(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """Like `get`, also of versions that are still being built; always SQL."""
        raise NotImplementedError

    async def candidates(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Mapping[str, int]]:
        """Entity candidates of stored chunks (live and building)."""
        raise NotImplementedError

    async def select(
        self, collection: CollectionId, condition: Filter
    ) -> npt.NDArray[np.int64] | None:
        """Ids of visible chunks whose document satisfies the filter, ascending; None = all."""
        raise NotImplementedError

    async def of_documents(
        self, collection: CollectionId, documents: Collection[DocumentKey]
    ) -> dict[DocumentKey, list[Chunk]]:
        """Chunks (live and building) of each document, by ordinal; a document without is absent.

        A chunk of both versions is there once, as the building one has it.
        """
        raise NotImplementedError

    def everything(self, collection: CollectionId) -> AsyncIterator[Chunk]:
        """Every chunk (live and building) by ascending id, read in pages: writes may go on."""
        raise NotImplementedError

    async def count(self, collection: CollectionId) -> int:
        """How many chunks are visible."""
        raise NotImplementedError

    def forget(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Drop what is remembered of these documents (None = all of the collection)."""
        raise NotImplementedError
