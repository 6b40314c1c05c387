"""All projections together: changes go to every one at once, durability follows when idle."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from app.ingest.indexer import Indexer
from app.ingest.isolate import PASSING
from retrievers.types import CollectionId, DocumentKey

T = TypeVar("T")

LOG = logging.getLogger("anabranch.indexers")


@dataclass(frozen=True, slots=True)
class IndexersOptions:
    """When background work is done, in seconds."""

    flush_every_s: float = 30.0
    idle_s: float = 2.0  # without changes before what was applied is made durable
    gather_s: float = 0.2  # deletes that come close together are applied together
    retry_s: float = 5.0


class Indexers:
    """The indexers, and two loops: one applies what nobody waits for, one makes it durable."""

    def __init__(self, indexers: Sequence[Indexer], options: IndexersOptions | None = None) -> None:
        self._indexers, self._options = indexers, options or IndexersOptions()
        self._wanted: dict[CollectionId, set[DocumentKey] | None] = {}  # None: all documents
        self._called, self._dirty = asyncio.Event(), asyncio.Event()
        self._changed_at = 0.0
        self._dropped: set[CollectionId] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._rebuilds: dict[asyncio.Task[None], tuple[str, CollectionId]] = {}

    async def start(self, collections: Sequence[CollectionId]) -> None:
        """Open every index and replay what a crash left; those that cannot be used are rebuilt.

        Rebuilding goes on in the background: until it is done, the channel says of itself that it
        is down for the collection. The same goes for trouble that may pass, such as a full disk.
        """
        for collection in collections:
            opened = await _all([_opened(indexer, collection) for indexer in self._indexers])
            for indexer, usable in zip(self._indexers, opened, strict=True):
                if not usable:
                    task = asyncio.create_task(self._bring_up(indexer, collection))
                    self._rebuilds[task] = indexer.name, collection
        self._touch()
        self._loops = [
            asyncio.create_task(self._apply_when_called(), name="indexers-apply"),
            asyncio.create_task(self._flush_when_idle(), name="indexers-flush"),
        ]

    @property
    def rebuilding(self) -> list[tuple[str, CollectionId]]:
        """Projections that are being built anew, with the collection."""
        return [place for task, place in self._rebuilds.items() if not task.done()]

    async def rebuilt(self) -> None:
        """Return when no rebuild is left to wait for."""
        await asyncio.gather(*self._rebuilds)

    async def settle(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Return when every projection finds these documents (None = all) as they now are.

        Raises:
            RetrieverError: A projection cannot take them now; the marks stay.
            StorageUnavailable: The marks cannot be read.
        """
        if collection in self._dropped:
            return  # its jobs may still run for a moment
        try:
            await _all([indexer.apply(collection, documents) for indexer in self._indexers])
        finally:
            self._touch()

    def changed(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Have marked documents applied soon; a listener for `Changes`. None = all marked ones."""
        wanted = self._wanted.setdefault(collection, set())
        if documents is None:
            self._wanted[collection] = None
        elif wanted is not None:
            wanted.update(documents)
        self._called.set()

    async def flush(self) -> None:
        """Make all that was applied durable.

        Raises:
            RetrieverError: A projection cannot be written; its marks stay.
        """
        await _all([indexer.flush(place) for indexer in self._indexers for place in indexer.dirty])

    async def drop(self, collection: CollectionId) -> None:
        """Delete the indexes of a deleted collection, for good."""
        self._dropped.add(collection)
        self._wanted.pop(collection, None)
        await _all([indexer.drop(collection) for indexer in self._indexers])

    async def close(self) -> None:
        """Stop the loops and make durable what can be; a crash here only costs time at start."""
        tasks = [*self._loops, *self._rebuilds]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _tried("flushing", self.flush)

    async def _bring_up(self, indexer: Indexer, collection: CollectionId) -> None:
        async def work() -> None:
            if not await indexer.open(collection):
                await indexer.rebuild(collection)

        while collection not in self._dropped:
            if await _tried(f"rebuilding {indexer.name}", work):
                break
            await asyncio.sleep(self._options.retry_s)
        self._touch()

    async def _apply_when_called(self) -> None:
        while True:
            await self._called.wait()
            await asyncio.sleep(self._options.gather_s)
            self._called.clear()
            wanted, self._wanted = self._wanted, {}
            for collection, documents in wanted.items():
                if not await _tried("applying", partial(self.settle, collection, documents)):
                    await asyncio.sleep(self._options.retry_s)
                    self.changed(collection, documents)

    async def _flush_when_idle(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            latest = time.monotonic() + self._options.flush_every_s
            while True:  # until nothing has changed for a while
                due = min(latest, self._changed_at + self._options.idle_s)
                if (pause := due - time.monotonic()) <= 0:
                    break
                await asyncio.sleep(pause)
            if not await _tried("flushing", self.flush):
                await asyncio.sleep(self._options.retry_s)
                self._dirty.set()

    def _touch(self) -> None:
        self._changed_at = time.monotonic()
        if any(indexer.dirty for indexer in self._indexers):
            self._dirty.set()


async def _opened(indexer: Indexer, collection: CollectionId) -> bool:
    try:
        return await indexer.open(collection)
    except PASSING as error:
        LOG.warning("%s cannot be opened yet: %s", indexer.name, error)
        return False


async def _all(works: Sequence[Awaitable[T]]) -> list[T]:
    """All results; after an error the others still run to their end, and the first is raised."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def _tried(what: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Whether it worked; trouble that may pass is logged."""
    try:
        await work()
    except PASSING as error:
        LOG.warning("%s failed and will be tried again: %s", what, error)
        return False
    return True
