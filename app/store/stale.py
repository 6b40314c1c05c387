"""Stale marks: which documents a projection must look at again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.store.session import Database
from retrievers.types import CollectionId, DocumentKey


@dataclass(frozen=True, slots=True)
class Mark:
    """Look again at this document. The token is new with every change."""

    document: DocumentKey
    token: str


class StaleMarks:
    """Read marks first and content second; acknowledge what was read, and newer marks stay."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def read(
        self,
        projection: str,
        collection: CollectionId,
        limit: int,
        after: int = 0,
        among: Collection[DocumentKey] | None = None,
    ) -> list[Mark]:
        """Up to `limit` marks in ascending order of document.

        Args:
            after: Skip documents up to this one; lets a reader page past what it has applied but
                not acknowledged.
            among: Only these documents.
        """
        raise NotImplementedError

    async def acknowledge(self, projection: str, marks: Sequence[Mark]) -> None:
        """Delete each mark whose token is still the one that was read."""
        raise NotImplementedError

    async def collections(self, projection: str) -> list[CollectionId]:
        """Collections, deleted ones left out, that have marks for this projection."""
        raise NotImplementedError

    async def mark_all(self, projection: str, collection: CollectionId) -> None:
        """Mark every document of the collection that has chunks or is being removed."""
        raise NotImplementedError

    async def clear(self, projection: str, collection: CollectionId) -> None:
        """Forget the collection's marks: its image was dropped."""
        raise NotImplementedError

    async def lag(self, projection: str, collection: CollectionId | None = None) -> int:
        """How many documents the projection has not acknowledged."""
        raise NotImplementedError
