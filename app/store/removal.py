"""Rows that go for good, and what hangs on them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.locks import claim_documents
from app.store.statements import batched
from app.store.tables import (
    chunks,
    contents,
    documents,
    embeddings,
    stale,
    version_chunks,
    versions,
)
from retrievers.types import DocumentKey


async def remove_versions(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Delete versions, their texts, and the vectors of texts that no chunk has any more."""
    for batch in batched(ids):
        of_version = version_chunks.c.version.in_(batch)
        hashes = await connection.scalars(
            select(version_chunks.c.embed_hash).where(of_version).distinct()
        )
        unused = list(hashes)
        await connection.execute(delete(version_chunks).where(of_version))
        await connection.execute(delete(contents).where(contents.c.version.in_(batch)))
        await connection.execute(delete(versions).where(versions.c.id.in_(batch)))
        await _remove_vectors(connection, unused)


async def remove_orphans(
    connection: AsyncConnection, of_documents: Collection[DocumentKey]
) -> None:
    """Delete chunks of these documents that no version has."""
    used = exists().where(version_chunks.c.chunk == chunks.c.id)
    for batch in batched(of_documents):
        await connection.execute(delete(chunks).where(chunks.c.document.in_(batch), ~used))


async def remove_documents(connection: AsyncConnection, ids: Collection[DocumentKey]) -> None:
    """Delete documents with all they have."""
    for batch in batched(ids):
        found = await connection.scalars(
            select(versions.c.id).where(versions.c.document.in_(batch))
        )
        await remove_versions(connection, list(found))
        await connection.execute(delete(chunks).where(chunks.c.document.in_(batch)))
        await connection.execute(delete(documents).where(documents.c.id.in_(batch)))


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove up to `limit` versions retired before then, and as many acknowledged tombstones.

    A tombstone waits for its marks: a projection may ask for its chunks while it forgets them.
    """
    retired = await connection.execute(
        select(versions.c.id, versions.c.document)
        .where(versions.c.state == "retired", versions.c.retired_at <= before)
        .limit(limit)
    )
    old = {id: DocumentKey(key) for id, key in retired}
    marked = exists().where(stale.c.document == documents.c.id)
    tombstones = await connection.scalars(
        select(documents.c.id).where(documents.c.deleted_at.is_not(None), ~marked).limit(limit)
    )
    gone = [DocumentKey(key) for key in tombstones]
    await claim_documents(connection, {*old.values(), *gone})
    await remove_versions(connection, list(old))
    await remove_orphans(connection, set(old.values()))
    await remove_documents(connection, gone)
    return len(old) + len(gone)


async def _remove_vectors(connection: AsyncConnection, hashes: Collection[bytes]) -> None:
    used = exists().where(version_chunks.c.embed_hash == embeddings.c.hash)
    for batch in batched(hashes):
        await connection.execute(delete(embeddings).where(embeddings.c.hash.in_(batch), ~used))
