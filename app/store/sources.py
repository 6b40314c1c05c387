"""SQL sources of a collection: databases of the user that questions may be put to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.store.clock import Clock, utc_now
from app.store.session import Database
from retrievers.types import CollectionId


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A registered database."""

    name: str
    url: str  # with its password: never leaves the process
    tables: tuple[str, ...] | None  # None: all
    created_at: datetime

    @property
    def masked_url(self) -> str:
        """The URL as it may be shown."""
        raise NotImplementedError


class Sources:
    """Registered SQL sources; reading them is free while exclusive."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        raise NotImplementedError

    async def create(
        self,
        collection: CollectionId,
        name: str,
        url: str,
        tables: Sequence[str] | None = None,
    ) -> SqlSource:
        """Register one.

        Raises:
            Conflict: The collection has one of that name (code `already-exists`).
        """
        raise NotImplementedError

    async def all(self, collection: CollectionId) -> list[SqlSource]:
        """Those of the collection, by name."""
        raise NotImplementedError

    async def get(self, collection: CollectionId, name: str) -> SqlSource:
        """By name.

        Raises:
            NotFound: Unknown.
        """
        raise NotImplementedError

    async def delete(self, collection: CollectionId, name: str) -> None:
        """Forget one.

        Raises:
            NotFound: Unknown.
        """
        raise NotImplementedError
