"""Stale marks: which documents a projection must look at again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.session import Database
from app.store.statements import batched, insert
from app.store.tables import collections, documents, stale
from retrievers.types import CollectionId, DocumentKey


@dataclass(frozen=True, slots=True)
class Mark:
    """Look again at this document. The token is new with every change."""

    document: DocumentKey
    token: str


class StaleMarks:
    """Read marks first and content second; acknowledge what was read, and newer marks stay."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        wanted = (
            select(stale.c.document, stale.c.token)
            .where(
                stale.c.projection == projection,
                stale.c.collection == collection,
            )
            .order_by(stale.c.document)
            .limit(limit)
        )
        if after:
            wanted = wanted.where(stale.c.document > after)
        found: list[Mark] = []
        async with self._database.read() as connection:
            for batch in [None] if among is None else batched(sorted(among)):
                part = wanted if batch is None else wanted.where(stale.c.document.in_(batch))
                rows = await connection.execute(part)
                found += [Mark(DocumentKey(document), token) for document, token in rows]
        return found[:limit]

    async def acknowledge(self, projection: str, marks: Sequence[Mark]) -> None:
        """Delete each mark whose token is still the one that was read."""
        if not marks:
            return
        async with self._database.write() as connection:
            await connection.execute(
                delete(stale).where(
                    stale.c.projection == projection,
                    stale.c.document == bindparam("read_document"),
                    stale.c.token == bindparam("read_token"),
                ),
                [{"read_document": mark.document, "read_token": mark.token} for mark in marks],
            )

    async def collections(self, projection: str) -> list[CollectionId]:
        """Collections, deleted ones left out, that have marks for this projection."""
        async with self._database.read() as connection:
            found = await connection.scalars(
                select(stale.c.collection)
                .join(collections, collections.c.id == stale.c.collection)
                .where(stale.c.projection == projection, collections.c.deleted_at.is_(None))
                .distinct()
                .order_by(stale.c.collection)
            )
            return [CollectionId(id) for id in found]

    async def mark_all(self, projection: str, collection: CollectionId) -> None:
        """Mark every document of the collection, tombstones included."""
        async with self._database.write() as connection:
            found = await connection.scalars(
                select(documents.c.id).where(documents.c.collection == collection)
            )
            await mark(connection, [projection], collection, [DocumentKey(id) for id in found])

    async def clear(self, projection: str, collection: CollectionId) -> None:
        """Forget the collection's marks: its image was dropped."""
        async with self._database.write() as connection:
            await connection.execute(
                delete(stale).where(
                    stale.c.projection == projection, stale.c.collection == collection
                )
            )

    async def lag(self, projection: str, collection: CollectionId | None = None) -> int:
        """How many documents the projection has not acknowledged."""
        counted = select(func.count()).select_from(stale).where(stale.c.projection == projection)
        if collection is not None:
            counted = counted.where(stale.c.collection == collection)
        async with self._database.read() as connection:
            return await connection.scalar(counted) or 0


async def mark(
    connection: AsyncConnection,
    projections: Sequence[str],
    collection: CollectionId,
    of_documents: Collection[DocumentKey],
) -> None:
    """Mark documents for each projection, inside the transaction that changes them.

    The token is new, so a mark read before this transaction cannot be acknowledged after it.
    """
    if not of_documents or not projections:
        return
    token = secrets.token_hex(16)
    statement = insert(connection, stale)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["projection", "document"],
            set_={"token": statement.excluded.token},
        ),
        [
            {
                "projection": projection,
                "document": document,
                "collection": collection,
                "token": token,
            }
            for projection in projections
            # In one order everywhere, so that two writers cannot wait for each other.
            for document in sorted(of_documents)
        ],
    )
