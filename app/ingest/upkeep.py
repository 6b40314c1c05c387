"""Removes what nobody can see any more, when there is nothing better to do."""

from __future__ import annotations

import asyncio
import logging

from app.ingest.indexers import Indexers
from app.ingest.isolate import PASSING
from app.store.collections import Collections
from app.store.documents import Documents

LOG = logging.getLogger("anabranch.upkeep")
_ROWS = 200  # versions and documents of one transaction: writers wait no longer than that takes


class Upkeep:
    """Purges retired versions, tombstones and deleted collections, a little at a time."""

    def __init__(
        self,
        collections: Collections,
        documents: Documents,
        indexers: Indexers,
        every_s: float = 60.0,
    ) -> None:
        self._collections, self._documents, self._indexers = collections, documents, indexers
        self._every_s = every_s
        self._wanted = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._serve(), name="upkeep")

    def wake(self) -> None:
        """There is something to remove."""
        self._wanted.set()

    async def close(self) -> None:
        """Stop between two transactions."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def run(self) -> None:
        """Remove all that can be removed now.

        Raises:
            StorageUnavailable: It cannot be written now.
            RetrieverError: An index cannot be deleted now.
        """
        for collection in await self._collections.deleted():
            await self._indexers.drop(collection)
            while not await self._collections.purge_deleted(collection, _ROWS):
                pass
        while await self._documents.purge(_ROWS):
            pass

    async def _serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._every_s):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                await self.run()
            except PASSING as error:
                LOG.warning("upkeep is put off: %s", error)
