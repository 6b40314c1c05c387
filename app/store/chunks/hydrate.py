"""Rows of chunks to `Chunk`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, and_, select

from app.store.tables import chunks, collections, documents, version_chunks, versions
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey

LIVE = ("live",)
NOTHING: Mapping[str, Any] = MappingProxyType({})  # what most documents have for metadata
STORED = ("live", "building")


def select_chunks(collection: CollectionId, states: Sequence[str]) -> Select[Any]:
    """Chunks of the collection as each version in one of these states has them.

    Add a condition that names them: ids, documents, or `chunks.c.collection` for all.
    """
    kept = (
        select(collections.c.id)
        .where(collections.c.id == collection, collections.c.deleted_at.is_(None))
        .exists()
    )
    # Written so that no index serves it: a planner without statistics would rather walk all chunks
    # of the collection than look up the few that the caller names.
    of_collection = chunks.c.collection + 0 == collection
    return (
        select(
            chunks.c.id,
            chunks.c.key,
            documents.c.id,
            documents.c.public_id,
            versions.c.title,
            version_chunks.c.context,
            chunks.c.text,
            version_chunks.c.start,
            version_chunks.c.end,
            version_chunks.c.ordinal,
            versions.c.id,
            versions.c.metadata,
            versions.c.seq,
        )
        .select_from(chunks)
        .join(version_chunks, version_chunks.c.chunk == chunks.c.id)
        .join(
            versions, and_(versions.c.id == version_chunks.c.version, versions.c.state.in_(states))
        )
        .join(documents, documents.c.id == versions.c.document)
        .where(of_collection, documents.c.deleted_at.is_(None), kept)
    )


def hydrated(rows: Iterable[Sequence[Any]]) -> dict[ChunkId, Chunk]:
    """One chunk per id, as the newest version among the rows has it, in the rows' order."""
    found: dict[ChunkId, Chunk] = {}
    newest: dict[ChunkId, int] = {}
    # Chunks of one version share its metadata, read-only.
    shared: dict[int, MappingProxyType[str, Any]] = {}
    for row in rows:
        id, key, document, public_id, title, context, text, start, end, ordinal = row[:10]
        version, metadata, seq = row[10:]
        if newest.setdefault(id, seq) > seq:
            continue
        newest[id] = seq
        found[id] = Chunk(
            ChunkId(id),
            key,
            DocumentKey(document),
            public_id,
            title,
            context,
            text,
            start,
            end,
            ordinal,
            shared.setdefault(version, MappingProxyType(metadata)) if metadata else NOTHING,
        )
    return found
