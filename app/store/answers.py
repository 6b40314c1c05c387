"""Answers that were given, as documents: kept to be looked at later, never computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.store.clock import Clock, utc_now
from app.store.session import Database
from retrievers.types import CollectionId


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One answer as it left the service."""

    id: str
    collection: CollectionId
    key_id: str  # who asked
    document: Mapping[str, Any]  # JSON
    created_at: datetime


class Answers:
    """Write-behind: `save` costs no I/O, and `get` and `trace` see the answer at once.

    Answers saved at the same time share a transaction. A crash may lose those of the last moment;
    `close` writes what is left.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        raise NotImplementedError

    async def save(
        self,
        id: str,
        collection: CollectionId,
        document: Mapping[str, Any],
        trace: Mapping[str, Any],
        key_id: str = "",
    ) -> None:
        """Keep the answer and its trace (JSON values)."""
        raise NotImplementedError

    async def get(self, id: str) -> StoredAnswer:
        """By id.

        Raises:
            NotFound: Unknown, expired, or of a deleted collection.
        """
        raise NotImplementedError

    async def trace(self, id: str) -> Mapping[str, Any]:
        """How the answer was found.

        Raises:
            NotFound: As `get`.
        """
        raise NotImplementedError

    async def delete_before(self, moment: datetime) -> int:
        """Forget older answers; returns how many."""
        raise NotImplementedError

    async def close(self) -> None:
        """Write what is not written yet."""
        raise NotImplementedError
