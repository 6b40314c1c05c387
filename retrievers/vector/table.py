"""Vectors of one collection in memory: which chunk has which, and which document owns it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from retrievers.vector import index as kinds
from retrievers.vector.device import WIDEST, Copy, Cpu, Device
from retrievers.vector.index import Ids, Vectors
from retrievers.vector.lock import SharedLock

_INDEX = "vectors.faiss"
_ROWS = "rows.npy"
WORN = 0.25
"""Share of the trained-on rows that may be removed before the lists are cut anew."""


class Table:
    """Thread-safe; changes come from one thread at a time, searches from any.

    Args:
        flat_up_to: Rows above which the exact index is due to be replaced by the clustered one.
    """

    def __init__(self, dimension: int, flat_up_to: int, device: Device | None = None) -> None:
        self.dimension, self._flat_up_to = dimension, flat_up_to
        self._device: Device = device or Cpu()
        self._copy: Copy | None = None
        self._lock = SharedLock()
        self._index = kinds.flat(dimension)
        self._ids: Ids = np.empty(0, np.int64)  # ascending
        self._documents: Ids = np.empty(0, np.int64)  # of the same rows
        self._trained = 0  # rows when the lists were cut; 0 = flat
        self._removed = 0  # since then

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Ids:
        """All chunks, ascending."""
        return self._ids

    @property
    def exact(self) -> bool:
        """Whether stored vectors are whole and searches exhaustive."""
        return not self._trained

    @property
    def outgrown(self) -> bool:
        """Whether `cluster` is due."""
        return self.exact and len(self) > self._flat_up_to

    @property
    def worn(self) -> bool:
        """Whether the lists no longer fit, so that a new table is due from the true vectors."""
        return not self.exact and (
            self._removed > WORN * self._trained
            or len(self) > 16 * self._trained
            or len(self) < self._flat_up_to // 2
        )

    @property
    def facts(self) -> Mapping[str, int]:
        """What the manifest records."""
        return {
            "count": len(self),
            "dimension": self.dimension,
            "trained": self._trained,
            "removed": self._removed,
            "nprobe": 0 if self.exact else int(self._index.nprobe),
        }

    def replace(self, removed: Ids, ids: Ids, documents: Ids, vectors: Vectors) -> bool:
        """Drop all rows of the `removed` documents and add new ones; whether anything changed.

        Args:
            ids: Chunks, distinct; one that another document holds moves.
            documents: Owner of each.
            vectors: (len(ids), dimension).
        """
        old = np.isin(self._documents, removed) | np.isin(self._ids, ids)
        if not old.any() and not len(ids):
            return False
        kept_ids = np.concatenate([self._ids[~old], ids])
        kept_documents = np.concatenate([self._documents[~old], documents])
        order = np.argsort(kept_ids, kind="stable")
        leaving = self._ids[old]
        with self._lock.writing():
            # FAISS accepts an id twice, so the old row leaves first.
            if len(leaving):
                self._index.remove_ids(faiss.IDSelectorBatch(leaving))
            if len(ids):
                self._index.add_with_ids(np.ascontiguousarray(vectors), ids)
            self._ids, self._documents = kept_ids[order], kept_documents[order]
            self._removed += len(leaving)
            self._copy = self._device.copy(self._index)
        return True

    def search(self, vector: Vectors, k: int, allowed: Ids | None) -> tuple[Vectors, Ids]:
        """Cosine and id of at most `k` rows, best first; `vector` is (1, dimension)."""
        with self._lock.reading():
            k = min(k, len(self._ids))
            if not k:
                return np.empty(0, np.float32), np.empty(0, np.int64)
            if self._copy is not None and allowed is None and k <= WIDEST:
                return self._copy.search(vector, k)
            return kinds.search(self._index, vector, k, allowed)

    def vectors(self, ids: Ids) -> Vectors:
        """(len(ids), dimension) as stored, zero for unknown ids; exact tables only."""
        result = np.zeros((len(ids), self.dimension), np.float32)
        with self._lock.reading():
            places = np.searchsorted(self._ids, ids)
            known = places < len(self._ids)
            known[known] = self._ids[places[known]] == ids[known]
            if known.any():
                result[known] = self._index.reconstruct_batch(ids[known])
        return result

    def cluster(self) -> None:
        """Change to the clustered index. Takes seconds; searches go on meanwhile."""
        ids = self._ids
        replacement = kinds.clustered(self.vectors(ids), ids, self._index)
        with self._lock.writing():
            self._index, self._copy = replacement, self._device.copy(replacement)
            self._trained, self._removed = len(ids), 0

    def save(self, folder: Path) -> None:
        """Write the table's files; searches go on meanwhile."""
        with self._lock.reading():
            faiss.write_index(self._index, str(folder / _INDEX))
            np.save(folder / _ROWS, np.stack([self._ids, self._documents]))

    @classmethod
    def load(
        cls, folder: Path, facts: Mapping[str, Any], flat_up_to: int, device: Device | None = None
    ) -> Table:
        """Read what `save` wrote; the caller has verified the files."""
        table = cls(facts["dimension"], flat_up_to, device)
        table._index = faiss.read_index(str(folder / _INDEX))
        table._ids, table._documents = np.load(folder / _ROWS)
        table._trained, table._removed = facts["trained"], facts["removed"]
        table._copy = table._device.copy(table._index)
        return table
