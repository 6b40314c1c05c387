"""Removes what nobody can see any more, when there is nothing better to do."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from app.ingest.indexers import Indexers
from app.ingest.isolate import PASSING
from app.store.answers import Answers
from app.store.collections import Collections
from app.store.documents import Documents

LOG = logging.getLogger("anabranch.upkeep")
_ROWS = 200  # versions and documents of one transaction: writers wait no longer than that takes


@dataclass(frozen=True, slots=True)
class UpkeepOptions:
    """When things are removed."""

    every_s: float = 60.0
    keep_answers: timedelta = timedelta(days=30)


class Upkeep:
    """Purges retired versions, tombstones, deleted collections and old answers, bit by bit."""

    def __init__(
        self,
        collections: Collections,
        documents: Documents,
        indexers: Indexers,
        answers: Answers,
        options: UpkeepOptions | None = None,
    ) -> None:
        self._collections, self._documents, self._indexers = collections, documents, indexers
        self._answers, self._options = answers, options or UpkeepOptions()
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
        while await self._answers.purge(self._options.keep_answers, _ROWS) == _ROWS:
            pass

    async def _serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._options.every_s):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                await self.run()
            except PASSING as error:
                LOG.warning("upkeep is put off: %s", error)
