"""Keeps one projection equal to the truth, mark by mark.

Marks say "look again", so order and repetition do not matter: marks are read first and content
second, and a change in between leaves a newer mark behind. A mark is acknowledged only when what
it led to is durable in the projection; a crash anywhere before that replays it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from app.store.stale import Mark
from retrievers.protocol import Projection
from retrievers.types import Chunk, CollectionId, DocumentKey

BATCH = 512
"""Documents that are read and replaced at a time."""


class Marks(Protocol):
    """What is stale (`app.store.stale.StaleMarks`)."""

    async def read(
        self,
        projection: str,
        collection: CollectionId,
        limit: int,
        after: int = 0,
        among: Collection[DocumentKey] | None = None,
    ) -> list[Mark]:
        """Marks in ascending order of document."""
        ...

    async def acknowledge(self, projection: str, marks: Sequence[Mark]) -> None:
        """Delete marks whose token is unchanged."""
        ...

    async def clear(self, projection: str, collection: CollectionId) -> None:
        """Delete all marks of a collection."""
        ...


class Truth(Protocol):
    """Chunks that are live or being built (`app.store.chunks.StoredChunks`)."""

    async def of_documents(
        self, collection: CollectionId, documents: Collection[DocumentKey]
    ) -> Mapping[DocumentKey, Sequence[Chunk]]:
        """By document; one without chunks is absent."""
        ...

    def everything(self, collection: CollectionId) -> AsyncIterator[Chunk]:
        """All chunks by ascending id."""
        ...


class Indexer:
    """Brings one projection up to date. Marks applied and not yet durable live in memory only."""

    def __init__(self, projection: Projection, marks: Marks, truth: Truth) -> None:
        self._projection, self._marks, self._truth = projection, marks, truth
        self._applied: defaultdict[CollectionId, dict[DocumentKey, str]] = defaultdict(dict)
        self._turn: defaultdict[CollectionId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._opened: set[CollectionId] = set()

    @property
    def name(self) -> str:
        """Of the projection."""
        return self._projection.name

    @property
    def dirty(self) -> list[CollectionId]:
        """Collections with applied changes that are not yet durable."""
        return [collection for collection, applied in self._applied.items() if applied]

    async def open(self, collection: CollectionId) -> bool:
        """Load the index and replay marks that a crash left; False: it must be rebuilt first.

        Raises:
            RetrieverError: The backend is broken.
        """
        async with self._turn[collection]:
            # Whatever was applied and not made durable may be gone from what is loaded.
            self._applied.pop(collection, None)
            if not await self._projection.open(collection):
                return False
            self._opened.add(collection)
            await self._apply(collection, None)
            return True

    async def rebuild(self, collection: CollectionId) -> None:
        """Build the index anew from the truth; changes of the collection wait for it."""
        async with self._turn[collection]:
            await self._rebuild(collection)
            await self._apply(collection, None)

    async def apply(
        self, collection: CollectionId, among: Collection[DocumentKey] | None = None
    ) -> int:
        """Make what is marked searchable as it now is; returns how many documents were replaced.

        Args:
            among: Only these documents.

        Raises:
            RetrieverError: The projection cannot take it now; the marks stay.
        """
        async with self._turn[collection]:
            if collection not in self._opened:
                if not await self._projection.open(collection):
                    await self._rebuild(collection)
                self._opened.add(collection)
            return await self._apply(collection, among)

    async def flush(self, collection: CollectionId) -> None:
        """Make durable what was applied, and only then forget its marks."""
        applied = dict(self._applied[collection])
        if not applied:
            return
        # Not under the lock: a change applied meanwhile has a newer token and keeps its mark.
        await self._projection.commit(collection)
        await self._acknowledge(collection, applied)

    async def drop(self, collection: CollectionId) -> None:
        """Delete the index of a deleted collection."""
        async with self._turn[collection]:
            await self._projection.drop(collection)
            await self._marks.clear(self.name, collection)
            self._opened.discard(collection)
            self._applied.pop(collection, None)

    async def _apply(self, collection: CollectionId, among: Collection[DocumentKey] | None) -> int:
        replaced = after = 0
        while True:
            marks = await self._marks.read(self.name, collection, BATCH, after, among)
            applied = self._applied[collection]
            fresh = [mark for mark in marks if applied.get(mark.document) != mark.token]
            if fresh:
                keys = [mark.document for mark in fresh]
                current = await self._truth.of_documents(collection, keys)
                await self._projection.replace(
                    collection, {key: current.get(key, ()) for key in keys}
                )
                applied.update((mark.document, mark.token) for mark in fresh)
                replaced += len(fresh)
            if len(marks) < BATCH:
                return replaced
            after = marks[-1].document

    async def _rebuild(self, collection: CollectionId) -> None:
        marks = await self._all_marks(collection)
        await self._projection.rebuild(collection, self._truth.everything(collection))
        self._opened.add(collection)
        await self._acknowledge(collection, {mark.document: mark.token for mark in marks})

    async def _acknowledge(
        self, collection: CollectionId, tokens: Mapping[DocumentKey, str]
    ) -> None:
        marks = [Mark(document, token) for document, token in tokens.items()]
        await self._marks.acknowledge(self.name, marks)
        applied = self._applied[collection]
        for document, token in tokens.items():
            if applied.get(document) == token:
                del applied[document]

    async def _all_marks(self, collection: CollectionId) -> list[Mark]:
        found: list[Mark] = []
        while True:
            after = found[-1].document if found else 0
            page = await self._marks.read(self.name, collection, BATCH, after)
            found += page
            if len(page) < BATCH:
                return found
