"""How a version ends: it becomes the live one, or it is dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.jobs.leases import Lease, count_done
from app.store.locks import claim_documents_of
from app.store.removal import remove_orphans, remove_versions
from app.store.stale import mark
from app.store.statements import batched
from app.store.tables import collections, documents, job_items, version_chunks, versions
from retrievers.types import CollectionId, DocumentKey


async def publish(
    connection: AsyncConnection,
    lease: Lease,
    ids: Collection[int],
    projections: Sequence[str],
    now: datetime,
) -> set[DocumentKey]:
    """Make versions live and retire those before them; returns the documents that changed."""
    await claim_documents_of(connection, ids)
    changed: set[DocumentKey] = set()
    left: set[DocumentKey] = set()
    for batch in batched(sorted(ids)):
        new, overtaken, old = await _sort_out(connection, batch)
        left |= await _with_leaving_chunks(connection, new, old)
        # Retired first: a document has one live version at any time, by its index.
        await _set_state(connection, [*old, *overtaken], "retired", now)
        await _set_state(connection, list(new), "live", None)
        changed |= set(new.values())
        left |= set(overtaken.values())
        await set_items(connection, batch, "done")
    if changed:
        await raise_revision(connection, lease.job.collection)
    await mark(connection, projections, lease.job.collection, left)
    await count_done(connection, lease)
    return changed


async def drop(
    connection: AsyncConnection,
    collection: CollectionId,
    ids: Collection[int],
    projections: Sequence[str],
    now: datetime,
    state: str,
    problem: Mapping[str, Any] | None = None,
) -> None:
    """Remove versions that are being built; a document left with none is tombstoned.

    Args:
        state: What becomes of them in their job: `done`, `failed` or `cancelled`.
        problem: Why, if they failed.
    """
    await claim_documents_of(connection, ids)
    await set_items(connection, ids, state, problem)
    touched: set[DocumentKey] = set()
    for batch in batched(sorted(ids)):
        building = select(versions.c.id, versions.c.document).where(
            versions.c.id.in_(batch), versions.c.state == "building"
        )
        found = {id: DocumentKey(key) for id, key in await connection.execute(building)}
        await remove_versions(connection, list(found))
        touched |= set(found.values())
    await remove_orphans(connection, touched)
    for documents_batch in batched(sorted(touched)):
        remaining = select(versions.c.document).where(versions.c.document == documents.c.id)
        await connection.execute(
            update(documents)
            .where(
                documents.c.id.in_(documents_batch),
                documents.c.deleted_at.is_(None),
                ~remaining.exists(),
            )
            .values(deleted_at=now)
        )
    await mark(connection, projections, collection, touched)


async def set_items(
    connection: AsyncConnection,
    ids: Collection[int],
    state: str,
    problem: Mapping[str, Any] | None = None,
) -> None:
    """Say in their job how versions ended."""
    for batch in batched(sorted(ids)):
        await connection.execute(
            update(job_items)
            .where(job_items.c.version.in_(batch))
            .values(state=state, problem=problem)
        )


async def raise_revision(connection: AsyncConnection, collection: CollectionId) -> None:
    """Tell other processes that something visible changes with this transaction."""
    await connection.execute(
        update(collections)
        .where(collections.c.id == collection)
        .values(revision=collections.c.revision + 1)
    )


async def _sort_out(
    connection: AsyncConnection, ids: Sequence[int]
) -> tuple[dict[int, DocumentKey], dict[int, DocumentKey], list[int]]:
    """Of versions to publish: those to go live, those overtaken, and the live ones before them."""
    live = versions.alias("live")
    found = await connection.execute(
        select(versions.c.id, versions.c.document, versions.c.seq, live.c.id, live.c.seq)
        .join(documents, documents.c.id == versions.c.document)
        .outerjoin(live, and_(live.c.document == versions.c.document, live.c.state == "live"))
        .where(
            versions.c.id.in_(ids),
            versions.c.state == "building",
            documents.c.deleted_at.is_(None),
        )
        .order_by(versions.c.document, versions.c.seq)
    )
    newest: dict[DocumentKey, int] = {}
    overtaken: dict[int, DocumentKey] = {}
    old: set[int] = set()
    for id, document, seq, live_id, live_seq in found:
        key = DocumentKey(document)
        if live_seq is not None and live_seq > seq:
            overtaken[id] = key
            continue
        if key in newest:  # two versions of one document published together
            overtaken[newest[key]] = key
        newest[key] = id
        if live_id is not None:
            old.add(live_id)
    return {id: key for key, id in newest.items()}, overtaken, sorted(old)


async def _with_leaving_chunks(
    connection: AsyncConnection, new: Collection[int], old: Collection[int]
) -> set[DocumentKey]:
    """Documents with a chunk in the old version that the new one lacks."""
    if not old:
        return set()
    before, after = versions.alias("before"), versions.alias("after")
    kept = version_chunks.alias("kept")
    found = await connection.scalars(
        select(before.c.document)
        .select_from(version_chunks)
        .join(before, before.c.id == version_chunks.c.version)
        .join(after, and_(after.c.document == before.c.document, after.c.id.in_(new)))
        .outerjoin(
            kept,
            and_(kept.c.chunk == version_chunks.c.chunk, kept.c.version == after.c.id),
        )
        .where(version_chunks.c.version.in_(old), kept.c.chunk.is_(None))
        .distinct()
    )
    return {DocumentKey(key) for key in found}


async def _set_state(
    connection: AsyncConnection, ids: Sequence[int], state: str, retired_at: datetime | None
) -> None:
    for batch in batched(ids):
        await connection.execute(
            update(versions)
            .where(versions.c.id.in_(batch))
            .values(state=state, retired_at=retired_at)
        )
