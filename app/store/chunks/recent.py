"""Chunks asked for lately, with the guard that keeps a late reader from restoring the past."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence

from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

# Ids known to have no visible chunk, per collection; more are not worth their memory.
_MAX_ABSENT = 20_000


class Recent:
    """Visible chunks asked for lately, forgotten by document.

    When there is no room, the collection that was asked the longest ago gives up those of its
    chunks that were.

    A reader notes the epoch before it asks the database and hands it back with what it read: if
    something was forgotten in between, what it read may be older than that and is not kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity, self._size = capacity, 0
        self._chunks: OrderedDict[CollectionId, OrderedDict[ChunkId, Chunk]] = OrderedDict()
        self._of_document: dict[DocumentKey, set[ChunkId]] = {}
        self._absent: defaultdict[CollectionId, set[ChunkId]] = defaultdict(set)
        self._epochs: dict[CollectionId, int] = {}

    @property
    def room(self) -> int:
        """How many more chunks fit before old ones make way."""
        return self._capacity - self._size

    def epoch(self, collection: CollectionId) -> int:
        """Changes with every `forget`."""
        return self._epochs.get(collection, 0)

    def look_up(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> tuple[dict[ChunkId, Chunk], list[ChunkId]]:
        """The known chunks, and the ids that nothing is known of."""
        known = self._chunks.get(collection)
        if known is None:
            absent = self._absent.get(collection, ())
            return {}, [id for id in ids if id not in absent]
        self._chunks.move_to_end(collection)
        found = {id: known[id] for id in ids if id in known}
        # With plenty of room the order of use is of no interest yet, and keeping it costs as much
        # as the look-up.
        if self.room <= self._capacity // 4:
            for id in found:
                known.move_to_end(id)
        if len(found) == len(ids):
            return found, []
        absent = self._absent.get(collection, ())
        return found, [id for id in ids if id not in found and id not in absent]

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
        if found:
            known = self._chunks.setdefault(collection, OrderedDict())
            self._chunks.move_to_end(collection)
            before = len(known)
            known.update(found)
            self._size += len(known) - before
            for id, chunk in found.items():
                self._of_document.setdefault(chunk.document, set()).add(id)
        absent = self._absent[collection]
        if len(absent) > _MAX_ABSENT:
            absent.clear()
        absent.update(id for id in asked if id not in found)
        while self._size > self._capacity:
            oldest = next(iter(self._chunks))
            id, chunk = self._chunks[oldest].popitem(last=False)
            self._drop(oldest, chunk.document, [id])

    def forget(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Drop what is known of these documents; None drops the collection."""
        self._epochs[collection] = self.epoch(collection) + 1
        self._absent.pop(collection, None)
        known: dict[ChunkId, Chunk] = self._chunks.get(collection, OrderedDict())
        if documents is None:
            documents = {chunk.document for chunk in known.values()}
        for document in documents:
            ids = self._of_document.get(document, ())
            gone = [id for id in ids if known.pop(id, None) is not None]
            self._drop(collection, document, gone)

    def _drop(
        self, collection: CollectionId, document: DocumentKey, gone: Sequence[ChunkId]
    ) -> None:
        """Account for chunks that were taken out."""
        self._size -= len(gone)
        if not self._chunks.get(collection, True):
            del self._chunks[collection]
        of_document = self._of_document.get(document)
        if of_document is not None:
            of_document.difference_update(gone)
            if not of_document:
                del self._of_document[document]
