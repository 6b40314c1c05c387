"""What a retriever with one index per collection knows of each: open, new, or unusable and why."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Generic, TypeVar

from retrievers.errors import RetrieverUnavailable
from retrievers.generations import Generations
from retrievers.protocol import Health
from retrievers.types import CollectionId

Index = TypeVar("Index")


class Opened(Generic[Index]):
    """The open indexes of one projection. Used from the event loop only.

    Attributes:
        changing: One lock per collection; whoever changes an index or its state holds it.
        dirty: Collections with changes that are searchable but not yet durable.
    """

    def __init__(self, data_dir: Path, name: str, fingerprint: str) -> None:
        self._data_dir, self._name, self._fingerprint = data_dir, name, fingerprint
        self._indexes: dict[CollectionId, Index] = {}
        self._reasons: dict[CollectionId, str] = {}
        self._generations: dict[CollectionId, Generations] = {}
        self.changing: defaultdict[CollectionId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.dirty: set[CollectionId] = set()

    def generations(self, collection: CollectionId) -> Generations:
        """The published states of a collection's index."""
        if collection not in self._generations:
            root = self._data_dir / "indexes" / str(collection) / self._name
            self._generations[collection] = Generations(root, self._fingerprint)
        return self._generations[collection]

    def readable(self, collection: CollectionId) -> Index | None:
        """The index to search; None for a collection that has none yet.

        Raises:
            RetrieverUnavailable: There is one, but it is damaged or not open.
        """
        index = self._indexes.get(collection)
        if index is None:
            if reason := self._reasons.get(collection):
                raise RetrieverUnavailable(reason)
            if self.generations(collection).exists():
                raise RetrieverUnavailable(f"the {self._name} index is not open yet")
        return index

    def get(self, collection: CollectionId) -> Index | None:
        """The open index, if any."""
        return self._indexes.get(collection)

    def everything(self) -> list[Index]:
        """All open indexes."""
        return list(self._indexes.values())

    def unopened(self, collection: CollectionId) -> bool:
        """Whether nobody has tried to open this collection."""
        return collection not in self._indexes and collection not in self._reasons

    def put(self, collection: CollectionId, index: Index) -> Index | None:
        """From now on this index answers; returns the one that did."""
        self._reasons.pop(collection, None)
        before = self._indexes.get(collection)
        self._indexes[collection] = index
        return before

    def refuse(self, collection: CollectionId, error: Exception) -> None:
        """Until `put`, searches are told that the index must be rebuilt."""
        self.forget(collection)
        self._reasons[collection] = f"the {self._name} index must be rebuilt: {error}"

    def forget(self, collection: CollectionId) -> None:
        """As if the collection had never been seen."""
        self._indexes.pop(collection, None)
        self._reasons.pop(collection, None)
        self.dirty.discard(collection)

    def clear(self) -> None:
        """Let go of all indexes."""
        self._indexes.clear()

    @property
    def health(self) -> Health:
        """Down when every collection is unusable, degraded when some are."""
        if not self._reasons:
            return Health("ok")
        detail = "; ".join(sorted(set(self._reasons.values()))[:3])
        return Health("degraded" if self._indexes else "down", detail)
