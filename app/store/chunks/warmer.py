"""Reads chunks ahead of the questions: at the start all that fit, later those that changed.

A question asks for some two hundred chunks. From memory they cost microseconds, from SQL about as
much as encoding the question.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from app.domain.errors import StorageUnavailable
from app.store.chunks.stored import StoredChunks
from retrievers.types import CollectionId, DocumentKey

LOG = logging.getLogger("anabranch.chunks")


class Warmer:
    """Background reader; nothing waits for it, and what it misses is read when asked for.

    Args:
        gather_s: Changes that come close together are read together.
    """

    def __init__(self, chunks: StoredChunks, gather_s: float = 0.5) -> None:
        self._chunks, self._gather_s = chunks, gather_s
        self._wanted: dict[CollectionId, set[DocumentKey] | None] = {}
        self._called, self._idle = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self, collections: Sequence[CollectionId]) -> None:
        """Begin with all of these."""
        for collection in collections:
            self.changed(collection)
        self._loop = asyncio.create_task(self._serve(), name="chunks-warmer")

    def changed(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """A listener for `Changes`."""
        wanted = self._wanted.setdefault(collection, set())
        if documents is None:
            self._wanted[collection] = None
        elif wanted is not None:
            wanted.update(documents)
        self._idle.clear()
        self._called.set()

    async def idle(self) -> None:
        """Return when nothing is left to read."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            await self._called.wait()
            await asyncio.sleep(self._gather_s)
            self._called.clear()
            wanted, self._wanted = self._wanted, {}
            for collection, documents in wanted.items():
                try:
                    await self._chunks.warm(collection, documents)
                except StorageUnavailable as error:
                    LOG.warning("chunks are not read ahead now: %s", error)
            if not self._wanted:
                self._idle.set()
