"""Live documents, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.documents import Document
from app.store.documents.rows import Listed, Stats
from app.store.tables import contents, documents, version_chunks, versions
from retrievers.types import CollectionId

_LISTED = (
    documents.c.public_id,
    versions.c.title,
    versions.c.media_type,
    versions.c.seq,
    versions.c.metadata,
    documents.c.created_at,
    versions.c.created_at.label("updated_at"),
)


async def document(
    connection: AsyncConnection, collection: CollectionId, document_id: str
) -> Document | None:
    """The live version with its text."""
    wanted = _live(select(*_LISTED, contents.c.text), collection)
    wanted = wanted.join(contents, contents.c.version == versions.c.id)
    found = await connection.execute(wanted.where(documents.c.public_id == document_id))
    row = found.one_or_none()
    if row is None:
        return None
    return Document(
        row.public_id,
        collection,
        row.title,
        row.text,
        row.media_type,
        row.seq,
        row.metadata,
        row.created_at,
        row.updated_at,
    )


async def is_live(connection: AsyncConnection, collection: CollectionId, document_id: str) -> bool:
    """Whether the document has a live version."""
    wanted = _live(select(documents.c.id), collection)
    found = await connection.scalar(wanted.where(documents.c.public_id == document_id))
    return found is not None


async def page(
    connection: AsyncConnection,
    collection: CollectionId,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[Listed]:
    """Live documents by (created_at, id)."""
    place = (documents.c.created_at, documents.c.public_id)
    wanted = _live(select(*_LISTED), collection)
    if after is not None:
        wanted = wanted.where(tuple_(*place) > after)
    rows = await connection.execute(wanted.order_by(*place).limit(limit))
    return [Listed(*row) for row in rows]


async def stats(connection: AsyncConnection, collection: CollectionId) -> Stats:
    """Size of the live content."""
    counted = _live(
        select(func.count(), func.coalesce(func.sum(versions.c.characters), 0)), collection
    )
    placed = _live(select(func.count()), collection).join(
        version_chunks, version_chunks.c.version == versions.c.id
    )
    number, characters = (await connection.execute(counted)).one()
    return Stats(number, await connection.scalar(placed) or 0, int(characters))


async def part(
    connection: AsyncConnection, collection: CollectionId, document_id: str, start: int, end: int
) -> str | None:
    """Code points `[start:end]` of the live text."""
    sliced = func.substr(contents.c.text, start + 1, max(end - start, 0))
    wanted = _live(select(sliced), collection).join(contents, contents.c.version == versions.c.id)
    found: str | None = await connection.scalar(wanted.where(documents.c.public_id == document_id))
    return found


def _live(wanted: Select[Any], collection: CollectionId) -> Select[Any]:
    return (
        wanted.select_from(documents)
        .join(versions, versions.c.document == documents.c.id)
        .where(
            documents.c.collection == collection,
            documents.c.deleted_at.is_(None),
            versions.c.state == "live",
        )
    )
