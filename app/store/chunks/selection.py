"""Filters to ids, remembered until the collection changes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection

from app.store.chunks.catalogue import Entry, Ids, chosen, read_entries
from app.store.session import Database
from retrievers.filters import Filter
from retrievers.types import CollectionId, DocumentKey

# Collections whose metadata is held, and ids in remembered results (8 bytes each). A result that
# holds none takes room too: questions whose filter is new each time would fill the memory with it.
_MAX_CATALOGUES = 8
_MAX_IDS = 4_000_000
_OVERHEAD = 64


class Selection:
    """Answers filters from a catalogue of the live documents.

    The catalogue is read on the first filter and then follows the changes document by document.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalogues: OrderedDict[CollectionId, dict[DocumentKey, Entry]] = OrderedDict()
        self._dirty: dict[CollectionId, set[DocumentKey]] = {}
        self._epochs: dict[CollectionId, int] = {}
        self._results: OrderedDict[tuple[CollectionId, int, bytes], Ids] = OrderedDict()
        self._size = 0

    async def ids(self, collection: CollectionId, condition: Filter) -> Ids:
        """Ids of visible chunks whose document satisfies the condition, ascending, read-only."""
        epoch = self._epochs.get(collection, 0)
        # By its text: as keys of a dict, the values 1 and True would be one.
        text = repr(condition).encode("utf-8", "surrogatepass")
        key = (collection, epoch, hashlib.blake2b(text, digest_size=20).digest())
        known = self._results.get(key)
        if known is not None:
            self._results.move_to_end(key)
            return known
        entries = await self._catalogue(collection, epoch)
        ids = await chosen(list(entries.values()), condition)
        if epoch == self._epochs.get(collection, 0) and key not in self._results:
            self._results[key] = ids
            self._size += ids.size + _OVERHEAD
            while self._size > _MAX_IDS:
                self._size -= self._results.popitem(last=False)[1].size + _OVERHEAD
        return ids

    def forget(
        self, collection: CollectionId, documents: Collection[DocumentKey] | None = None
    ) -> None:
        """Read these documents (None = all of the collection) again before the next answer."""
        self._epochs[collection] = self._epochs.get(collection, 0) + 1
        for key in [key for key in self._results if key[0] == collection]:
            self._size -= self._results.pop(key).size + _OVERHEAD
        if documents is None:
            self._catalogues.pop(collection, None)
            self._dirty.pop(collection, None)
        elif collection in self._catalogues:
            self._dirty.setdefault(collection, set()).update(documents)

    async def _catalogue(self, collection: CollectionId, epoch: int) -> dict[DocumentKey, Entry]:
        known = self._catalogues.get(collection)
        dirty = frozenset(self._dirty.get(collection, ()))
        if known is not None and not dirty:
            self._catalogues.move_to_end(collection)
            return known
        async with self._database.snapshot() as connection:
            read = await read_entries(connection, collection, None if known is None else dirty)
        if known is not None:
            read = {key: entry for key, entry in known.items() if key not in dirty} | read
        # Changed while reading: good for this answer, not to be kept.
        if epoch == self._epochs.get(collection, 0):
            self._catalogues[collection] = read
            self._dirty.pop(collection, None)
            while len(self._catalogues) > _MAX_CATALOGUES:
                dropped, _ = self._catalogues.popitem(last=False)
                self._dirty.pop(dropped, None)
        return read
