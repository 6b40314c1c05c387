"""What every backend with one index per collection in this process does alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import ClassVar, Generic, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from retrievers.errors import RetrieverUnavailable
from retrievers.filters import EVERYTHING
from retrievers.generations import GenerationUnusable
from retrievers.lane import Lane
from retrievers.opened import Opened
from retrievers.protocol import Chunks, Health, Resources
from retrievers.ranking import rank
from retrievers.types import Chunk, ChunkId, CollectionId, Evidence, Query

P = ParamSpec("P")
T = TypeVar("T")
Index = TypeVar("Index")
Ids = npt.NDArray[np.int64]

BATCH = 256


class Embedded(ABC, Generic[Index]):
    """Opens, ranks, drops and closes; a subclass says what its index is.

    Searches run on threads of their own and never wait for a writer; the one writing thread has
    lower priority. Whoever changes an index holds `_opened.changing[collection]`.

    Attributes:
        faults: What the library raises when it fails on its files or its memory.
    """

    name: ClassVar[str]
    faults: ClassVar[tuple[type[Exception], ...]]

    def __init__(
        self,
        resources: Resources,
        fingerprint: str,
        search_threads: int,
        initialise: Callable[[], None] | None = None,
    ) -> None:
        self.fingerprint = fingerprint
        self._chunks: Chunks = resources.chunks
        self._searching = Lane(self.name, search_threads, initialise=initialise)
        self._writing = Lane(f"{self.name}-write", 1, nice=5, initialise=initialise)
        self._opened = Opened[Index](resources.data_dir, self.name, fingerprint)

    @abstractmethod
    async def commit(self, collection: CollectionId) -> None:
        """Return when all that was replaced survives a power cut."""

    @abstractmethod
    async def _loading(self, collection: CollectionId) -> Callable[[], Index | None]:
        """What reads the published index, None if there is none; runs on the writing thread."""

    @abstractmethod
    async def _empty(self, collection: CollectionId) -> Index:
        """An index of nothing."""

    def _discard(self, index: Index) -> None:
        """Let go of what is not published, before the files are deleted; may block."""

    async def health(self) -> Health:
        """Down when every collection is unusable, degraded when some are."""
        return self._opened.health

    async def open(self, collection: CollectionId) -> bool:
        """Load the published index; False when there is none or it cannot be used."""
        async with self._opened.changing[collection]:
            return await self._open(collection)

    async def drop(self, collection: CollectionId) -> None:
        """Forget the collection and delete its files."""
        async with self._opened.changing[collection]:
            index = self._opened.get(collection)
            if index is not None:
                await self._write(self._discard, index)
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

    async def _ranked(
        self, query: Query, k: int, best: Callable[[int, Ids | None], Mapping[ChunkId, float]]
    ) -> list[Evidence]:
        """At most `k` visible chunks, best first, ties by key.

        Args:
            best: The index's best so many, of the ids given (ascending) if any; runs on a
                searching thread.
        """
        allowed = None
        if query.filter != EVERYTHING:
            allowed = await self._chunks.select(query.collection, query.filter)
            if allowed is not None and not len(allowed):
                return []

        async def fetch(n: int) -> Mapping[ChunkId, float]:
            try:
                return await self._searching.run(best, n, allowed)
            except self.faults as error:
                raise RetrieverUnavailable(f"the {self.name} index failed: {error}") from error

        return await rank(self.name, k, fetch, lambda ids: self._chunks.get(query.collection, ids))

    async def _open(self, collection: CollectionId) -> bool:
        if self._opened.get(collection) is not None:
            return True  # the files may be older than what was applied since
        load = await self._loading(collection)
        # Other rules than today's can mislead a reader into the middle two.
        unusable = (GenerationUnusable, LookupError, ValueError)
        try:
            index = await self._writing.run(load)
        except unusable + self.faults as error:
            self._opened.refuse(collection, error)
            return False
        self._opened.forget(collection)
        if index is None:
            return False
        self._opened.put(collection, index)
        return True

    async def _writable(self, collection: CollectionId) -> Index:
        if self._opened.unopened(collection):
            await self._open(collection)
        index = self._opened.readable(collection)
        if index is None:
            index = await self._empty(collection)
            self._opened.put(collection, index)
        return index

    async def _stored(self, collection: CollectionId, ids: Iterable[int]) -> AsyncIterator[Chunk]:
        """Those chunks that the truth still has, for a rebuild out of the index's own ids."""
        wanted = [ChunkId(int(i)) for i in ids]
        for start in range(0, len(wanted), BATCH):
            found = await self._chunks.stored(collection, wanted[start : start + BATCH])
            for chunk in found.values():
                yield chunk

    async def _write(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._writing.run(fn, *args, **kwargs)
        except self.faults as error:
            detail = f"the {self.name} index cannot be written: {error}"
            raise RetrieverUnavailable(detail) from error


async def batches(chunks: AsyncIterator[Chunk]) -> AsyncIterator[list[Chunk]]:
    """The same chunks, some hundreds at a time."""
    batch: list[Chunk] = []
    async for chunk in chunks:
        batch.append(chunk)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
