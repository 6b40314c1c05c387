"""What filters look at: per live document its metadata, and the chunks a match lets through."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.statements import batched
from app.store.tables import collections, documents, version_chunks, versions
from retrievers.filters import Filter, MetadataValue, matches
from retrievers.types import CollectionId, DocumentKey

Ids = npt.NDArray[np.int64]
# Documents judged between two looks at the event loop: some milliseconds.
_TURN = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One live document."""

    metadata: Mapping[str, MetadataValue]  # with the built-in keys
    chunks: Ids


async def read_entries(
    connection: AsyncConnection,
    collection: CollectionId,
    only: Collection[DocumentKey] | None = None,
) -> dict[DocumentKey, Entry]:
    """Entries of the collection's live documents (`only` = of these). Wants a snapshot."""
    entries: dict[DocumentKey, Entry] = {}
    for batch in [None] if only is None else batched(sorted(only)):
        placed = _live(select(versions.c.document, version_chunks.c.chunk), collection, batch)
        placed = placed.join(version_chunks, version_chunks.c.version == versions.c.id)
        rows = await connection.execute(placed)
        # Flattened first: NumPy would ask each row whether it is an array.
        pairs = np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 2)
        chunks = _grouped(pairs)
        described = select(
            documents.c.id,
            documents.c.public_id,
            versions.c.title,
            versions.c.media_type,
            documents.c.created_at,
            versions.c.created_at,
            versions.c.metadata,
        )
        found = await connection.execute(_live(described, collection, batch))
        for part in batched(found, _TURN):
            for key, public_id, title, media_type, created, updated, metadata in part:
                built_in = {
                    "$document_id": public_id,
                    "$title": title,
                    "$media_type": media_type,
                    "$created_at": rfc3339(created),
                    "$updated_at": rfc3339(updated),
                }
                entries[DocumentKey(key)] = Entry(
                    {**metadata, **built_in}, chunks.get(key, np.empty(0, np.int64))
                )
            await asyncio.sleep(0)
    return entries


async def chosen(entries: Iterable[Entry], condition: Filter) -> Ids:
    """Ids of the chunks whose document satisfies the condition, ascending, read-only.

    Lets the event loop run in between: judging many documents takes a while.
    """
    parts: list[Ids] = []
    for batch in batched(entries, _TURN):
        parts += [entry.chunks for entry in batch if matches(condition, entry.metadata)]
        await asyncio.sleep(0)
    ids = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
    ids.setflags(write=False)
    return ids


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds always written, so that the strings sort like the times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _grouped(pairs: Ids) -> dict[int, Ids]:
    """(n, 2) pairs of document and chunk to the chunks of each document."""
    if not len(pairs):
        return {}
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    keys, starts = np.unique(pairs[:, 0], return_index=True)
    # Copies: a view would keep the whole table alive.
    parts = [part.copy() for part in np.split(pairs[:, 1], starts[1:])]
    return dict(zip(keys.tolist(), parts, strict=True))


def _live(
    wanted: Select[Any], collection: CollectionId, only: Collection[DocumentKey] | None
) -> Select[Any]:
    wanted = (
        wanted.select_from(documents)
        .join(versions, versions.c.document == documents.c.id)
        .join(collections, collections.c.id == documents.c.collection)
        .where(
            documents.c.collection == collection,
            documents.c.deleted_at.is_(None),
            collections.c.deleted_at.is_(None),
            versions.c.state == "live",
        )
    )
    return wanted if only is None else wanted.where(documents.c.id.in_(only))
