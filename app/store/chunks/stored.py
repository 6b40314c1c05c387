"""The truth about chunks: which are visible, what they say, which a filter lets through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from app.store.chunks.hydrate import LIVE, STORED, hydrated, select_chunks
from app.store.chunks.recent import Recent
from app.store.chunks.selection import Selection
from app.store.session import Database
from app.store.statements import batched
from app.store.tables import chunks, collections
from app.store.tables import documents as documents_table
from retrievers.filters import EVERYTHING, Filter
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

_PAGE = 1_000
_AHEAD = 200  # documents read ahead at a time: a few milliseconds of the event loop


class StoredChunks:
    """`retrievers.protocol.Chunks` over SQL, with the visible chunks asked for last in memory.

    Writers in this process announce what they change, so nobody has to call `forget`. When the
    process is not the only writer, each call first reads the collection's revision.

    Args:
        capacity: Chunks kept in memory.
    """

    def __init__(self, database: Database, capacity: int = 50_000) -> None:
        self._database = database
        self._recent = Recent(capacity)
        self._selection = Selection(database)
        self._revisions: dict[CollectionId, int | None] = {}
        database.changes.subscribe(self.forget)

    async def get(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """The visible ones among `ids`; no SQL when all were asked for lately."""
        if not self._database.exclusive:
            await self._follow(collection)
        found, unknown = self._recent.look_up(collection, ids)
        if unknown:
            epoch = self._recent.epoch(collection)
            read = await self._read(collection, unknown, LIVE)
            self._recent.keep(collection, epoch, unknown, read)
            found.update(read)
        return found

    async def stored(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """Like `get`, also of versions that are still being built; always SQL."""
        return await self._read(collection, ids, STORED)

    async def candidates(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Mapping[str, int]]:
        """Entity candidates of stored chunks, those of a document being removed included."""
        found: dict[ChunkId, Mapping[str, int]] = {}
        async with self._database.read() as connection:
            for batch in batched(ids):
                rows = await connection.execute(
                    select(chunks.c.id, chunks.c.candidates).where(
                        chunks.c.collection + 0 == collection, chunks.c.id.in_(_plain(batch))
                    )
                )
                found.update((ChunkId(id), spans) for id, spans in rows)
        return found

    async def select(
        self, collection: CollectionId, condition: Filter
    ) -> npt.NDArray[np.int64] | None:
        """Ids of visible chunks whose document satisfies the filter, ascending; None = all.

        Built-in keys: `$document_id`, `$title`, `$media_type`, `$created_at` and `$updated_at`
        (RFC 3339, UTC, microseconds). The array is shared and read-only.
        """
        if condition == EVERYTHING:
            return None
        if not self._database.exclusive:
            await self._follow(collection)
        return await self._selection.ids(collection, condition)

    async def of_documents(
        self, collection: CollectionId, documents: Collection[DocumentKey]
    ) -> dict[DocumentKey, list[Chunk]]:
        """Chunks (live and building) of each document, by ordinal; a document without is absent.

        A chunk of both versions is there once, as the building one has it.
        """
        found: dict[DocumentKey, list[Chunk]] = {}
        async with self._database.read() as connection:
            for batch in batched(documents):
                rows = await connection.execute(
                    select_chunks(collection, STORED).where(chunks.c.document.in_(batch))
                )
                for chunk in hydrated(rows).values():
                    found.setdefault(chunk.document, []).append(chunk)
        for held in found.values():
            held.sort(key=lambda chunk: (chunk.ordinal, chunk.key))
        return found

    async def everything(self, collection: CollectionId) -> AsyncIterator[Chunk]:
        """Every chunk (live and building) by ascending id, read in pages: writes may go on."""
        after = 0
        while True:
            ahead = (
                select(chunks.c.id)
                .where(chunks.c.collection == collection, chunks.c.id > after)
                .order_by(chunks.c.id)
                .limit(_PAGE)
                .subquery()
            )
            async with self._database.read() as connection:
                last = await connection.scalar(select(func.max(ahead.c.id)))
                if last is None:
                    return
                rows = await connection.execute(
                    select_chunks(collection, STORED)
                    .where(
                        chunks.c.collection == collection,
                        chunks.c.id > after,
                        chunks.c.id <= last,
                    )
                    .order_by(chunks.c.id)
                )
                page = hydrated(rows)
            for chunk in page.values():
                yield chunk
            after = last

    async def warm(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Read visible chunks of these documents (None = all) into memory while there is room."""
        if documents is None:
            documents = await self._documents(collection)
        for batch in batched(documents, _AHEAD):
            if self._recent.room <= 0:
                return
            epoch = self._recent.epoch(collection)
            async with self._database.read() as connection:
                rows = await connection.execute(
                    select_chunks(collection, LIVE).where(chunks.c.document.in_(batch))
                )
                read = hydrated(rows)
            self._recent.keep(collection, epoch, (), read)

    async def count(self, collection: CollectionId) -> int:
        """How many chunks are visible."""
        counted = select_chunks(collection, LIVE).where(chunks.c.collection == collection)
        counted = counted.with_only_columns(func.count())
        async with self._database.read() as connection:
            return await connection.scalar(counted) or 0

    def forget(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Drop what is remembered of these documents (None = all of the collection)."""
        self._recent.forget(collection, documents)
        self._selection.forget(collection, documents)

    async def _documents(self, collection: CollectionId) -> list[DocumentKey]:
        wanted = (
            select(documents_table.c.id)
            .where(documents_table.c.collection == collection)
            .order_by(documents_table.c.id)
            .limit(self._recent.room)
        )
        async with self._database.read() as connection:
            return [DocumentKey(id) for id in await connection.scalars(wanted)]

    async def _read(
        self, collection: CollectionId, ids: Collection[ChunkId], states: tuple[str, ...]
    ) -> dict[ChunkId, Chunk]:
        found: dict[ChunkId, Chunk] = {}
        async with self._database.read() as connection:
            for batch in batched(ids):
                rows = await connection.execute(
                    select_chunks(collection, states).where(chunks.c.id.in_(_plain(batch)))
                )
                found.update(hydrated(rows))
        return found

    async def _follow(self, collection: CollectionId) -> None:
        """Forget the collection if another process changed it."""
        async with self._database.read() as connection:
            revision = await connection.scalar(
                select(collections.c.revision).where(collections.c.id == collection)
            )
        if self._revisions.get(collection, -1) != revision:
            self._revisions[collection] = revision
            self.forget(collection)


def _plain(ids: Collection[ChunkId]) -> list[int]:
    # Retrievers hold ids in arrays, and no driver binds a NumPy integer.
    return [int(id) for id in ids]
