"""Rows that a transaction claims before it decides, so that two writers do not decide at once.

SQLite has one writer at a time, so there is nothing to claim. On PostgreSQL every transaction
claims in one order: job, documents by number, then whatever hangs on them, the collection last.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.statements import batched
from app.store.tables import documents, versions
from retrievers.types import CollectionId, DocumentKey

# Keeps these locks apart from others on the same server.
_INTAKE = 0x616E61


async def claim_intake(connection: AsyncConnection, collection: CollectionId) -> None:
    """Wait until no other transaction adds documents to the collection.

    Two that add some of the same documents and claim others would wait for each other.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_INTAKE, collection)))


async def claim_documents(connection: AsyncConnection, keys: Collection[DocumentKey]) -> None:
    """Wait until no other transaction changes these documents, and keep others from it."""
    if connection.dialect.name != "postgresql":
        return
    for batch in batched(sorted(keys)):
        await connection.execute(
            select(documents.c.id)
            .where(documents.c.id.in_(batch))
            .order_by(documents.c.id)
            # Rows that refer to the document may still be inserted meanwhile.
            .with_for_update(key_share=True)
        )


async def claim_documents_of(connection: AsyncConnection, ids: Collection[int]) -> None:
    """`claim_documents` by version."""
    if connection.dialect.name != "postgresql":
        return
    keys: set[DocumentKey] = set()
    for batch in batched(ids):
        found = await connection.scalars(
            select(versions.c.document).where(versions.c.id.in_(batch))
        )
        keys.update(DocumentKey(key) for key in found)
    await claim_documents(connection, keys)
