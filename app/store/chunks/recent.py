"""Chunks asked for lately, with the guard that keeps a late reader from restoring the past."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping

from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

# Ids known to have no visible chunk, per collection; more are not worth their memory.
_MAX_ABSENT = 20_000


class Recent:
    """Least recently used visible chunks, forgotten by document.

    A reader notes the epoch before it asks the database and hands it back with what it read: if
    something was forgotten in between, what it read may be older than that and is not kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: OrderedDict[ChunkId, tuple[CollectionId, Chunk]] = OrderedDict()
        self._of_document: dict[DocumentKey, set[ChunkId]] = {}
        self._absent: defaultdict[CollectionId, set[ChunkId]] = defaultdict(set)
        self._epochs: dict[CollectionId, int] = {}

    @property
    def room(self) -> int:
        """How many more chunks fit before old ones make way."""
        return self._capacity - len(self._chunks)

    def epoch(self, collection: CollectionId) -> int:
        """Changes with every `forget`."""
        return self._epochs.get(collection, 0)

    def look_up(
        self, collection: CollectionId, ids: Iterable[ChunkId]
    ) -> tuple[dict[ChunkId, Chunk], list[ChunkId]]:
        """The known chunks, and the ids that nothing is known of."""
        found: dict[ChunkId, Chunk] = {}
        unknown: list[ChunkId] = []
        chunks, absent = self._chunks, self._absent.get(collection, ())
        # With plenty of room the order of use is of no interest yet, and keeping it costs as much
        # as the look-up.
        ordered = self.room <= self._capacity // 4
        for id in ids:
            entry = chunks.get(id)
            if entry is None:
                if id not in absent:
                    unknown.append(id)
            elif entry[0] == collection:
                if ordered:
                    chunks.move_to_end(id)
                found[id] = entry[1]
        return found, unknown

    def keep(
        self,
        collection: CollectionId,
        epoch: int,
        asked: Collection[ChunkId],
        found: Mapping[ChunkId, Chunk],
    ) -> None:
        """Remember what was read for `asked` since `epoch`."""
        if epoch != self.epoch(collection):
            return
        for id, chunk in found.items():
            self._chunks[id] = (collection, chunk)
            self._of_document.setdefault(chunk.document, set()).add(id)
        absent = self._absent[collection]
        if len(absent) > _MAX_ABSENT:
            absent.clear()
        absent.update(id for id in asked if id not in found)
        while len(self._chunks) > self._capacity:
            id, (_, chunk) = self._chunks.popitem(last=False)
            of_document = self._of_document[chunk.document]
            of_document.discard(id)
            if not of_document:
                del self._of_document[chunk.document]

    def forget(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Drop what is known of these documents; None drops the collection."""
        self._epochs[collection] = self.epoch(collection) + 1
        self._absent.pop(collection, None)
        if documents is None:
            documents = [
                chunk.document for owner, chunk in self._chunks.values() if owner == collection
            ]
        for document in documents:
            for id in self._of_document.pop(document, ()):
                del self._chunks[id]
