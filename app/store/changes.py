"""What writers of this process tell the caches of this process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from retrievers.types import CollectionId, DocumentKey

Listener = Callable[[CollectionId, Collection[DocumentKey] | None], None]
"""Told which documents of a collection may look different now; None = all of them."""


@dataclass(slots=True)
class Touched:
    """What one transaction touched so far."""

    documents: dict[CollectionId, set[DocumentKey]] = field(default_factory=dict)
    collections: set[CollectionId] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)

    def add(self, collection: CollectionId, documents: Collection[DocumentKey]) -> None:
        """Note documents whose visible content changes."""
        self.documents.setdefault(collection, set()).update(documents)


class Changes:
    """Listeners for documents, counters for everything else that is cached by topic."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._stamps: dict[str, int] = {}

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change, for as long as this object lives."""
        self._listeners.append(listener)

    def stamp(self, topic: str) -> int:
        """How often the topic was touched: what was read under an older stamp is no longer good."""
        return self._stamps.get(topic, 0)

    @contextmanager
    def announced(self) -> Iterator[Touched]:
        """Collects what a transaction touches and announces it when the block is left.

        Also after an error: forgetting too much is safe, and a commit whose confirmation got lost
        may have happened all the same.
        """
        touched = Touched()
        try:
            yield touched
        finally:
            for topic in touched.topics:
                self._stamps[topic] = self.stamp(topic) + 1
            for collection in touched.collections:
                self._tell(collection, None)
            for collection, documents in touched.documents.items():
                self._tell(collection, documents)

    def _tell(self, collection: CollectionId, documents: Collection[DocumentKey] | None) -> None:
        for listener in self._listeners:
            listener(collection, documents)
