"""From accepted to written: what a worker reads and writes while a version is being built."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.documents import Source
from app.domain.ids import text_hash
from app.store.documents.publish import set_items
from app.store.documents.rows import Built, Pending, Written
from app.store.jobs.leases import Lease
from app.store.locks import claim_documents
from app.store.statements import insert_all
from app.store.tables import (
    chunks,
    contents,
    documents,
    job_items,
    version_chunks,
    versions,
)
from retrievers.types import ChunkId, CollectionId, DocumentKey, embed_text

# A batch of documents is held in memory: at most this many characters, but at least one document.
_BATCH_CHARACTERS = 4_000_000


async def take(
    connection: AsyncConnection, lease: Lease, limit: int, held: Collection[int]
) -> list[Pending]:
    """The next queued documents of the job that are not held, their attempts raised."""
    found = await connection.execute(
        select(job_items.c.ordinal, job_items.c.version, job_items.c.attempt, versions.c.characters)
        .join(versions, versions.c.id == job_items.c.version)
        .where(
            job_items.c.job == lease.job.id,
            job_items.c.state == "queued",
            job_items.c.version.not_in(held),
        )
        # A document that may have taken its worker down waits until the others are through.
        .order_by(job_items.c.attempt, job_items.c.ordinal)
        .limit(limit)
    )
    ordinals: list[int] = []
    wanted: list[int] = []
    characters = 0
    for ordinal, version, attempt, length in found:
        characters += length
        # One that took its worker down before comes alone, so that it takes no other along.
        if ordinals and (attempt or characters > _BATCH_CHARACTERS):
            break
        ordinals.append(ordinal)
        wanted.append(version)
        if attempt:
            break
    await connection.execute(
        update(job_items)
        .where(job_items.c.job == lease.job.id, job_items.c.ordinal.in_(ordinals))
        .values(attempt=job_items.c.attempt + 1)
    )
    rows = await connection.execute(
        select(versions, documents.c.public_id, contents.c.text, contents.c.content)
        .join(documents, documents.c.id == versions.c.document)
        .join(contents, contents.c.version == versions.c.id)
        .where(versions.c.id.in_(wanted))
    )
    pending = {
        row.id: Pending(
            row.id,
            DocumentKey(row.document),
            Source(row.public_id, row.title, row.media_type, row.text, row.content, row.metadata),
        )
        for row in rows
    }
    if wanted and not pending:  # deleted by another process while we looked
        return await take(connection, lease, limit, held)
    return [pending[version] for version in wanted if version in pending]


async def worn_out(
    connection: AsyncConnection, lease: Lease, max_attempts: int, held: Collection[int]
) -> list[int]:
    """Queued versions of the job that have used up their attempts."""
    found = await connection.scalars(
        select(job_items.c.version).where(
            job_items.c.job == lease.job.id,
            job_items.c.state == "queued",
            job_items.c.attempt >= max_attempts,
            job_items.c.version.not_in(held),
        )
    )
    return [version for version in found if version is not None]


async def untake(connection: AsyncConnection, lease: Lease, ids: Collection[int]) -> None:
    """Count no attempt of versions that are handed back."""
    await connection.execute(
        update(job_items)
        .where(
            job_items.c.job == lease.job.id,
            job_items.c.version.in_(ids),
            job_items.c.state == "queued",
            job_items.c.attempt > 0,
        )
        .values(attempt=job_items.c.attempt - 1)
    )


async def write(connection: AsyncConnection, lease: Lease, built: Sequence[Built]) -> list[Written]:
    """Store what was built of versions that still wait for it."""
    await claim_documents(connection, {one.document for one in built})
    waiting = await connection.execute(
        select(versions.c.id, versions.c.title, versions.c.metadata, contents.c.content.is_(None))
        .join(documents, documents.c.id == versions.c.document)
        .join(contents, contents.c.version == versions.c.id)
        .where(
            versions.c.id.in_([one.version for one in built]),
            versions.c.state == "building",
            documents.c.deleted_at.is_(None),
        )
    )
    handed_in = {id: (title, metadata, as_text) for id, title, metadata, as_text in waiting}
    built = [one for one in built if one.version in handed_in]
    if not built:
        return []
    titles = {one.version: handed_in[one.version][0] or one.parsed.title for one in built}
    await _write_versions(connection, built, titles, handed_in)
    ids = await _write_chunks(connection, lease.job.collection, built)
    await _place_chunks(connection, built, titles, ids)
    await set_items(connection, [one.version for one in built], "written")
    return [Written(one.version, one.document) for one in built]


async def _write_versions(
    connection: AsyncConnection,
    built: Sequence[Built],
    titles: Mapping[int, str],
    handed_in: Mapping[int, tuple[str, Mapping[str, Any], bool]],
) -> None:
    await connection.execute(
        update(versions).where(versions.c.id == bindparam("of_version")),
        [
            {
                "of_version": one.version,
                "title": titles[one.version],
                # What the caller said wins over what the parser found.
                "metadata": {**one.parsed.metadata, **handed_in[one.version][1]},
                "characters": len(one.parsed.text),
            }
            for one in built
        ],
    )
    # A posted text stays exactly as it was posted, whatever the parser made of it.
    texts = [
        {"of_version": one.version, "text": one.parsed.text}
        for one in built
        if not handed_in[one.version][2]
    ]
    if texts:
        await connection.execute(
            update(contents).where(contents.c.version == bindparam("of_version")), texts
        )


async def _write_chunks(
    connection: AsyncConnection, collection: CollectionId, built: Sequence[Built]
) -> dict[tuple[DocumentKey, str], ChunkId]:
    """Ids of the chunks by document and key; equal chunks of earlier versions keep theirs."""
    found = await connection.execute(
        select(chunks.c.id, chunks.c.document, chunks.c.key, chunks.c.candidates).where(
            chunks.c.document.in_([one.document for one in built])
        )
    )
    ids: dict[tuple[DocumentKey, str], ChunkId] = {}
    noted: dict[tuple[DocumentKey, str], Mapping[str, int]] = {}
    for id, document, key, candidates in found:
        ids[DocumentKey(document), key] = ChunkId(id)
        noted[DocumentKey(document), key] = candidates
    fresh: list[dict[str, Any]] = []
    corrected: list[dict[str, Any]] = []
    for one in built:
        for span, key, candidates in zip(one.spans, one.keys, one.candidates, strict=True):
            place = (one.document, key)
            if place not in ids:
                fresh.append(
                    {
                        "collection": collection,
                        "document": one.document,
                        "key": key,
                        "text": one.parsed.text[span.start : span.end],
                        "candidates": candidates,
                    }
                )
            elif noted[place] != candidates:  # the rules that find them have changed
                corrected.append({"of_chunk": ids[place], "candidates": candidates})
    if corrected:
        await connection.execute(
            update(chunks).where(chunks.c.id == bindparam("of_chunk")), corrected
        )
    if fresh:
        added = await connection.execute(
            chunks.insert().returning(chunks.c.id, chunks.c.document, chunks.c.key), fresh
        )
        ids.update(((DocumentKey(document), key), ChunkId(id)) for id, document, key in added)
    return ids


async def _place_chunks(
    connection: AsyncConnection,
    built: Sequence[Built],
    titles: Mapping[int, str],
    ids: Mapping[tuple[DocumentKey, str], ChunkId],
) -> None:
    # Rows are there already when a worker died after this transaction and before the next.
    await connection.execute(
        delete(version_chunks).where(version_chunks.c.version.in_([one.version for one in built]))
    )
    rows = [
        {
            "chunk": ids[one.document, key],
            "version": one.version,
            "ordinal": ordinal,
            "start": span.start,
            "end": span.end,
            "context": span.context,
            "embed_hash": bytes.fromhex(
                text_hash(
                    embed_text(
                        titles[one.version],
                        span.context,
                        one.parsed.text[span.start : span.end],
                    )
                )
            ),
        }
        for one in built
        for ordinal, (span, key) in enumerate(zip(one.spans, one.keys, strict=True))
    ]
    await insert_all(connection, version_chunks, rows)
