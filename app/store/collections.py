"""Collections: the unit of tenancy."""

from __future__ import annotations

from app.domain.documents import Collection
from app.store.clock import Clock, utc_now
from app.store.session import Database
from retrievers.types import CollectionId


class Collections:
    """Create, find and delete collections. A lookup by name or id is free while exclusive."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        raise NotImplementedError

    async def create(self, name: str, description: str = "", language: str = "en") -> Collection:
        """Add one.

        Raises:
            Conflict: The name is taken (code `already-exists`).
        """
        raise NotImplementedError

    async def ensure(self, name: str) -> Collection:
        """The collection of that name, created if absent."""
        raise NotImplementedError

    async def get(self, name: str) -> Collection:
        """By name.

        Raises:
            NotFound: Unknown or deleted.
        """
        raise NotImplementedError

    async def by_id(self, id: CollectionId) -> Collection:
        """By row number.

        Raises:
            NotFound: Unknown or deleted.
        """
        raise NotImplementedError

    async def all(self) -> list[Collection]:
        """Every collection, by name."""
        raise NotImplementedError

    async def delete(self, name: str) -> CollectionId:
        """Hide it and all it holds at once, and cancel its jobs; `purge_deleted` removes the rows.

        Raises:
            NotFound: Unknown or deleted.
            Conflict: `default` cannot be deleted.
        """
        raise NotImplementedError

    async def bind_embedder(self, collection: CollectionId, fingerprint: str) -> Collection:
        """Note the embedder its vectors are made with, if none is noted yet.

        Raises:
            Conflict: Another one is noted (code `embedding-model-mismatch`; names the fix).
            NotFound: Unknown or deleted.
        """
        raise NotImplementedError

    async def deleted(self) -> list[CollectionId]:
        """Those hidden but not yet removed: drop their indexes, then call `purge_deleted`."""
        raise NotImplementedError

    async def purge_deleted(self, collection: CollectionId, limit: int = 500) -> bool:
        """Remove up to `limit` documents of a deleted collection; True when nothing is left."""
        raise NotImplementedError
