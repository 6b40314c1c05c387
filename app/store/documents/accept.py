"""Taking documents in: what was handed over is durable before anything is done with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.documents import Source
from app.domain.errors import NotFound, Rejected
from app.domain.jobs import Job
from app.store.jobs.rows import add_job
from app.store.locks import claim_documents, claim_intake
from app.store.statements import batched, insert, insert_all
from app.store.tables import collections, contents, documents, job_items, versions
from retrievers.types import CollectionId, DocumentKey


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is of a document already."""

    document: DocumentKey
    seq: int = 0  # highest; 0 without a version
    state: str = ""  # of that version
    digest: bytes = b""


async def accept(
    connection: AsyncConnection,
    collection: CollectionId,
    sources: Sequence[Source],
    kind: str,
    recipe: str,
    now: datetime,
) -> Job:
    """The transaction behind `Documents.accept`."""
    names = [source.id for source in sources]
    if len(set(names)) != len(names):
        raise Rejected("the same document id occurs twice in one request")
    await _hold_collection(connection, collection)
    await claim_intake(connection, collection)
    keys = await _claimed(connection, collection, names, now)
    known = await _known(connection, keys)
    digests = [_digest(source, recipe) for source in sources]
    unchanged = [
        known[source.id].state == "live" and known[source.id].digest == digest
        for source, digest in zip(sources, digests, strict=True)
    ]
    job = await add_job(connection, kind, collection, now, len(sources), sum(unchanged))
    rows = [
        {
            "document": known[source.id].document,
            "seq": known[source.id].seq + 1,
            "state": "building",
            "job": job.id,
            "title": source.title,
            "media_type": source.media_type,
            "metadata": source.metadata,
            "digest": digest,
            "characters": len(source.text if source.content is None else source.content),
            "created_at": now,
        }
        for source, digest, same in zip(sources, digests, unchanged, strict=True)
        if not same
    ]
    ids = await _add_versions(connection, rows)
    changed = [source for source, same in zip(sources, unchanged, strict=True) if not same]
    of_source = {source.id: ids[known[source.id].document] for source in changed}
    await insert_all(
        connection,
        contents,
        [
            {"version": of_source[source.id], "text": source.text, "content": source.content}
            for source in changed
        ],
    )
    await insert_all(
        connection,
        job_items,
        [
            {
                "job": job.id,
                "ordinal": ordinal,
                "public_id": source.id,
                "version": of_source.get(source.id),
                "state": "queued" if source.id in of_source else "unchanged",
                "attempt": 0,
                "problem": None,
            }
            for ordinal, source in enumerate(sources)
        ],
    )
    return job


async def _hold_collection(connection: AsyncConnection, collection: CollectionId) -> None:
    # Its row must not be removed before this commits; changing it disturbs nobody.
    held = await connection.scalar(
        select(collections.c.id)
        .where(collections.c.id == collection, collections.c.deleted_at.is_(None))
        .with_for_update(read=True, key_share=True)
    )
    if held is None:
        raise NotFound("there is no such collection")


async def _add_documents(
    connection: AsyncConnection, collection: CollectionId, names: Sequence[str], now: datetime
) -> None:
    # Sorted, so that two requests with the same ids cannot wait for each other.
    rows = [
        {"collection": collection, "public_id": name, "created_at": now} for name in sorted(names)
    ]
    if rows:
        await connection.execute(insert(connection, documents).on_conflict_do_nothing(), rows)


async def _claimed(
    connection: AsyncConnection, collection: CollectionId, names: Sequence[str], now: datetime
) -> dict[str, DocumentKey]:
    """Numbers of the documents, added where they are new; their next versions are ours."""
    while True:
        await _add_documents(connection, collection, names, now)
        keys = await _numbers(connection, collection, names)
        await claim_documents(connection, keys.values())
        # One that was deleted while we waited is a tombstone now, and has to be added again.
        if len(keys) == len(names) and await _numbers(connection, collection, names) == keys:
            return keys


async def _numbers(
    connection: AsyncConnection, collection: CollectionId, names: Sequence[str]
) -> dict[str, DocumentKey]:
    keys: dict[str, DocumentKey] = {}
    for batch in batched(names):
        found = await connection.execute(
            select(documents.c.public_id, documents.c.id).where(
                documents.c.collection == collection,
                documents.c.public_id.in_(batch),
                documents.c.deleted_at.is_(None),
            )
        )
        keys.update((name, DocumentKey(id)) for name, id in found)
    return keys


async def _known(connection: AsyncConnection, keys: Mapping[str, DocumentKey]) -> dict[str, _Known]:
    known = {name: _Known(key) for name, key in keys.items()}
    names = {key: name for name, key in keys.items()}
    for batch in batched(names):
        last = (
            select(versions.c.document, func.max(versions.c.seq).label("seq"))
            .where(versions.c.document.in_(batch))
            .group_by(versions.c.document)
            .subquery()
        )
        rows = await connection.execute(
            select(versions.c.document, versions.c.seq, versions.c.state, versions.c.digest).join(
                last,
                (versions.c.document == last.c.document) & (versions.c.seq == last.c.seq),
            )
        )
        for document, seq, state, digest in rows:
            key = DocumentKey(document)
            known[names[key]] = _Known(key, seq, state, bytes(digest))
    return known


async def _add_versions(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]]
) -> dict[DocumentKey, int]:
    if not rows:
        return {}
    added = await connection.execute(
        versions.insert().returning(versions.c.document, versions.c.id), rows
    )
    return {DocumentKey(document): id for document, id in added}


def _digest(source: Source, recipe: str) -> bytes:
    described = json.dumps(
        [source.title, source.media_type, dict(source.metadata), source.content is None, recipe],
        sort_keys=True,
        default=list,
    )
    raw = source.text.encode() if source.content is None else source.content
    digest = hashlib.blake2b(digest_size=20)
    for part in (described.encode(), raw):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
