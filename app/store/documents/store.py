"""The document store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.documents import Document, Source
from app.domain.errors import NotFound
from app.domain.jobs import Job
from app.store.clock import Clock, utc_now
from app.store.documents import read
from app.store.documents.accept import accept
from app.store.documents.build import take, untake, worn_out, write
from app.store.documents.publish import drop, publish, raise_revision
from app.store.documents.rows import Built, Listed, Pending, Stats, Written
from app.store.jobs.leases import OPEN_ITEMS, Lease, count_done, fence
from app.store.removal import purge
from app.store.session import Database
from app.store.stale import mark
from app.store.tables import documents, job_items, versions
from retrievers.types import CollectionId, DocumentKey

_UNKNOWN = "there is no such document"


class Documents:
    """Versions of documents with PUT semantics. Each method that writes is one transaction.

    Life of a version: `accept` (building, queued) → `pending` → `write_chunks` (building, written)
    → `publish` (live; the one before is retired) → `purge`. `fail` and `abandon` leave the live
    version as it is.

    Args:
        projections: Names of the projections that must hear of changes.
        recipe: What parsing and chunking depend on; with another one a repeated post is no longer
            `unchanged`.
        max_attempts: How often a document may take its worker down.
    """

    def __init__(
        self,
        database: Database,
        projections: Sequence[str],
        recipe: str = "",
        max_attempts: int = 3,
        clock: Clock = utc_now,
    ) -> None:
        self._database, self._clock = database, clock
        self._projections = tuple(projections)
        self._recipe, self._max_attempts = recipe, max_attempts

    async def accept(
        self,
        collection: CollectionId,
        sources: Sequence[Source],
        kind: Literal["ingest", "purge"] = "ingest",
    ) -> Job:
        """Keep the sources as building versions and queue one job for them.

        A source whose content, title, media type and metadata equal the live version's, with no
        newer version waiting, is counted `unchanged`. A job of nothing else is `succeeded` at once.

        Raises:
            NotFound: The collection was deleted.
            Rejected: The same id occurs twice.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                touched.topics.add("jobs")
                now = self._clock()
                return await accept(connection, collection, sources, kind, self._recipe, now)

    async def get(self, collection: CollectionId, document_id: str) -> Document:
        """The live version.

        Raises:
            NotFound: Unknown, deleted or not yet published.
        """
        async with self._database.read() as connection:
            found = await read.document(connection, collection, document_id)
        if found is None:
            raise NotFound(_UNKNOWN)
        return found

    async def exists(self, collection: CollectionId, document_id: str) -> bool:
        """Whether there is a live version."""
        async with self._database.read() as connection:
            return await read.is_live(connection, collection, document_id)

    async def page(
        self,
        collection: CollectionId,
        limit: int,
        after: tuple[datetime, str] | None = None,
    ) -> list[Listed]:
        """Live documents by (created_at, id), beyond the pair given."""
        async with self._database.read() as connection:
            return await read.page(connection, collection, limit, after)

    async def stats(self, collection: CollectionId) -> Stats:
        """Size of the live content."""
        async with self._database.read() as connection:
            return await read.stats(connection, collection)

    async def slice(self, collection: CollectionId, document_id: str, start: int, end: int) -> str:
        """Code points `[start:end]` of the live stored text.

        Raises:
            NotFound: As `get`.
        """
        async with self._database.read() as connection:
            found = await read.part(connection, collection, document_id, start, end)
        if found is None:
            raise NotFound(_UNKNOWN)
        return found

    async def delete(self, collection: CollectionId, document_id: str) -> DocumentKey:
        """Tombstone the document and mark it stale everywhere: hidden from this moment.

        Also drops versions that are still being built.

        Raises:
            NotFound: Unknown or deleted.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                found = await connection.scalar(
                    update(documents)
                    .where(
                        documents.c.collection == collection,
                        documents.c.public_id == document_id,
                        documents.c.deleted_at.is_(None),
                    )
                    .values(deleted_at=self._clock())
                    .returning(documents.c.id)
                )
                if found is None:
                    raise NotFound(_UNKNOWN)
                key = DocumentKey(found)
                touched.add(collection, [key])
                touched.topics.add("jobs")
                building = await connection.scalars(
                    select(versions.c.id).where(
                        versions.c.document == key, versions.c.state == "building"
                    )
                )
                waiting = list(building)
                await drop(connection, collection, waiting, (), self._clock(), "done")
                await raise_revision(connection, collection)
                await mark(connection, self._projections, collection, [key])
        return key

    async def pending(self, lease: Lease, limit: int, held: Collection[int] = ()) -> list[Pending]:
        """Up to `limit` documents of the job to work on, in the order they were handed in.

        Their attempts are raised first, so that a crash counts; a document that has used up its
        attempts fails instead. One that was attempted before comes last and alone: if it takes
        the worker down again, no other pays.

        Args:
            held: Versions the worker has in hand already.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        async with self._database.write() as connection:
            await fence(connection, lease)
            for version in await worn_out(connection, lease, self._max_attempts, held):
                problem = {
                    "code": "worker-died",
                    "title": "The document stopped its worker",
                    "detail": f"the worker died {self._max_attempts} times over this document",
                }
                await self._drop(connection, lease, [version], "failed", problem)
            return await take(connection, lease, limit, held)

    async def give_back(self, lease: Lease, versions: Collection[int]) -> None:
        """Take no attempt of these pending documents into account: they were not finished.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        async with self._database.write() as connection:
            await fence(connection, lease)
            await untake(connection, lease, versions)

    async def write_chunks(self, lease: Lease, built: Sequence[Built]) -> list[Written]:
        """Store chunks, titles and parsed texts and mark the documents stale. Idempotent.

        A chunk whose key the document already has keeps its id. Posted metadata wins over parsed.
        Versions deleted meanwhile are left out of the result.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        async with self._database.write() as connection:
            await fence(connection, lease)
            written = await write(connection, lease, built)
            await mark(
                connection,
                self._projections,
                lease.job.collection,
                [one.document for one in written],
            )
        return written

    async def written(self, lease: Lease, limit: int = 1000) -> list[Written]:
        """Versions of the job that are written and not published (after a crash, say)."""
        wanted = (
            select(versions.c.id, versions.c.document)
            .join(job_items, job_items.c.version == versions.c.id)
            .where(job_items.c.job == lease.job.id, job_items.c.state == "written")
            .order_by(job_items.c.ordinal)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(wanted)
            return [Written(id, DocumentKey(document)) for id, document in rows]

    async def publish(self, lease: Lease, versions: Collection[int]) -> set[DocumentKey]:
        """Make written versions live, together; call it when every projection has applied them.

        Documents whose former chunks must leave are marked again. A version that a newer one
        overtook is retired, one whose document was deleted is dropped.

        Returns:
            The documents whose live version changed.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await fence(connection, lease)
                touched.topics.add("jobs")
                changed = await publish(
                    connection, lease, versions, self._projections, self._clock()
                )
                touched.add(lease.job.collection, changed)
        return changed

    async def fail(self, lease: Lease, version: int, problem: Mapping[str, Any]) -> None:
        """Drop a version that cannot be built and note why; the live one stays.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await fence(connection, lease)
                touched.topics.add("jobs")
                await self._drop(connection, lease, [version], "failed", problem)
                await count_done(connection, lease)

    async def abandon(self, lease: Lease) -> int:
        """Drop every version of the job that is not published (cancellation). Returns how many.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        left = select(job_items.c.version).where(
            job_items.c.job == lease.job.id, job_items.c.state.in_(OPEN_ITEMS)
        )
        async with self._database.write() as connection:
            await fence(connection, lease)
            dropped = list(await connection.scalars(left))
            await self._drop(connection, lease, dropped, "cancelled")
        return len(dropped)

    async def purge(self, limit: int = 500, grace_s: float = 300.0) -> int:
        """Remove rows nobody can see: returns how many versions and documents went (0 = clean).

        Versions retired for `grace_s`, chunks without a version, tombstones that every projection
        has acknowledged, and vectors of texts that no chunk has any more.
        """
        before = self._clock() - timedelta(seconds=grace_s)
        async with self._database.write() as connection:
            return await purge(connection, before, limit)

    async def _drop(
        self,
        connection: AsyncConnection,
        lease: Lease,
        ids: Sequence[int],
        state: str,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        here, now = lease.job.collection, self._clock()
        await drop(connection, here, ids, self._projections, now, state, problem)
