"""Collections: the unit of tenancy."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from app.domain.documents import Collection
from app.domain.errors import Conflict, NotFound
from app.store.clock import Clock, utc_now
from app.store.memo import Memo
from app.store.removal import remove_documents
from app.store.session import Database
from app.store.statements import insert
from app.store.tables import (
    answers,
    collections,
    documents,
    job_items,
    jobs,
    sql_sources,
    stale,
)
from retrievers.types import CollectionId, DocumentKey

_UNKNOWN = "there is no such collection"


class Collections:
    """Create, find and delete collections. A lookup by name or id is free while exclusive."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database, self._clock = database, clock
        self._by_name: Memo[str, Collection] = Memo(database, "collections")
        self._by_id: Memo[CollectionId, Collection] = Memo(database, "collections")

    async def create(self, name: str, description: str = "", language: str = "en") -> Collection:
        """Add one.

        Raises:
            Conflict: The name is taken (code `already-exists`).
        """
        async with self._database.write() as connection:
            added = await self._add(connection, name, description, language)
        if added is None:
            raise Conflict(f"there is already a collection named {name!r}", "already-exists")
        return added

    async def ensure(self, name: str) -> Collection:
        """The collection of that name, created if absent."""
        try:
            return await self.get(name)
        except NotFound:
            async with self._database.write() as connection:
                await self._add(connection, name, "", "en")
            return await self.get(name)

    async def get(self, name: str) -> Collection:
        """By name.

        Raises:
            NotFound: Unknown or deleted.
        """
        return await self._by_name.get(name, lambda: self._find(collections.c.name == name))

    async def by_id(self, id: CollectionId) -> Collection:
        """By row number.

        Raises:
            NotFound: Unknown or deleted.
        """
        return await self._by_id.get(id, lambda: self._find(collections.c.id == id))

    async def all(self) -> list[Collection]:
        """Every collection, by name."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(collections)
                .where(collections.c.deleted_at.is_(None))
                .order_by(collections.c.name)
            )
            return [_collection(row) for row in rows]

    async def delete(self, name: str) -> CollectionId:
        """Hide it and all it holds at once, and cancel its jobs; `purge_deleted` removes the rows.

        Raises:
            NotFound: Unknown or deleted.
            Conflict: `default` cannot be deleted.
        """
        if name == "default":
            raise Conflict("the collection 'default' always exists; delete its documents instead")
        now = self._clock()
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                found = await connection.scalar(
                    select(collections.c.id).where(
                        collections.c.name == name, collections.c.deleted_at.is_(None)
                    )
                )
                if found is None:
                    raise NotFound(_UNKNOWN)
                # Jobs first, in the order a worker locks rows; the raised token shuts it out.
                await connection.execute(
                    update(jobs)
                    .where(jobs.c.collection == found, jobs.c.finished_at.is_(None))
                    .values(
                        status="cancelled",
                        finished_at=now,
                        lease_token=jobs.c.lease_token + 1,
                        lease_until=None,
                    )
                )
                await connection.execute(
                    update(collections)
                    .where(collections.c.id == found)
                    .values(deleted_at=now, revision=collections.c.revision + 1)
                )
                touched.topics.update(("collections", "jobs"))
                touched.collections.add(CollectionId(found))
        return CollectionId(found)

    async def bind_embedder(self, collection: CollectionId, fingerprint: str) -> Collection:
        """Note the embedder its vectors are made with, if none is noted yet.

        Raises:
            Conflict: Another one is noted (code `embedding-model-mismatch`; names the fix).
            NotFound: Unknown or deleted.
        """
        known = await self.by_id(collection)
        if not known.embedder:
            with self._database.changes.announced() as touched:
                async with self._database.write() as connection:
                    await connection.execute(
                        update(collections)
                        .where(collections.c.id == collection, collections.c.embedder == "")
                        .values(embedder=fingerprint)
                    )
                    touched.topics.add("collections")
            known = await self.by_id(collection)
        if known.embedder != fingerprint:
            raise Conflict(
                f"the vectors of collection {known.name!r} were made with {known.embedder!r}, but "
                f"the service runs {fingerprint!r}; start it with the former embedder, or post the "
                "documents to a new collection",
                "embedding-model-mismatch",
            )
        return known

    async def deleted(self) -> list[CollectionId]:
        """Those hidden but not yet removed: drop their indexes, then call `purge_deleted`."""
        async with self._database.read() as connection:
            found = await connection.scalars(
                select(collections.c.id)
                .where(collections.c.deleted_at.is_not(None))
                .order_by(collections.c.id)
            )
            return [CollectionId(id) for id in found]

    async def purge_deleted(self, collection: CollectionId, limit: int = 500) -> bool:
        """Remove up to `limit` documents of a deleted collection; True when nothing is left."""
        async with self._database.write() as connection:
            # Whoever began to add something before the deletion comes first.
            gone = await connection.scalar(
                select(collections.c.deleted_at)
                .where(collections.c.id == collection)
                .with_for_update()
            )
            if gone is None:  # absent, or not deleted at all: hands off
                return True
            found = await connection.scalars(
                select(documents.c.id).where(documents.c.collection == collection).limit(limit)
            )
            batch = [DocumentKey(id) for id in found]
            if batch:
                await remove_documents(connection, batch)
                return False
            of_jobs = select(jobs.c.id).where(jobs.c.collection == collection)
            await connection.execute(delete(job_items).where(job_items.c.job.in_(of_jobs)))
            for table in (jobs, answers, sql_sources, stale):
                await connection.execute(delete(table).where(table.c.collection == collection))
            await connection.execute(delete(collections).where(collections.c.id == collection))
        return True

    async def _find(self, condition: ColumnElement[bool]) -> Collection:
        async with self._database.read() as connection:
            found = await connection.execute(
                select(collections).where(condition, collections.c.deleted_at.is_(None))
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound(_UNKNOWN)
        return _collection(row)

    async def _add(
        self, connection: AsyncConnection, name: str, description: str, language: str
    ) -> Collection | None:
        now = self._clock()
        # Two requests for one name may be under way: the database decides which is first.
        added = await connection.scalar(
            insert(connection, collections)
            .values(
                name=name,
                description=description,
                language=language,
                embedder="",
                revision=0,
                created_at=now,
            )
            .on_conflict_do_nothing()
            .returning(collections.c.id)
        )
        if added is None:
            return None
        return Collection(CollectionId(added), name, now, "", language, description)


def _collection(row: Row[Any]) -> Collection:
    return Collection(
        CollectionId(row.id),
        row.name,
        row.created_at,
        row.embedder,
        row.language,
        row.description,
    )
